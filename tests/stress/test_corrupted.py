"""Corrupted files: their pixels, times and sizes, and that each is made once."""

from __future__ import annotations

import av
import numpy as np
import pytest

from deepfake_core.contract.errors import UsageError, VideoMissing, VideoUnreadable
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data import video
from deepfake_core.data.store import Store
from deepfake_core.stress.corrupted import corrupted
from deepfake_core.stress.sweep import CONTROL, KINDS, Corruption, sweep
from tests.stress.films import film, psnr

TICK = 1 / 90_000


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def read(record: VideoRecord) -> list[video.Frame]:
    return list(video.frames(record.path))


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "drop"])
def test_all_frames_at_their_times_without_sound(kind, store, tmp_path):
    """Also where frames don't come evenly."""
    uneven = [0, 0.05, 0.06, 0.2, 0.25, 0.6, 0.61, 1.0]
    source = film(tmp_path / "film.mp4", times=uneven)
    made = corrupted(source, Corruption(kind, KINDS[kind].levels[0]), store)
    assert (made.video_id, made.label, made.identities) == (source.video_id, 0, ("a",))
    assert [frame.time_s for frame in read(made)] == pytest.approx(uneven, abs=TICK)
    with av.open(str(made.path)) as container:
        assert not container.streams.audio and container.streams.video[0].codec_context.name == "h264"


def test_frames_left_out_leave_the_times_of_the_others(store, tmp_path):
    source = film(tmp_path / "film.mp4")
    before = [frame.time_s for frame in read(source)]
    made = corrupted(source, Corruption("drop", 0.5), store)
    after = [frame.time_s for frame in read(made)]
    assert 4 < len(after) < 20 and after[0] == 0
    assert all(min(abs(stamp - other) for other in before) < TICK for stamp in after)
    assert video.probe(made.path).duration_s == pytest.approx(1.0, abs=0.3), "the length is stated rightly, too"


def test_writing_anew_loses_little_and_each_kind_loses_more(store, tmp_path):
    source = film(tmp_path / "film.mp4")
    clean = np.stack([frame.rgb for frame in read(source)])
    kept = {}
    for corruption in sweep("all"):
        if corruption.kind != "drop":
            kept[corruption.name] = psnr(np.stack([f.rgb for f in read(corrupted(source, corruption, store))]), clean)
    assert kept["control 0"] > 40
    for kind, found in KINDS.items():
        of_kind = [kept[f"{kind} {level:g}"] for level in found.levels if kind not in ("drop", CONTROL)]
        assert of_kind == sorted(of_kind, reverse=True)
        assert all(value < kept["control 0"] for value in of_kind), kind


def test_h264_makes_smaller_files_at_higher_factors(store, tmp_path):
    source = film(tmp_path / "film.mp4", size=(96, 128))
    sizes = [corrupted(source, Corruption("h264", crf), store).path.stat().st_size for crf in (23, 32, 40)]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[0] < corrupted(source, Corruption(CONTROL, 0), store).path.stat().st_size


def test_odd_sizes(store, tmp_path):
    source = film(tmp_path / "film.mp4", size=(49, 65))
    assert read(corrupted(source, Corruption("blur", 1), store))[0].rgb.shape == (49, 65, 3)
    assert read(corrupted(source, Corruption("h264", 23), store))[0].rgb.shape == (48, 64, 3)


def test_made_once_for_equal_content_kind_and_level(store, tmp_path):
    source = film(tmp_path / "film.mp4")
    made = corrupted(source, Corruption("noise", 5), store)
    stamp = made.path.stat().st_mtime_ns
    (tmp_path / "copy.mp4").write_bytes(source.path.read_bytes())
    other = VideoRecord("y__fake__9", tmp_path / "copy.mp4", 1, "y", "swap", ("b",))
    again = corrupted(other, Corruption("noise", 5), store)
    assert again.path == made.path and again.path.stat().st_mtime_ns == stamp and again.video_id == "y__fake__9"
    assert corrupted(source, Corruption("noise", 10), store).path != made.path


def test_chances_are_the_same_whenever_a_video_is_made_and_differ_between_videos(tmp_path):
    source = film(tmp_path / "film.mp4")
    here, there = (corrupted(source, Corruption("drop", 0.5), Store(tmp_path / name)) for name in ("a", "b"))
    assert [f.time_s for f in read(here)] == [f.time_s for f in read(there)]
    other = film(tmp_path / "other.mp4", size=(50, 64))
    left = corrupted(other, Corruption("drop", 0.5), Store(tmp_path / "a"))
    assert [f.time_s for f in read(left)] != [f.time_s for f in read(here)]


def test_a_video_that_cannot_be_read_is_a_video_error(store, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    broken = VideoRecord("x", tmp_path / "text.mp4")
    for _ in range(2):
        with pytest.raises(VideoUnreadable):
            corrupted(broken, Corruption("blur", 1), store)
    with pytest.raises(VideoMissing):
        corrupted(VideoRecord("x", tmp_path / "gone.mp4"), Corruption("blur", 1), store)
    whole = film(tmp_path / "film.mp4")
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(whole.path.read_bytes()[:400])
    with pytest.raises(VideoUnreadable):
        corrupted(VideoRecord("x", torn), Corruption("h264", 23), store)


def test_kinds_are_asked_for_by_name():
    assert [each.name for each in sweep("h264,drop")] == [
        "control 0", "h264 23", "h264 32", "h264 40", "drop 0.1", "drop 0.3", "drop 0.5",
    ]  # fmt: skip
    assert len(sweep("all")) == 25
    assert (Corruption("resize", 0.75).shown, Corruption("h264", 23).shown) == ("to 75%", "CRF 23")
    for wrong in ("blurr", "h264,fog", ""):
        with pytest.raises(UsageError, match="h264, jpeg"):
            sweep(wrong)

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from scipy.signal import periodogram

from deepfake_core import VideoFrameRateTooLow, VideoNoFace, VideoTooShort
from deepfake_rppg.extract import trace
from deepfake_rppg.pulse import pulse, resample
from deepfake_rppg.settings import TraceSettings
from deepfake_rppg.traces import REGIONS, Traces

BPM = 78.0
SIDE = 240
SETTINGS = TraceSettings(window_s=4.0, min_s=3.0)
DATA = Path(__file__).parents[4] / "shared" / "data"


def write(path: Path, frames: list[np.ndarray], fps: float, size: int = SIDE) -> Path:
    with av.open(str(path), "w") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options={"crf": "12", "preset": "veryfast"})
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA))
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def film() -> Callable[..., list[np.ndarray]]:
    """Frames of a portrait that sways and whose skin pulses at ``BPM``."""
    portrait = pytest.importorskip("skimage.data").astronaut()[:300, 80:380]
    portrait = cv2.resize(portrait, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    grain = np.random.default_rng(0).uniform(-1, 1, portrait.shape).astype(np.float32)

    def shoot(seconds: float, fps: float, *, bare: tuple[float, float] = (0.0, 0.0)) -> list[np.ndarray]:
        """With an empty wall from ``bare[0]`` to ``bare[1]`` seconds."""
        frames = []
        for number in range(round(seconds * fps)):
            time = number / fps
            if bare[0] <= time < bare[1]:
                frames.append(np.full((SIDE, SIDE, 3), 120, np.uint8))
                continue
            beat = np.float32(0.02 * np.sin(2 * np.pi * BPM / 60 * time) * np.array([0.33, 0.77, 0.53]))
            sway = np.float32([[1, 0, 2 * np.sin(time)], [0, 1, np.cos(time)]])
            lit = portrait * (1 + beat) + np.roll(grain, number, axis=1)
            moved = cv2.warpAffine(lit, sway, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
            frames.append(np.clip(moved, 0, 255).astype(np.uint8))
        return frames

    return shoot


@pytest.fixture(scope="module")
def clip(film, tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("clip") / "clip.mp4", film(5.0, 25), 25)


def test_a_clip_becomes_traces_and_facts(clip, tmp_path):
    facts = trace(clip, SETTINGS, tmp_path)
    assert facts == json.loads(json.dumps(facts))
    hashed = facts.pop("content_hash")
    assert len(bytes.fromhex(hashed)) == 8 * 8
    face_px = facts.pop("face_px")
    assert facts == {
        "width": SIDE,
        "height": SIDE,
        "fps": pytest.approx(25.0),
        "seconds": pytest.approx(4.0),
        "frames": 100,
        "low_frame_rate": False,
        "aliased": False,
        "face_share": 1.0,
        "faces_seen": 1,
        "face_jumps": 0,
    }
    traces = Traces.load(tmp_path)
    np.testing.assert_allclose(traces.times, np.arange(100) / 25, atol=1e-6)
    assert traces.rgb.shape == (100, len(REGIONS), 3)
    assert traces.landmarks.shape == (100, 468, 3)
    assert np.isfinite(traces.rgb).all()
    assert np.isfinite(traces.landmarks).all()
    assert np.isfinite(traces.spectrum).all()
    assert not traces.aliased
    assert np.ptp(traces.landmarks[:, :, 0], axis=1).mean() == pytest.approx(face_px)


def test_the_pulse_that_was_put_in_comes_out(clip, tmp_path):
    trace(clip, SETTINGS, tmp_path)
    traces = Traces.load(tmp_path)
    fs, even = resample(traces.times, traces.rgb)
    cheeks = pulse(even, fs, "pos")[:, [REGIONS.index("left_cheek"), REGIONS.index("right_cheek")]].mean(axis=1)
    frequency, power = periodogram(cheeks, fs, nfft=4096, window="hann")
    assert 60 * frequency[power.argmax()] == pytest.approx(BPM, abs=3)


def test_the_same_clip_gives_the_same_traces(clip, tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        trace(clip, SETTINGS, tmp_path / name)
    one, other = (Traces.load(tmp_path / name) for name in ("one", "other"))
    for part in ("times", "rgb", "landmarks", "spectrum"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


def test_a_smaller_copy_has_nearly_the_same_content_hash(film, clip, tmp_path):
    small = write(tmp_path / "small.mp4", film(5.0, 25), 25, size=SIDE // 3 * 2)
    one, other = (int(trace(path, SETTINGS, tmp_path)["content_hash"], 16) for path in (clip, small))
    assert (one ^ other).bit_count() <= 8 * 4


def test_a_short_clip(film, tmp_path):
    path = write(tmp_path / "short.mp4", film(2.0, 25), 25)
    with pytest.raises(VideoTooShort) as raised:
        trace(path, SETTINGS, tmp_path)
    assert raised.value.detail == "2.0 s of 3.0 s"


def test_less_than_half_a_frame_does_not_make_a_clip_too_short(film, tmp_path):
    path = write(tmp_path / "just.mp4", film(3.0, 25), 25)
    assert trace(path, TraceSettings(window_s=4.0, min_s=3.015), tmp_path)["frames"] == 75
    with pytest.raises(VideoTooShort):
        trace(path, TraceSettings(window_s=4.0, min_s=3.025), tmp_path)


def test_a_low_frame_rate(film, tmp_path):
    path = write(tmp_path / "slow.mp4", film(4.0, 6), 6)
    with pytest.raises(VideoFrameRateTooLow) as raised:
        trace(path, SETTINGS, tmp_path)
    assert raised.value.detail == "6.0 frames per second of 8.0"


def test_a_usable_but_low_frame_rate_is_noted(film, tmp_path):
    path = write(tmp_path / "slow.mp4", film(4.0, 12), 12)
    facts = trace(path, SETTINGS, tmp_path)
    assert facts["low_frame_rate"]
    assert not facts["aliased"]


def test_of_sixty_frames_per_second_every_second_one_is_measured(film, tmp_path):
    path = write(tmp_path / "fast.mp4", film(3.5, 60), 60)
    facts = trace(path, SETTINGS, tmp_path)
    assert facts["fps"] == pytest.approx(30.0)
    assert facts["frames"] == 105
    np.testing.assert_allclose(np.diff(Traces.load(tmp_path).times), 1 / 30, atol=1e-4)


def test_no_face(tmp_path):
    wall = [np.full((SIDE, SIDE, 3), 120, np.uint8)] * 80
    with pytest.raises(VideoNoFace) as raised:
        trace(write(tmp_path / "wall.mp4", wall, 25), SETTINGS, tmp_path)
    assert raised.value.detail == "face in 0 of 80 frames, 50% needed"


def test_what_comes_before_the_face_is_left_out(film, tmp_path):
    path = write(tmp_path / "late.mp4", film(4.0, 25, bare=(0.0, 0.8)), 25)
    facts = trace(path, SETTINGS, tmp_path)
    traces = Traces.load(tmp_path)
    assert facts["frames"] == len(traces.times) == pytest.approx(80, abs=2)
    assert traces.times[0] == pytest.approx(0.8, abs=0.08)
    assert facts["face_share"] == pytest.approx(0.8, abs=0.02)


def test_a_face_that_is_seen_too_briefly(film, tmp_path):
    path = write(tmp_path / "late.mp4", film(4.0, 25, bare=(0.0, 1.6)), 25)
    with pytest.raises(VideoTooShort, match=r"2\.\d s of 3\.0 s with a face"):
        trace(path, SETTINGS, tmp_path)


def test_a_face_with_a_long_gap(film, tmp_path):
    path = write(tmp_path / "gap.mp4", film(4.0, 25, bare=(1.2, 2.6)), 25)
    with pytest.raises(VideoNoFace, match=r"face in 6\d of 100 frames, 70% needed"):
        trace(path, SETTINGS, tmp_path)


def test_the_published_sampling_spreads_sixty_frames_and_says_when_they_alias(film, clip, tmp_path):
    published = TraceSettings(sampling="spread60", min_s=3.0)
    facts = trace(clip, published, tmp_path)
    assert (facts["frames"], facts["aliased"]) == (60, False), "5 s: 12 Hz"
    longer = write(tmp_path / "longer.mp4", film(9.0, 12), 12)
    facts = trace(longer, published, tmp_path)
    assert (facts["frames"], facts["aliased"]) == (60, True), "9 s: 6.7 Hz"
    traces = Traces.load(tmp_path)
    assert traces.aliased
    assert traces.times[-1] - traces.times[0] > 8.5


@pytest.mark.skipif(not DATA.exists(), reason="needs real clips in ../shared/data")
def test_a_real_pulse(tmp_path):
    """53 beats per minute, as the clip's users report."""
    trace(DATA / "clips/rppg/evm_face.mp4", TraceSettings(), tmp_path)
    traces = Traces.load(tmp_path)
    fs, even = resample(traces.times, traces.rgb)
    for signal in pulse(even, fs, "chrom")[:, :3].T:
        frequency, power = periodogram(signal, fs, nfft=4096, window="hann")
        assert 60 * frequency[power.argmax()] == pytest.approx(53, abs=2)

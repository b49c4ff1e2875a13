from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

from deepfake_core import Store, VideoNoFace, VideoRecord
from deepfake_core.data.video import Frame
from deepfake_faces import extract as module
from deepfake_faces.crops import FaceCrops, face_crops
from deepfake_faces.detect import Faces
from deepfake_faces.extract import LONGEST_GAP, MOST, extract
from deepfake_faces.settings import FaceSettings, ViewSettings

Spot = tuple[float, float, float]
"""Left, top and side of a square face."""

POINTS = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])
"""Of a level face, in sides of its box."""

Run = Callable[..., tuple[dict, FaceCrops]]


@pytest.fixture
def run(monkeypatch, tmp_path) -> Run:
    """Extracts from a script: the faces that the detector reports for each frame, in the pixels it is given."""

    def run_script(
        script: Sequence[Sequence[Spot]],
        *,
        frame: np.ndarray | None = None,
        confidence: Callable[[Spot], float] = lambda _: 0.99,
        times: Sequence[float] | None = None,
        **settings: object,
    ) -> tuple[dict, FaceCrops]:
        picture = np.zeros((480, 640, 3), np.uint8) if frame is None else frame
        upcoming = iter(script)

        class Scripted:
            def detect(self, frames: Sequence[np.ndarray]) -> list[Faces]:
                found = []
                for _ in frames:
                    spots = np.array(next(upcoming), float).reshape(-1, 3)
                    boxes = np.concatenate([spots[:, :2], spots[:, :2] + spots[:, 2:]], axis=1)
                    points = spots[:, None, :2] + POINTS * spots[:, None, 2:]
                    found.append(Faces(boxes, points, np.array([confidence(tuple(spot)) for spot in spots])))
                return found

            def __enter__(self):
                return self

            def __exit__(self, *_: object) -> None: ...

        def sample(path: object, count: int) -> list[Frame]:
            return [Frame(time, picture) for time in (times or np.arange(len(script)) / 2)]

        monkeypatch.setattr(module, "open_detector", lambda name: Scripted())
        monkeypatch.setattr(module.video, "sample", sample)
        facts = extract(tmp_path / "clip.mp4", FaceSettings(**settings), tmp_path)
        return facts, FaceCrops.load(tmp_path)

    return run_script


def lefts(crops: FaceCrops, track: int = 0) -> np.ndarray:
    """Of the boxes, in pixels of the video, for clips whose red tells the column and whose green counts full turns."""
    rows = np.flatnonzero(crops.track == track)
    middle = crops.pixels.shape[1] // 2
    column = crops.pixels[rows, middle, middle, 0].astype(int) + 256 * crops.pixels[rows, middle, middle, 1].astype(int)
    return column - middle + crops.box[rows, 0]


@pytest.fixture
def ruler() -> np.ndarray:
    """A picture that tells each pixel's column."""
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.arange(640) % 256, np.arange(640) // 256
    return picture


class TestStoredPixels:
    def test_are_the_videos_own(self, run):
        noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
        _, crops = run([[(200.0, 150.0, 100.0)], [(203.3, 150.0, 90.0)]], frame=noise)
        assert crops.pixels.shape == (2, 160, 160, 3), "1.6 times the larger box"
        np.testing.assert_array_equal(crops.pixels[0], noise[120:280, 170:330])
        np.testing.assert_allclose(crops.box[0], (30, 30, 130, 130))
        np.testing.assert_allclose(crops.points[0], 30 + 100 * POINTS)
        # The second crop isn't enlarged: it shows more of the picture.
        where = np.flatnonzero((noise[115, :480] == crops.pixels[1][0, 0]).all(axis=1))
        assert where.tolist() == [168]
        np.testing.assert_allclose(crops.box[1], (35.3, 35, 125.3, 125))

    def test_of_large_faces_are_averaged(self, run):
        fine = np.random.default_rng(0).integers(0, 255, (1200, 1280, 3), np.uint8)
        facts, crops = run([[(100.0, 100.0, 250.0)]], frame=fine)  # the detector sees half the size
        assert crops.pixels.shape == (1, MOST, MOST, 3)
        expected = cv2.resize(fine[50:850, 50:850], (MOST, MOST), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(crops.pixels[0], expected)
        np.testing.assert_allclose(crops.box[0], (75, 75, 325, 325))
        assert crops.face_px[0] == 500
        assert (facts["width"], facts["height"]) == (1280, 1200)

    def test_out_of_the_picture_are_mirrored(self, run):
        noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
        facts, crops = run([[(-25.0, 200.0, 100.0)]], frame=noise)
        assert facts["outside"] == pytest.approx(0.25)
        np.testing.assert_array_equal(crops.pixels[0][:, 55:], noise[170:330, :105])
        np.testing.assert_array_equal(crops.pixels[0][:, :55], noise[170:330, 55:0:-1])
        np.testing.assert_allclose(crops.box[0], (30, 30, 130, 130))

    def test_of_a_picture_smaller_than_a_crop(self, run):
        _, crops = run([[(20.0, 30.0, 80.0)]], frame=np.full((120, 100, 3), 77, np.uint8))
        assert crops.pixels.shape == (1, 128, 128, 3)
        assert (crops.pixels == 77).all()

    def test_a_face_whose_middle_is_out_of_the_picture_is_none(self, run):
        with pytest.raises(VideoNoFace):
            run([[(-60.0, 200.0, 100.0)]])


class TestTracking:
    def test_two_people_who_cross(self, run, ruler):
        """At the crossing only the one in front is seen; the other one is farther away."""
        script = [[(100.0 + 30 * k, 100.0, 120.0), (340.0 - 30 * k, 110.0, 70.0)] for k in range(8)]
        script[4] = script[4][:1]
        facts, crops = run(script, frame=ruler, faces="all")
        assert crops.tracks == (0, 1)
        np.testing.assert_allclose(lefts(crops, 0), 100 + 30 * np.arange(8), atol=1)
        np.testing.assert_allclose(lefts(crops, 1), 340 - 30 * np.arange(8), atol=1)
        assert facts["faces_seen"] == 2
        assert facts["face_jumps"] == 0
        assert crops.interpolated[crops.track == 1].tolist() == [False] * 4 + [True] + [False] * 3

    def test_a_passer_by(self, run, ruler):
        person, passer_by = (100.0, 100.0, 100.0), (400.0, 50.0, 160.0)
        facts, crops = run([[person]] * 10 + [[person, passer_by]] * 3 + [[person]] * 3, frame=ruler)
        np.testing.assert_allclose(lefts(crops), 100, atol=1)
        assert len(crops.slot) == 16
        assert facts["faces_seen"] == 2

    def test_a_huge_passer_by_who_does_not_last(self, run, ruler):
        person, passer_by = (50.0, 100.0, 60.0), (250.0, 0.0, 300.0)
        facts, crops = run([[person]] * 13 + [[person, passer_by]] * 3, frame=ruler)
        np.testing.assert_allclose(lefts(crops), 50, atol=1)
        assert facts["face_share"] == 1.0

    def test_all_means_those_that_last_by_their_areas(self, run):
        script = [[(10.0, 100.0, 80.0), (200.0, 100.0, 120.0)]] * 12
        script += [[(10.0, 100.0, 80.0), (200.0, 100.0, 120.0), (450.0, 100.0, 150.0)]] * 3 + [[]]
        facts, crops = run(script, faces="all")
        assert crops.tracks == (0, 1)
        assert crops.face_px[crops.track == 0].tolist() == [120.0] * 15
        assert crops.face_px[crops.track == 1].tolist() == [80.0] * 15
        assert crops.slot[crops.track == 1].tolist() == list(range(15))
        assert facts["faces_seen"] == 3

    def test_a_cut_to_a_person_elsewhere_is_not_merged(self, run, ruler):
        facts, crops = run([[(100.0, 100.0, 100.0)]] * 10 + [[(400.0, 100.0, 100.0)]] * 6, frame=ruler)
        assert crops.slot.tolist() == list(range(10))
        np.testing.assert_allclose(lefts(crops), 100, atol=1)
        assert facts["faces_seen"] == 2
        assert facts["face_share"] == pytest.approx(10 / 16)

    def test_a_far_move_counts_as_a_jump(self, run):
        facts, crops = run([[(100.0, 100.0, 100.0)]] * 8 + [[(180.0, 100.0, 100.0)]] * 8)
        assert facts["face_jumps"] == 1
        assert len(crops.slot) == 16

    def test_what_the_detector_is_unsure_of_yields_to_a_sure_face(self, run, ruler):
        person, shirt = (100.0, 100.0, 60.0), (60.0, 200.0, 160.0)
        unsure = lambda spot: 0.8 if spot == shirt else 0.99  # noqa: E731
        facts, crops = run([[person, shirt]] * 8, frame=ruler, confidence=unsure, faces="all")
        assert crops.tracks == (0,)
        np.testing.assert_allclose(lefts(crops), 100, atol=1)
        assert facts["faces_seen"] == 1
        # A moment's sure mistake doesn't displace an unsure face that lasts.
        facts, crops = run([[shirt]] * 7 + [[shirt, person]], frame=ruler, confidence=unsure)
        np.testing.assert_allclose(lefts(crops), 60, atol=1)


class TestGaps:
    def test_are_filled_evenly_in_time(self, run):
        script = [[(100.0, 100.0, 100.0)], [], [], [(130.0, 100.0, 130.0)]]
        facts, crops = run(script, times=[0.0, 1.0, 2.0, 3.0])
        assert crops.slot.tolist() == [0, 1, 2, 3]
        assert crops.interpolated.tolist() == [False, True, True, False]
        np.testing.assert_allclose(crops.face_px, (100, 110, 120, 130))
        eyes_apart = crops.points[:, 1, 0] - crops.points[:, 0, 0]
        np.testing.assert_allclose(eyes_apart, np.array([100, 110, 120, 130]) * 0.4)
        assert facts["interpolated"] == 2
        assert facts["face_share"] == 0.5

    def test_uneven_times(self, run):
        _, crops = run([[(100.0, 100.0, 100.0)], [], [(130.0, 100.0, 130.0)]], times=[0.0, 2.0, 3.0])
        np.testing.assert_allclose(crops.face_px, (100, 120, 130))

    def test_show_the_frames_own_pixels(self, run, ruler):
        _, crops = run([[(100.0, 100.0, 100.0)], [], [(140.0, 100.0, 100.0)]], frame=ruler)
        np.testing.assert_allclose(lefts(crops), (100, 120, 140), atol=1)

    def test_are_as_sure_as_the_less_sure_end(self, run):
        script = [[(100.0, 100.0, 100.0)], [], [(100.0, 100.0, 101.0)]]
        _, crops = run(script, confidence=lambda spot: 0.95 if spot[2] == 100 else 0.91)
        assert crops.confidence.tolist() == [0.95, 0.91, 0.91]

    def test_before_the_first_and_after_the_last_sighting_there_is_nothing(self, run):
        _, crops = run([[]] * 2 + [[(100.0, 100.0, 100.0)]] * 3 + [[]] * 2)
        assert crops.slot.tolist() == [2, 3, 4]
        assert crops.sampled == 7

    @pytest.mark.parametrize(("gap", "filled"), [(LONGEST_GAP, True), (LONGEST_GAP + 1, False)])
    def test_long_ones_stay(self, run, gap, filled):
        _, crops = run([[(100.0, 100.0, 100.0)]] * 5 + [[]] * gap + [[(100.0, 100.0, 100.0)]] * 5)
        assert crops.interpolated.sum() == (gap if filled else 0)
        assert set(crops.slot) == set(range(10 + gap)) - (set() if filled else set(range(5, 5 + gap)))


def test_too_few_frames_show_a_face(run):
    script = [[(100.0, 100.0, 100.0)]] * 3 + [[]] * 13
    with pytest.raises(VideoNoFace) as raised:
        run(script)
    assert raised.value.detail == "face in 3 of 16 frames, 25% needed"
    facts, _ = run(script, min_share=0.1)
    assert facts["face_share"] == pytest.approx(3 / 16)


def test_no_face_at_all(run):
    with pytest.raises(VideoNoFace, match="face in 0 of 4 frames"):
        run([[]] * 4)


def test_sharpness_tells_a_blurred_face(run):
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    sharp, _ = run([[(200.0, 150.0, 100.0)]], frame=noise)
    blurred, _ = run([[(200.0, 150.0, 100.0)]], frame=cv2.GaussianBlur(noise, (0, 0), 2))
    flat, _ = run([[(200.0, 150.0, 100.0)]], frame=np.full_like(noise, 90))
    assert sharp["sharpness"] > 10 * blurred["sharpness"] > 0
    assert flat["sharpness"] == 0


@pytest.fixture(params=["mtcnn", "facemesh"])
def detector(request) -> str:
    if request.param == "mtcnn":
        pytest.importorskip("facenet_pytorch")
    return request.param


@pytest.fixture
def clip(portrait, write):
    """The portrait wandering over a wall, 20 frames."""
    wall = cv2.resize(np.random.default_rng(0).integers(60, 190, (30, 40, 3), np.uint8), (480, 360))
    frames = []
    for number in range(20):
        frame = wall.copy()
        frame[30 : 30 + 300, 5 * number : 5 * number + 300] = portrait
        frames.append(frame)
    return write(frames)


def test_a_clip_becomes_crops_and_facts(detector, clip, tmp_path):
    facts = extract(clip, FaceSettings(detector=detector), tmp_path)
    assert facts == json.loads(json.dumps(facts, allow_nan=False))
    assert facts["face_share"] == 1.0
    assert facts["faces_seen"] == 1
    assert facts["detector"] == detector
    assert abs(facts["tilt_deg"]) < 8
    assert len(bytes.fromhex(facts["content_hash"])) == 8 * 8
    crops = FaceCrops.load(tmp_path)
    assert crops.slot.tolist() == list(range(16))
    assert np.ptp(crops.face_px) < 0.15 * facts["face_px"]
    # The face stands still in the crops while it wanders through the picture.
    views = crops.read(crops.usable(ViewSettings()), size=96, margin=0.2, upright_above_deg=None).astype(float)
    assert np.abs(views - views.mean(axis=0)).mean() < 12


def test_the_same_file_gives_the_same_bytes(detector, clip, tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        extract(clip, FaceSettings(detector=detector), tmp_path / name)
    one, other = (sorted((tmp_path / name).iterdir()) for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_a_smaller_copy_has_nearly_the_same_content_hash(detector, clip, write, tmp_path):
    from deepfake_core.data import video

    half = [cv2.resize(frame.rgb, (240, 180), interpolation=cv2.INTER_AREA) for frame in video.frames(clip)]
    hashes = [extract(path, FaceSettings(detector=detector), tmp_path)["content_hash"] for path in (clip, write(half))]
    one, other = (int(text, 16) for text in hashes)
    assert (one ^ other).bit_count() <= 8 * 4


def test_one_frame_is_enough(detector, portrait, write, tmp_path):
    facts = extract(write([portrait]), FaceSettings(detector=detector), tmp_path)
    assert facts["sampled"] == 1
    assert len(bytes.fromhex(facts["content_hash"])) == 8 * 8
    assert FaceCrops.load(tmp_path).slot.tolist() == [0]


def test_a_clip_without_a_face(detector, write, tmp_path):
    with pytest.raises(VideoNoFace):
        extract(write([np.full((120, 160, 3), 90, np.uint8)] * 4), FaceSettings(detector=detector), tmp_path)


def test_views_share_an_entry_and_detectors_do_not(clip, tmp_path, monkeypatch):
    made = []

    def make(path, settings, folder):
        made.append(settings.detector)
        return {"detector": settings.detector}

    monkeypatch.setattr(module, "extract", make)
    store, record = Store(tmp_path / "store"), VideoRecord("v", clip)
    first = face_crops(record, ViewSettings(size=224, frames=8), store)
    assert face_crops(record, ViewSettings(size=299, margin=0.4, min_sharpness=20.0), store).path == first.path
    assert face_crops(record, FaceSettings(detector="facemesh"), store).path != first.path
    assert made == ["mtcnn", "facemesh"]

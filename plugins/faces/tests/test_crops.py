from __future__ import annotations

import math

import numpy as np
import pytest

from deepfake_core import VideoNoFace
from deepfake_faces.crops import FaceCrops, look_at, view_facts
from deepfake_faces.settings import FaceSettings, ViewSettings

SIZE = 200


def crops(count: int = 16, **columns: object) -> FaceCrops:
    """Crops whose red is the column and whose green is the row of each pixel."""
    ramp = np.zeros((SIZE, SIZE, 3), np.uint8)
    ramp[..., 0] = np.arange(SIZE)
    ramp[..., 1] = np.arange(SIZE)[:, None]
    given = {
        "pixels": np.stack([ramp] * count),
        "sampled": count,
        "track": np.zeros(count, np.intp),
        "slot": np.arange(count),
        "time_s": np.arange(count) / 2,
        "box": np.tile([50.0, 40.0, 130.0, 140.0], (count, 1)),
        "points": np.tile([[70.0, 80], [110, 80], [90, 100], [75, 120], [105, 120]], (count, 1, 1)),
        "confidence": np.full(count, 0.95),
        "sharpness": np.full(count, 50.0),
        "face_px": np.full(count, 80.0),
        "outside": np.zeros(count),
        "interpolated": np.zeros(count, bool),
        **columns,
    }
    return FaceCrops(**given)


class TestLookAt:
    """The box is 80 x 100 about (90, 90), so a margin of m gives a square of side 100 (1 + m) there."""

    box = np.array([50.0, 40.0, 130.0, 140.0])

    @pytest.mark.parametrize("size", [50, 73, 100, 160])
    @pytest.mark.parametrize("margin", [0.0, 0.217, 0.6])
    def test_pixels_come_from_where_the_box_says(self, size, margin):
        view = look_at(crops(1).pixels[0], self.box, size=size, margin=margin).astype(float)
        side = 100 * (1 + margin)
        # A pixel's number is its place less the half from its corner to its middle. Values are rounded up to three times.
        place = 90 - side / 2 + (np.arange(size) + 0.5) * side / size - 0.5
        np.testing.assert_allclose(view[..., 0], np.tile(place, (size, 1)), atol=1.3)
        np.testing.assert_allclose(view[..., 1], np.tile(place[:, None], (1, size)), atol=1.3)

    @pytest.mark.parametrize("degrees", [-50.0, 20.0, 90.0])
    def test_a_turned_square(self, degrees):
        size, side = 60, 100.0
        view = look_at(crops(1).pixels[0], self.box, size=size, margin=0.0, tilt_deg=degrees).astype(float)
        along = ((np.arange(size) + 0.5) / size - 0.5) * side
        right, down = np.meshgrid(along, along)
        turn = math.radians(degrees)
        np.testing.assert_allclose(view[..., 0], 89.5 + right * np.cos(turn) - down * np.sin(turn), atol=1.0)
        np.testing.assert_allclose(view[..., 1], 89.5 + right * np.sin(turn) + down * np.cos(turn), atol=1.0)

    def test_at_the_stored_size_pixels_are_copied(self):
        noise = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
        view = look_at(noise, np.array([60.0, 40.0, 140.0, 140.0]), size=100, margin=0.0)
        np.testing.assert_array_equal(view, noise[40:140, 50:150])

    @pytest.mark.parametrize("size", [20, 33, 45, 60])
    def test_detail_finer_than_the_view_hardly_aliases(self, size):
        stripes = np.repeat(np.tile(np.uint8([0, 255]), (SIZE, SIZE // 2))[..., None], 3, axis=2)
        view = look_at(stripes, self.box, size=size, margin=0.0, tilt_deg=3.0)
        assert view.std() < 0.25 * stripes.std()

    def test_detail_that_the_view_can_show_is_kept(self):
        """Waves of 5 pixels of a view that has 3 pixels for 4 stored ones."""
        wave = 127 + 100 * np.sin(2 * np.pi * np.arange(SIZE) / (5 * 4 / 3))
        image = np.repeat(np.tile(wave, (SIZE, 1))[..., None], 3, axis=2).astype(np.uint8)
        assert look_at(image, self.box, size=75, margin=0.0).std() > 0.7 * image.std()


class TestRead:
    def test_eyes_are_level_after_turning(self):
        dots = np.zeros((1, SIZE, SIZE, 3), np.uint8)
        y, x = np.indices((SIZE, SIZE)) + 0.5
        points = np.array([[[72.0, 70], [106, 94], [84, 100], [66, 118], [90, 134]]])
        for channel, (left, top) in enumerate(points[0, :2]):
            dots[0, ..., channel] = 250 * np.exp(-((x - left) ** 2 + (y - top) ** 2) / 18)
        face = crops(1, pixels=dots, points=points)
        assert face.tilt_deg[0] == pytest.approx(math.degrees(math.atan2(24, 34)))

        def eyes(upright_above_deg: float | None) -> np.ndarray:
            view = face.read(np.array([0]), size=150, margin=0.2, upright_above_deg=upright_above_deg)[0].astype(float)
            rows, columns = np.indices(view.shape[:2])
            return np.array(
                [[(view[..., c] * at).sum() / view[..., c].sum() for at in (columns, rows)] for c in (0, 1)]
            )

        scale = 150 / 120
        plain, turned = eyes(None), eyes(2.0)
        np.testing.assert_allclose(plain[1] - plain[0], np.array([34, 24]) * scale, atol=0.3)
        np.testing.assert_allclose(turned[1] - turned[0], (math.hypot(34, 24) * scale, 0), atol=0.3)
        np.testing.assert_allclose(eyes(36.0), plain)

    def test_one_row_is_as_in_a_batch_and_any_order(self):
        face = crops(4, box=np.random.default_rng(0).uniform((40, 40, 120, 120), (60, 60, 150, 150), (4, 4)))
        view = {"size": 64, "margin": 0.3, "upright_above_deg": None}
        batch = face.read(np.array([2, 0, 3]), **view)
        assert batch.shape == (3, 64, 64, 3)
        assert batch.dtype == np.uint8
        for row, one in zip((2, 0, 3), batch, strict=True):
            np.testing.assert_array_equal(face.read(np.array([row]), **view)[0], one)
        assert face.read(np.array([], np.intp), **view).shape == (0, 64, 64, 3)


class TestUsable:
    def test_every_frame_without_gates(self):
        assert crops().usable(ViewSettings()).tolist() == list(range(16))

    def test_fewer_frames_are_spread_evenly(self):
        assert crops().usable(ViewSettings(frames=8)).tolist() == list(range(0, 16, 2))

    def test_slots_count_not_rows(self):
        """The face isn't seen in the first two slots and in the seventh."""
        slots = np.array([2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        face = crops(13, sampled=16, slot=slots)
        assert slots[face.usable(ViewSettings(frames=8))].tolist() == [2, 4, 8, 10, 12, 14]

    def test_a_short_clip_gives_what_it_has(self):
        assert crops(10).usable(ViewSettings(frames=8)).tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
        assert crops(5).usable(ViewSettings(frames=8)).tolist() == [0, 1, 2, 3, 4]
        assert crops(1).usable(ViewSettings()).tolist() == [0]

    def test_only_the_track_asked_for(self):
        face = crops(4, sampled=2, track=np.array([0, 0, 1, 1]), slot=np.array([0, 1, 0, 1]))
        assert face.tracks == (0, 1)
        assert face.usable(ViewSettings(), track=1).tolist() == [2, 3]

    def test_gates(self):
        face = crops(
            4,
            confidence=np.array([0.8, 0.95, np.nan, 0.95]),
            face_px=np.array([90.0, 50.0, 90.0, 90.0]),
            sharpness=np.array([30.0, 30.0, 30.0, 10.0]),
        )
        assert face.usable(ViewSettings(min_confidence=0.9)).tolist() == [1, 2, 3]
        assert face.usable(ViewSettings(min_face_px=60)).tolist() == [0, 2, 3]
        assert face.usable(ViewSettings(min_sharpness=20)).tolist() == [0, 1, 2]
        assert face.usable(ViewSettings(min_confidence=0.9, min_face_px=60, min_sharpness=20)).tolist() == [2]

    def test_of_blurred_frames_the_sharpest_stays(self):
        face = crops(3, sharpness=np.array([5.0, 12.0, 19.0]), face_px=np.array([80.0, 80.0, 40.0]))
        view = ViewSettings(min_sharpness=20, min_face_px=60)
        assert face.usable(view).tolist() == [1]
        assert view_facts(face, view) == {"frames": 1, "frames_refused": 2, "faces_interpolated": 0, "blurred": True}


def test_facts_of_a_view():
    face = crops(4, interpolated=np.array([False, True, True, False]), sharpness=np.array([30.0, 30.0, 10.0, 30.0]))
    facts = view_facts(face, ViewSettings(min_sharpness=20))
    assert facts == {"frames": 3, "frames_refused": 1, "faces_interpolated": 1, "blurred": False}


def test_nothing_passes():
    with pytest.raises(VideoNoFace, match=r"none of 8 faces has confidence 0\.99 and 0 pixels"):
        view_facts(crops(), ViewSettings(frames=8, min_confidence=0.99))


def test_saved_and_loaded(tmp_path):
    face = crops(3, confidence=np.array([0.9, np.nan, 0.8]))
    face.save(tmp_path)
    again = FaceCrops.load(tmp_path)
    assert isinstance(again.pixels, np.memmap), "pixels stay in the file until they are touched"
    assert again.sampled == 3
    for name in ("pixels", "track", "slot", "time_s", "box", "points", "confidence", "sharpness", "interpolated"):
        np.testing.assert_array_equal(getattr(again, name), getattr(face, name))


class TestSettings:
    def test_a_view_shares_the_cache_of_its_faces(self):
        one = ViewSettings(size=299, margin=0.3, frames=8, upright_above_deg=2.0)
        assert one.part(FaceSettings) == ViewSettings().part(FaceSettings) == FaceSettings()

    def test_frames_must_divide_what_is_sampled(self):
        with pytest.raises(ValueError, match="frames=10 must divide sampled_frames=16"):
            ViewSettings(frames=10)

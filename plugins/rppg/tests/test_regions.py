from __future__ import annotations

import cv2
import numpy as np
import pytest
from mediapipe.python.solutions import face_mesh_connections as mesh_parts

from deepfake_faces.mesh import FaceMesh
from deepfake_rppg.regions import POLYGONS, region_means
from deepfake_rppg.traces import REGIONS


@pytest.fixture(scope="module")
def landmarks() -> np.ndarray:
    """A frontal face about 270 pixels wide, in a picture of 600 x 600."""
    portrait = pytest.importorskip("skimage.data").astronaut()[:300, 80:380]
    with FaceMesh() as mesh:
        for _ in range(5):
            faces = mesh.detect(cv2.resize(portrait, (600, 600)))
    points = faces[0]
    return (points - points.mean(axis=0)) * 1.4 + (300, 300, 0)


def corners(landmarks: np.ndarray, name: str) -> np.ndarray:
    return landmarks[list(POLYGONS[name]), :2].astype(np.float32)


def centroid(polygon: np.ndarray) -> np.ndarray:
    """Of the area inside, by the shoelace formula."""
    following = np.roll(polygon, -1, axis=0)
    cross = polygon[:, 0] * following[:, 1] - polygon[:, 1] * following[:, 0]
    return ((polygon + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())


def test_there_is_a_polygon_for_each_region():
    assert set(POLYGONS) == set(REGIONS)


def test_one_colour_is_returned_as_it_is(landmarks):
    frame = np.full((600, 600, 3), (180, 120, 95), np.uint8)
    means = region_means(frame, landmarks)
    assert means.shape == (9, 3)
    assert means.dtype == np.float32
    np.testing.assert_allclose(means, np.tile((180, 120, 95), (9, 1)), rtol=1e-5)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, 0.0), (0.3, -0.7)])
def test_the_mean_of_a_ramp_is_its_value_at_the_centroid(landmarks, shift):
    """Frame and landmarks share their origin, and fractions of a pixel count."""
    moved = landmarks + np.float32([*shift, 0])
    y, x = np.indices((600, 600)) + 0.5
    ramp = np.stack([x / 3, y / 3, np.full_like(x, 50)], axis=2)
    dithered = np.floor(ramp + np.random.default_rng(0).random(ramp.shape)).astype(np.uint8)
    expected = np.array([centroid(corners(moved, name).astype(np.float64)) / 3 for name in REGIONS])
    means = region_means(dithered, moved)
    np.testing.assert_allclose(means[:, :2], expected, atol=0.1)  # a third of a pixel: what OpenCV's soft edges cost


def test_a_shift_of_a_tenth_of_a_pixel_shifts_the_mean_by_as_much(landmarks):
    x = (np.indices((600, 600))[1] + 0.5).astype(np.uint16)
    frame = np.stack([x % 256, x % 2, x // 256], axis=2).astype(np.uint8)
    steps = np.arange(0, 1, 0.1)
    means = np.array([region_means(frame, landmarks + np.float32([step, 0, 0])) for step in steps])
    position = means[..., 0] + 256.0 * means[..., 2]
    assert np.abs(position - position[0] - steps[:, None]).max() < 0.12


def test_regions_share_no_area(landmarks):
    covered = np.zeros((600, 600), int)
    for name in REGIONS:
        mask = np.zeros((600, 600), np.uint8)
        inside = centroid(corners(landmarks, name)) + 0.97 * (
            corners(landmarks, name) - centroid(corners(landmarks, name))
        )
        covered += cv2.fillPoly(mask, [np.round(inside * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    assert covered.max() == 1


@pytest.mark.parametrize("part", ["LEFT_EYE", "RIGHT_EYE", "LEFT_EYEBROW", "RIGHT_EYEBROW", "LIPS"])
def test_regions_keep_off_what_is_no_skin(landmarks, part):
    indices = {point for pair in getattr(mesh_parts, f"FACEMESH_{part}") for point in pair}
    for name in REGIONS:
        for point in indices - set(POLYGONS[name]):
            where = tuple(map(float, landmarks[point, :2]))
            assert cv2.pointPolygonTest(corners(landmarks, name), where, False) < 0, (name, point)


@pytest.mark.parametrize("part", ["cheek", "forehead", "jaw"])
def test_left_is_the_subjects_left(landmarks, part):
    left, right = (corners(landmarks, f"{side}_{part}")[:, 0].mean() for side in ("left", "right"))
    assert left > 300 > right, "the subject's left is on the right of the picture"


def test_a_region_outside_the_picture_is_unknown(landmarks):
    frame = np.full((600, 600, 3), 90, np.uint8)
    half = landmarks - np.float32([300, 0, 0])
    known = ~np.isnan(region_means(frame, half)).any(axis=1)
    assert known[REGIONS.index("left_cheek")]
    assert not known[REGIONS.index("right_cheek")]
    assert np.isnan(region_means(frame, landmarks + np.float32([2000, 0, 0]))).all()
    assert np.isnan(region_means(frame, landmarks - np.float32([0, 2000, 0]))).all()


def test_half_of_a_region_must_lie_inside_the_picture(landmarks):
    frame = np.full((600, 600, 3), 90, np.uint8)
    cheek = corners(landmarks, "left_cheek")[:, 0]
    for share, known in ((0.3, False), (0.8, True)):
        edge = round(cheek.min() + share * np.ptp(cheek))
        mean = region_means(frame[:, :edge], landmarks)[REGIONS.index("left_cheek")]
        assert np.isfinite(mean).all() == known


def test_a_region_of_a_few_pixels_is_unknown(landmarks):
    frame = np.full((600, 600, 3), 90, np.uint8)
    tiny = landmarks * np.float32(0.05)
    assert np.isnan(region_means(frame, tiny)).all()


def test_a_region_that_faces_away_is_unknown(landmarks):
    frame = np.full((600, 600, 3), 90, np.uint8)
    mirrored = landmarks * np.float32([-1, 1, 1]) + np.float32([600, 0, 0])
    assert np.isnan(region_means(frame, mirrored)).all()

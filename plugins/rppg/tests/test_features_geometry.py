from __future__ import annotations

import numpy as np
import pytest

from deepfake_rppg.features.geometry import ANGLES, POINTS, RATIOS, geometry_features
from deepfake_rppg.features.names import GEOMETRY

pytestmark = pytest.mark.filterwarnings("error")

FACE = {
    "forehead_top": (0, 0),
    "chin": (0, 30),
    "right_side": (-10, 12),
    "left_side": (10, 12),
    "right_temple": (-8, 4),
    "left_temple": (8, 4),
    "right_jaw": (-7, 23),
    "left_jaw": (7, 23),
    "right_eye_outer": (-7, 11),
    "right_eye_inner": (-3, 11),
    "left_eye_inner": (3, 11),
    "left_eye_outer": (7, 11),
    "right_lid_top": (-5, 10),
    "right_lid_bottom": (-5, 12),
    "left_lid_top": (5, 10.5),
    "left_lid_bottom": (5, 11.5),
    "right_brow": (-5, 7),
    "left_brow": (5, 7.5),
    "right_brow_inner": (-2, 8),
    "left_brow_inner": (2, 8),
    "nose_root": (0, 10),
    "nose_tip": (0, 16),
    "nose_base": (0, 18),
    "right_nostril": (-2.5, 17),
    "left_nostril": (2.5, 17),
    "lip_top": (0, 20),
    "lip_bottom": (0, 24),
    "mouth_top": (0, 21),
    "mouth_bottom": (0, 22),
    "right_mouth": (-4, 22),
    "left_mouth": (4, 22),
}
"""A face drawn on squared paper, y downwards; the means of the eyes' corners are at (-5, 11) and (5, 11)."""

MEASURED = {
    "geo_face_height_to_face_width": 30 / 20,
    "geo_forehead_width_to_face_width": 16 / 20,
    "geo_jaw_width_to_face_width": 14 / 20,
    "geo_eye_distance_to_face_width": 10 / 20,
    "geo_inner_eye_distance_to_face_width": 6 / 20,
    "geo_right_eye_width_to_face_width": 4 / 20,
    "geo_left_eye_width_to_face_width": 4 / 20,
    "geo_right_eye_openness": 2 / 4,
    "geo_left_eye_openness": 1 / 4,
    "geo_right_brow_height_to_face_height": 3 / 30,
    "geo_left_brow_height_to_face_height": 3 / 30,
    "geo_inner_brow_distance_to_face_width": 4 / 20,
    "geo_nose_length_to_face_height": 8 / 30,
    "geo_nose_width_to_face_width": 5 / 20,
    "geo_nose_width_to_nose_length": 5 / 8,
    "geo_mouth_width_to_face_width": 8 / 20,
    "geo_mouth_width_to_nose_width": 8 / 5,
    "geo_lip_height_to_mouth_width": 4 / 8,
    "geo_mouth_openness": 1 / 8,
    "geo_philtrum_to_face_height": 2 / 30,
    "geo_chin_height_to_face_height": 6 / 30,
    "geo_eyes_at_nose_angle": 90.0,
    "geo_mouth_at_nose_angle": np.degrees(2 * np.arctan2(4, 6)),
    "geo_jaw_at_chin_angle": 90.0,
    "geo_mouth_to_eye_line_angle": 0.0,
    "geo_asymmetry": 0.0,
}


def drawn(**moved: tuple[float, float]) -> np.ndarray:
    """Landmarks ``[1, 468, 3]`` of the face, with some points elsewhere."""
    landmarks = np.zeros((1, 468, 3))
    for name, indices in POINTS.items():
        if len(indices) == 1:
            landmarks[0, indices[0], :2] = {**FACE, **moved}[name]
    return landmarks


def turned(landmarks: np.ndarray, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = landmarks.copy()
    moved[..., :2] = scale * landmarks[..., :2] @ turn.T + shift
    moved[..., 2] *= scale
    return moved


def test_every_feature_has_one_definition():
    assert {*RATIOS, *ANGLES, "geo_mouth_to_eye_line_angle", "geo_asymmetry"} == set(GEOMETRY)
    assert len(GEOMETRY) == 26
    indices = [index for name, index in POINTS.items() if len(index) == 1]
    assert len(set(indices)) == len(indices)


@pytest.mark.filterwarnings("default")
def test_points_belong_to_the_part_of_the_mesh_they_name():
    mesh = pytest.importorskip("mediapipe.python.solutions.face_mesh_connections")
    parts = {
        "right_eye": mesh.FACEMESH_RIGHT_EYE,
        "right_lid": mesh.FACEMESH_RIGHT_EYE,
        "right_brow": mesh.FACEMESH_RIGHT_EYEBROW,
        "left_eye": mesh.FACEMESH_LEFT_EYE,
        "left_lid": mesh.FACEMESH_LEFT_EYE,
        "left_brow": mesh.FACEMESH_LEFT_EYEBROW,
        "lip": mesh.FACEMESH_LIPS,
        "mouth": mesh.FACEMESH_LIPS,
        "right_mouth": mesh.FACEMESH_LIPS,
        "left_mouth": mesh.FACEMESH_LIPS,
        "right_temple": mesh.FACEMESH_FACE_OVAL,
        "right_side": mesh.FACEMESH_FACE_OVAL,
        "right_jaw": mesh.FACEMESH_FACE_OVAL,
        "left_temple": mesh.FACEMESH_FACE_OVAL,
        "left_side": mesh.FACEMESH_FACE_OVAL,
        "left_jaw": mesh.FACEMESH_FACE_OVAL,
        "chin": mesh.FACEMESH_FACE_OVAL,
        "forehead": mesh.FACEMESH_FACE_OVAL,
        "nose": mesh.FACEMESH_NOSE,
        "right_nostril": mesh.FACEMESH_NOSE,
        "left_nostril": mesh.FACEMESH_NOSE,
    }
    for name, indices in POINTS.items():
        part = next(edges for prefix, edges in parts.items() if name.startswith(prefix))
        assert set(indices) <= {index for edge in part for index in edge}, name


@pytest.mark.parametrize("name", GEOMETRY)
def test_a_drawn_face_has_the_proportions_that_can_be_counted(name):
    assert geometry_features(drawn())[name] == pytest.approx(MEASURED[name], abs=1e-9)


@pytest.mark.parametrize(("degrees", "scale", "shift"), [(30, 1, (0, 0)), (0, 7.5, (0, 0)), (-170, 0.3, (400, -90))])
def test_turning_in_the_plane_scale_and_place_do_not_matter(degrees, scale, shift):
    landmarks = np.random.default_rng(0).uniform(100, 400, (5, 468, 3))
    expected = geometry_features(landmarks)
    assert geometry_features(turned(landmarks, degrees, scale, shift)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_tilted_mouth_is_measured_against_the_eyes():
    values = geometry_features(drawn(left_mouth=(4, 30)))
    assert values["geo_mouth_to_eye_line_angle"] == pytest.approx(45)


def test_asymmetry_is_the_mean_difference_over_seven_pairs():
    values = geometry_features(drawn(left_mouth=(5.4, 22)))
    assert values["geo_asymmetry"] == pytest.approx(1.4 / 7 / 20)


def test_depth_is_left_out():
    landmarks = drawn()
    deeper = landmarks.copy()
    deeper[..., 2] = np.random.default_rng(0).normal(size=(1, 468))
    assert geometry_features(deeper) == geometry_features(landmarks)


def test_the_median_over_frames_ignores_odd_and_empty_ones():
    frames = np.concatenate([drawn()] * 5 + [drawn(left_side=(30, 12))] * 2 + [np.full((1, 468, 3), np.nan)] * 6)
    assert geometry_features(frames) == pytest.approx(geometry_features(drawn()))


@pytest.mark.parametrize("landmarks", [np.full((4, 468, 3), np.nan), np.empty((0, 468, 3)), np.zeros((4, 468, 3))])
def test_without_a_face_all_are_unknown(landmarks):
    values = geometry_features(landmarks)
    assert tuple(values) == GEOMETRY
    ratios = [values[name] for name in (*RATIOS, "geo_asymmetry")]
    assert np.isnan(ratios).all()

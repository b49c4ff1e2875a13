"""What are the proportions of the face? 26 ratios and angles of FaceMesh points in the image plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepfake_rppg.features.names import GEOMETRY

POINTS: dict[str, tuple[int, ...]] = {
    "forehead_top": (10,),
    "chin": (152,),
    "right_side": (234,),
    "left_side": (454,),
    "right_temple": (54,),
    "left_temple": (284,),
    "right_jaw": (172,),
    "left_jaw": (397,),
    "right_eye_outer": (33,),
    "right_eye_inner": (133,),
    "left_eye_inner": (362,),
    "left_eye_outer": (263,),
    "right_lid_top": (159,),
    "right_lid_bottom": (145,),
    "left_lid_top": (386,),
    "left_lid_bottom": (374,),
    "right_eye": (33, 133),
    "left_eye": (263, 362),
    "right_brow": (105,),
    "left_brow": (334,),
    "right_brow_inner": (55,),
    "left_brow_inner": (285,),
    "nose_root": (168,),
    "nose_tip": (1,),
    "nose_base": (2,),
    "right_nostril": (64,),
    "left_nostril": (294,),
    "lip_top": (0,),
    "lip_bottom": (17,),
    "mouth_top": (13,),
    "mouth_bottom": (14,),
    "right_mouth": (61,),
    "left_mouth": (291,),
}
"""FaceMesh points by name, the mean of several where several are given; right and left are the person's."""

FACE_WIDTH = ("right_side", "left_side")
FACE_HEIGHT = ("forehead_top", "chin")
NOSE_LENGTH = ("nose_root", "nose_base")
NOSE_WIDTH = ("right_nostril", "left_nostril")
MOUTH_WIDTH = ("right_mouth", "left_mouth")

Segment = tuple[str, str]

RATIOS: dict[str, tuple[Segment, Segment]] = {
    "geo_face_height_to_face_width": (FACE_HEIGHT, FACE_WIDTH),
    "geo_forehead_width_to_face_width": (("right_temple", "left_temple"), FACE_WIDTH),
    "geo_jaw_width_to_face_width": (("right_jaw", "left_jaw"), FACE_WIDTH),
    "geo_eye_distance_to_face_width": (("right_eye", "left_eye"), FACE_WIDTH),
    "geo_inner_eye_distance_to_face_width": (("right_eye_inner", "left_eye_inner"), FACE_WIDTH),
    "geo_right_eye_width_to_face_width": (("right_eye_outer", "right_eye_inner"), FACE_WIDTH),
    "geo_left_eye_width_to_face_width": (("left_eye_outer", "left_eye_inner"), FACE_WIDTH),
    "geo_right_eye_openness": (("right_lid_top", "right_lid_bottom"), ("right_eye_outer", "right_eye_inner")),
    "geo_left_eye_openness": (("left_lid_top", "left_lid_bottom"), ("left_eye_outer", "left_eye_inner")),
    "geo_right_brow_height_to_face_height": (("right_brow", "right_lid_top"), FACE_HEIGHT),
    "geo_left_brow_height_to_face_height": (("left_brow", "left_lid_top"), FACE_HEIGHT),
    "geo_inner_brow_distance_to_face_width": (("right_brow_inner", "left_brow_inner"), FACE_WIDTH),
    "geo_nose_length_to_face_height": (NOSE_LENGTH, FACE_HEIGHT),
    "geo_nose_width_to_face_width": (NOSE_WIDTH, FACE_WIDTH),
    "geo_nose_width_to_nose_length": (NOSE_WIDTH, NOSE_LENGTH),
    "geo_mouth_width_to_face_width": (MOUTH_WIDTH, FACE_WIDTH),
    "geo_mouth_width_to_nose_width": (MOUTH_WIDTH, NOSE_WIDTH),
    "geo_lip_height_to_mouth_width": (("lip_top", "lip_bottom"), MOUTH_WIDTH),
    "geo_mouth_openness": (("mouth_top", "mouth_bottom"), MOUTH_WIDTH),
    "geo_philtrum_to_face_height": (("nose_base", "lip_top"), FACE_HEIGHT),
    "geo_chin_height_to_face_height": (("lip_bottom", "chin"), FACE_HEIGHT),
}
"""Length of the first segment over length of the second."""

ANGLES: dict[str, tuple[str, str, str]] = {
    "geo_eyes_at_nose_angle": ("right_eye", "nose_tip", "left_eye"),
    "geo_mouth_at_nose_angle": ("right_mouth", "nose_tip", "left_mouth"),
    "geo_jaw_at_chin_angle": ("right_jaw", "chin", "left_jaw"),
}
"""Angle at the middle point, degrees, 0-180."""

MIRRORED: tuple[Segment, ...] = (
    ("right_eye_outer", "left_eye_outer"),
    ("right_eye_inner", "left_eye_inner"),
    ("right_brow", "left_brow"),
    ("right_nostril", "left_nostril"),
    ("right_mouth", "left_mouth"),
    ("right_jaw", "left_jaw"),
    ("right_side", "left_side"),
)
"""Points that lie at equal distances from the middle line of a symmetrical face seen from the front."""

Array = NDArray[np.float64]


def geometry_features(landmarks: NDArray[np.floating]) -> dict[str, float]:
    """The 26 ``geo_*``: median over the frames that show a face.

    They don't change when the face moves, turns in the image plane or comes closer. They do change when the head
    turns away: FaceMesh's depth is a guess from a mean face and is left out.

    Args:
        landmarks: ``[T, 468, 3]``, pixels; NaN where no face is seen.

    Returns:
        Ratios of lengths, angles in degrees; all NaN when no frame shows a face.
    """
    points = _named(landmarks)
    with np.errstate(divide="ignore", invalid="ignore"):
        series = {name: _length(points, *top) / _length(points, *bottom) for name, (top, bottom) in RATIOS.items()}
        series |= {
            name: np.abs(_turn(points[a] - points[apex], points[b] - points[apex]))
            for name, (a, apex, b) in ANGLES.items()
        }
        eyes, mouth = (points[left] - points[right] for right, left in (("right_eye", "left_eye"), MOUTH_WIDTH))
        series["geo_mouth_to_eye_line_angle"] = _turn(eyes, mouth)
        series["geo_asymmetry"] = _asymmetry(points)
    return {name: _median(series[name]) for name in GEOMETRY}


def _named(landmarks: NDArray[np.floating]) -> dict[str, Array]:
    """The named points in the frames that show a face, each ``[F, 2]``."""
    used = sorted({index for indices in POINTS.values() for index in indices})
    flat = landmarks[:, used, :2].astype(np.float64)
    flat = flat[np.isfinite(flat).all(axis=(1, 2))]
    column = {index: i for i, index in enumerate(used)}
    return {name: flat[:, [column[i] for i in indices]].mean(axis=1) for name, indices in POINTS.items()}


def _length(points: dict[str, Array], start: str, end: str) -> Array:
    """Distance between two points, ``[F]``."""
    return np.hypot(*(points[end] - points[start]).T)


def _turn(first: Array, second: Array) -> Array:
    """Angle from the first vector to the second, clockwise in the image, degrees in (-180, 180], ``[F]``."""
    across = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return np.degrees(np.arctan2(across, (first * second).sum(axis=1)))


def _asymmetry(points: dict[str, Array]) -> Array:
    """Mean difference of the distances of mirrored points from the line forehead-chin, share of face width, ``[F]``."""
    top, axis = points["forehead_top"], points["chin"] - points["forehead_top"]
    normal = np.stack([-axis[:, 1], axis[:, 0]], axis=1) / np.hypot(*axis.T)[:, None]
    differences = [
        np.abs(((points[right] - top) * normal).sum(axis=1) + ((points[left] - top) * normal).sum(axis=1))
        for right, left in MIRRORED
    ]
    return np.mean(differences, axis=0) / _length(points, *FACE_WIDTH)


def _median(series: Array) -> float:
    """Median of the finite values, NaN when there is none."""
    known = series[np.isfinite(series)]
    return float(np.median(known)) if known.size else np.nan

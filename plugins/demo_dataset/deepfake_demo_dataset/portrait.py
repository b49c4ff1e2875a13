"""What is the source of all faces, and where do its parts lie in the frame?

One public-domain portrait (NASA's of the astronaut Eileen Collins, which scikit-image carries) is turned upright and
enlarged into the *neutral* frame. Every invented person is a warp of that frame.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 288, 320
"""Of every frame, pixels."""

Image = NDArray[np.float32]
Points = NDArray[np.float64]

_ENLARGE = 1.46
_EYE_MIDPOINT = (144.0, 142.0)
"""Where the point between the eyes stands in the neutral frame."""

RIGHT_EYE = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133))
LEFT_EYE = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263))
INNER_LIPS = ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""FaceMesh indices; eyes and lips as upper and lower curve, from image left to image right."""


@dataclass(frozen=True)
class Portrait:
    """The source picture with what was measured on it.

    Attributes:
        rgb: ``[512, 512, 3] float32``, 0-255.
        regions: soft masks of head, skin and hair, ``[512, 512, 3] float32``, 0-1.
        landmarks: FaceMesh points in the neutral frame, ``[468, 2]``, pixels.
        to_portrait: affine map from the neutral frame to the portrait, ``[2, 3]``.
    """

    rgb: Image
    regions: Image
    landmarks: Points
    to_portrait: Points

    @cached_property
    def eyes(self) -> tuple[Points, Points]:
        """Centres of both eyes in the neutral frame, image left first."""
        first, second = (self.landmarks[list(upper + lower)].mean(axis=0) for upper, lower in (RIGHT_EYE, LEFT_EYE))
        return first, second


def load() -> Portrait:
    """Reads the portrait from scikit-image, and the measurements from this package."""
    import cv2
    from skimage.data import astronaut

    here = Path(__file__).parent
    measured = np.array(json.loads((here / "portrait.json").read_text()))[:, :2]
    regions = cv2.imdecode(np.frombuffer((here / "regions.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    right, left = (measured[list(upper + lower)].mean(axis=0) for upper, lower in (RIGHT_EYE, LEFT_EYE))
    tilt = np.arctan2(*(left - right)[::-1])
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    middle = (left + right) / 2
    linear = turn / _ENLARGE
    to_portrait = np.column_stack([linear, middle - linear @ _EYE_MIDPOINT])
    return Portrait(
        rgb=astronaut().astype(np.float32),
        regions=regions[:, :, ::-1].astype(np.float32) / 255,
        landmarks=(measured - middle) @ turn * _ENLARGE + _EYE_MIDPOINT,
        to_portrait=to_portrait,
    )


def grid() -> Image:
    """Pixel coordinates of the frame, ``[H, W, 2]``, x first."""
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    return np.stack([x, y], axis=-1)


def smoothstep(x: Image) -> Image:
    """0 below 0, 1 above 1, smooth between."""
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)

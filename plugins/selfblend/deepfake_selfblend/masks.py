"""Which part of a face is exchanged? A part by name, its outline deformed, its border soft, within the face's own outline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_selfblend.settings import MaskKind

WAVES = 5
"""Waves around the outline that deform it: the first moves it to one side, the last makes five bumps."""

OUTLINE = 96
"""Points of a deformed outline."""

_BROWS = (46, 53, 52, 65, 55, 70, 63, 105, 66, 107, 276, 283, 282, 295, 285, 300, 293, 334, 296, 336)
_EYES = (33, 7, 145, 153, 133, 157, 159, 161, 362, 380, 374, 249, 263, 388, 386, 384)
_NOSE = (168, 6, 4, 1, 2, 98, 327, 48, 278, 64, 294)
_LIPS = (61, 185, 40, 37, 0, 267, 270, 409, 291, 375, 405, 314, 17, 84, 181, 146)
_JAW = (93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323)
_TEMPLES = (127, 234, 356, 454)

PARTS: Mapping[MaskKind, tuple[int, ...]] = MappingProxyType(
    {
        "face": tuple(range(468)),
        "brows_down": (*_BROWS, *_TEMPLES, *_JAW),
        "features": (*_BROWS, *_EYES, *_NOSE, *_LIPS),
        "eyes": (*_BROWS, *_EYES),
        "eyes_nose": (*_BROWS, *_EYES, *_NOSE),
        "lower": (4, 48, 278, *_JAW),
        "mouth": (*_LIPS, 2, 164, 57, 287, 202, 422, 200),
    }
)
"""FaceMesh points whose convex hull is the part."""


@dataclass(frozen=True, eq=False)
class Outline:
    """How a part becomes a mask, on every frame of a clip alike.

    Attributes:
        part: name of it.
        waves: amplitude and phase of the waves around its outline, ``[WAVES, 2]``: share of the radius, radians.
        blur: width of the soft border, share of the root of the part's area.
    """

    part: MaskKind
    waves: NDArray[np.float64]
    blur: float


def mask_of(points: NDArray[np.float32], outline: Outline, *, width: int, height: int) -> NDArray[np.uint8]:
    """How much is taken from the source.

    A blurred mask is half way down at a straight border of what it was before, and lower where that bulges. So what
    is left of it above one half, brought back to the whole range, has a soft border and lies inside.

    Args:
        points: FaceMesh of the face, ``[468, 2]``, pixels.
        outline: which part, how deformed.
        width: of the picture, pixels.
        height: likewise.

    Returns:
        ``[height, width] uint8``: 0 outside of the face's convex hull, 255 where the source alone shows.
    """
    part = _deformed(cv2.convexHull(points[list(PARTS[outline.part])])[:, 0].astype(np.float64), outline.waves)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(part).astype(np.int32)], 255)
    radius = max(1, round(outline.blur * float(np.sqrt(max(cv2.contourArea(part.astype(np.float32)), 0)))))
    face = np.zeros_like(mask)
    cv2.fillConvexPoly(face, np.rint(cv2.convexHull(points)[:, 0]).astype(np.int32), 255)
    inside = cv2.min(mask, face)
    # Twice the mean over a square: a border without corners, at the same cost for any width.
    size = (radius | 1, radius | 1)
    soft = cv2.blur(cv2.blur(inside, size, borderType=cv2.BORDER_CONSTANT), size, borderType=cv2.BORDER_CONSTANT)
    upper = np.clip(2 * (np.arange(256) - 127.5), 0, 255).astype(np.uint8)
    return np.asarray(cv2.min(cv2.LUT(soft, upper), inside), np.uint8)


def _deformed(polygon: NDArray[np.float64], waves: NDArray[np.float64]) -> NDArray[np.float64]:
    """A convex polygon ``[n, 2]`` with its outline pushed in and out along the rays from its centre, ``[OUTLINE, 2]``."""
    closed = np.concatenate([polygon, polygon[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    along = np.arange(OUTLINE) / OUTLINE * length[-1]
    dense = np.column_stack([np.interp(along, length, axis) for axis in closed.T])
    rays = dense - dense.mean(axis=0)
    angle = np.arctan2(rays[:, 1], rays[:, 0])[:, None]
    push = (waves[:, 0] * np.cos(np.arange(1, len(waves) + 1) * angle + waves[:, 1])).sum(axis=1)
    pushed: NDArray[np.float64] = dense.mean(axis=0) + rays * (1 + push[:, None])
    return pushed

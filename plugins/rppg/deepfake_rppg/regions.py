"""Which nine patches of skin does the pulse come from, and what is their mean colour in a frame?

The polygons are drawn on a face in ``docs/images/rppg_regions.png``. "Left" is the subject's left, as in
MediaPipe's own names: the right-hand side of an unmirrored picture.

What was decided, and why:

- The polygons keep off brows, eyes, nostrils, lips and the face's outline, and the forehead ends about halfway to
  the hairline, where a fringe begins. One that hangs lower, as on the portrait in the figure, still covers part of
  it: ending it lower yet costs 2 dB of pulse SNR on a bare forehead. The polygons share edges but no area.
- A pixel on the edge counts by about the share of it that lies inside. Vertices move by fractions of a pixel from frame
  to frame, and whole pixels that jump in and out are noise.
- Landmarks aren't smoothed over time. On a still head smoothing over 9 frames gains less than 1 dB of pulse SNR;
  on a moving one the polygons trail behind the skin and the noise of the traces doubles.
- Clipped and specular pixels stay in. Leaving them out moves the mean each time a pixel crosses the threshold;
  left in, they only dilute the pulse.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from deepfake_rppg.traces import REGIONS

POLYGONS: Mapping[str, tuple[int, ...]] = {
    "forehead": (108, 151, 337, 336, 285, 8, 55, 107),
    "left_cheek": (346, 352, 411, 425, 266, 371, 329, 348, 347),
    "right_cheek": (117, 118, 119, 100, 142, 36, 205, 187, 123),
    "left_forehead": (337, 299, 334, 296, 336),
    "right_forehead": (108, 107, 66, 105, 69),
    "chin": (32, 201, 200, 421, 262, 369, 396, 175, 171, 140),
    "nose": (6, 351, 419, 456, 420, 360, 275, 4, 45, 131, 198, 236, 196, 122),
    "left_jaw": (434, 416, 367, 364, 394, 395, 431, 424, 422),
    "right_jaw": (214, 202, 204, 211, 170, 169, 135, 138, 192),
}
"""FaceMesh points around each region, clockwise as seen in the picture."""

MIN_PIXELS = 16
"""Smallest region that is measured. Below it one pixel's noise and the polygon's jitter exceed any pulse."""

MIN_VISIBLE = 0.5
"""Smallest share of a region that must lie inside the picture."""

_POINTS = np.concatenate([POLYGONS[name] for name in REGIONS])
_SIZES = np.array([len(POLYGONS[name]) for name in REGIONS])
_STARTS = np.cumsum(_SIZES) - _SIZES
_NEXT = np.concatenate([start + (np.arange(size) + 1) % size for start, size in zip(_STARTS, _SIZES, strict=True)])

_SUBPIXEL_BITS = 4


def region_means(rgb: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean colour of each region.

    A region turned away from the camera (its polygon is drawn backwards), smaller than ``MIN_PIXELS``, or with
    less than ``MIN_VISIBLE`` of its area inside the picture is NaN.

    Args:
        rgb: ``[H, W, 3] uint8 RGB``.
        landmarks: ``[468, 3]``, x and y in pixels of ``rgb``.

    Returns:
        ``[9, 3] float32``, 0-255, in the order of ``REGIONS``.
    """
    import cv2

    height, width = rgb.shape[:2]
    means = np.full((len(REGIONS), 3), np.nan, np.float32)
    # OpenCV puts the centre of the first pixel at (0, 0), MediaPipe its corner.
    vertices = landmarks[_POINTS, :2].astype(np.float64) - 0.5
    following = vertices[_NEXT]
    areas = np.add.reduceat(vertices[:, 0] * following[:, 1] - vertices[:, 1] * following[:, 0], _STARTS) / 2
    # One pixel of border for the partly covered ones.
    low = np.maximum(np.floor(np.minimum.reduceat(vertices, _STARTS)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(np.maximum.reduceat(vertices, _STARTS)).astype(int) + 2, (width, height))
    for region in np.flatnonzero((areas >= MIN_PIXELS) & (low < high).all(axis=1)):
        (left, top), (right, bottom) = low[region], high[region]
        polygon = vertices[_STARTS[region] : _STARTS[region] + _SIZES[region]] - low[region]
        coverage = np.zeros((bottom - top, right - left), np.uint8)
        corners = np.round(polygon * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(coverage, [corners], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        weights = coverage.ravel().astype(np.float64)
        total = weights.sum()
        if total >= 255 * max(MIN_PIXELS, MIN_VISIBLE * areas[region]):
            means[region] = weights @ rgb[top:bottom, left:right].reshape(-1, 3).astype(np.float64) / total
    return means

"""What does the face look like, upright and at one size?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_faces.warp import Image, shrunk, square

ANCHORS = ((33, 133), (362, 263), (4,), (61,), (291,))
"""FaceMesh points of the five anchors: the subject's right eye (its two corners), left eye, tip of the nose, right and
left corner of the mouth."""

TEMPLATE = np.array([(-0.5, 0.0), (0.5, 0.0), (0.0, 0.56), (-0.4, 1.12), (0.4, 1.12)])
"""Where the anchors lie on an upright face, in distances between the eyes from the point between them."""

SIDE = 2.2
"""Side of a crop without margin, in distances between the eyes: brows to chin."""

CENTRE = (0.0, 0.55)
"""Centre of a crop, in the unit of ``TEMPLATE``."""

HASHED_CROPS = 8
"""Crops in a content hash."""

HASH_SIZE = 36
HASH_MARGIN = 0.5
"""Of those crops: side in pixels, and border as a share of the side."""


def mesh_anchors(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """The five anchors, ``[5, 2]``, of a FaceMesh ``[468, 2 or 3]``: x and y."""
    return np.array([landmarks[list(points), :2].mean(axis=0) for points in ANCHORS], np.float64)


def align(image: Image, anchors: NDArray[np.floating[Any]], *, size: int, margin: float = 0.0) -> Image:
    """The face, turned upright, centred and scaled; neither stretched nor mirrored.

    The similarity transform fits five anchors to ``TEMPLATE`` in the sense of least squares. A face larger than the
    crop is reduced by averaging, so that it hardly aliases; a smaller one is interpolated linearly. What lies outside
    the frame is mirrored at its border.

    Args:
        image: ``[H, W, 3]`` or ``[H, W]``, uint8 or float32.
        anchors: ``[5, 2]``, x and y in pixels of ``image``: the eye on the left of the picture (the subject's right one),
            the other eye, the tip of the nose, the corners of the mouth in the same order.
        size: side of the crop, pixels.
        margin: border added on each side, as a share of the crop without margin: 0 is brows to chin, 0.5 the whole
            head with some background.

    Returns:
        ``[size, size, 3]`` or ``[size, size]``, of the type of ``image``.
    """
    import cv2

    # As complex numbers a similarity is x = turn * template + shift, and least squares has a closed form.
    seen, ideal = anchors.astype(np.float64) @ (1, 1j), TEMPLATE @ (1, 1j)
    offset = ideal - ideal.mean()
    turn = np.vdot(offset, seen) / np.vdot(offset, offset).real
    centre = seen.mean() + turn * (complex(*CENTRE) - ideal.mean())
    edge = turn * SIDE * (1 + 2 * margin)

    # Averaging whole pixels before the turn is cheap, but blurs by how they happen to lie; so the last factor of 2 to 4
    # is averaged after the turn, and the crop is as sharp whatever the size of the face.
    scale = abs(edge) / size
    factor = max(1, int(scale / 2))
    oversampling = max(1, math.ceil(scale / factor))
    crop = square(shrunk(image, factor), centre=centre / factor, edge=edge / factor, size=size * oversampling)
    return cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA) if oversampling > 1 else crop


def difference_hash(crop: Image) -> str:
    """64 bits that survive re-encoding and rescaling, as 16 hexadecimal digits.

    The crop is averaged to 4 rows of 9 cells and, apart from that, to 4 columns of 9 cells. Each bit says whether
    a cell is brighter than its neighbour: 32 along rows, 32 along columns.

    Args:
        crop: ``[H, W, 3] RGB`` or ``[H, W]``, uint8 or float32, at least 9 pixels on each side.
    """
    import cv2

    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if crop.ndim == 3 else crop
    grey = grey.astype(np.float32)
    rows = cv2.resize(grey, (9, 4), interpolation=cv2.INTER_AREA)
    columns = cv2.resize(grey, (4, 9), interpolation=cv2.INTER_AREA)
    bits = np.concatenate([np.diff(rows, axis=1).ravel() > 0, np.diff(columns, axis=0).ravel() > 0])
    return np.packbits(bits).tobytes().hex()


def content_hash(hashes: Mapping[float, str], *, start_s: float, end_s: float) -> str | None:
    """A clip's content: the difference hashes of eight face crops spread over it, ``8 x 16`` hexadecimal digits.

    Two clips show the same content when their hashes differ in few bits. Measured on real clips, of 64 bits per crop:
    at most 5 between a clip and its re-encoding at half the size (H.264, crf 32; 31 clips), at least 10 and
    mostly 20 to 34 between clips of different people (66 clips).

    Args:
        hashes: by time in s, of crops of ``HASH_SIZE`` with a margin of ``HASH_MARGIN``.
        start_s: first moment that was read, whether it shows the face or not.
        end_s: last one.

    Returns:
        The hashes nearest to the middle of each eighth of the time; None without any.
    """
    if not hashes:
        return None
    middles = start_s + (end_s - start_s) * (np.arange(HASHED_CROPS) + 0.5) / HASHED_CROPS
    return "".join(hashes[min(hashes, key=lambda time: abs(time - middle))] for middle in middles)

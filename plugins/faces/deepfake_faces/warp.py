"""How is a square of a picture, turned or not, brought to a given size?

Positions are complex numbers, x + iy, in pixels from the outer corner of the first pixel; so a turn is a factor.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.integer[Any] | np.floating[Any]]
ImageT = TypeVar("ImageT", bound=Image)


def square(image: ImageT, *, centre: complex, edge: complex, size: int) -> ImageT:
    """Samples a square linearly; smooth the image before if there are more pixels than samples.

    Args:
        image: ``[H, W, 3]`` or ``[H, W]``, uint8 or float32; mirrored at its border.
        centre: of the square.
        edge: its upper edge from left to right.
        size: side of the result, pixels.
    """
    import cv2

    step = edge / size
    first = centre - step * (size - 1) * (0.5 + 0.5j) - (0.5 + 0.5j)
    to_image = np.array([[step.real, -step.imag, first.real], [step.imag, step.real, first.imag]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    sampled = cv2.warpAffine(image, to_image, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    return cast("ImageT", sampled)


def resized(rgb: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """A smaller ``[H, W, 3]``, each pixel the mean of those it covers."""
    import cv2

    return cast("NDArray[np.uint8]", cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))


def shrunk(image: ImageT, factor: int) -> ImageT:
    """Averages blocks of ``factor x factor`` pixels; an incomplete row or column of blocks at the end is dropped."""
    import cv2

    if factor == 1:
        return image
    rows, columns = image.shape[0] // factor, image.shape[1] // factor
    whole = image[: rows * factor, : columns * factor]
    return cast("ImageT", cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA))

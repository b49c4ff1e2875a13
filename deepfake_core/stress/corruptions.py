"""What does a frame look like after a loss of quality that videos meet on their way?

Pure functions of one frame, ``[H, W, 3] uint8 RGB``, to one of the same size; and one that leaves frames out.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfake_core.data.video import Frame

    Picture = NDArray[np.uint8]


def jpeg(rgb: Picture, quality: int) -> Picture:
    """As JPEG keeps it.

    Args:
        rgb: the frame.
        quality: 1 to 95, on the scale of the Independent JPEG Group; colours at half the resolution.
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer).convert("RGB"))


def shrunk(rgb: Picture, factor: float) -> Picture:
    """Scaled down by averaging areas, and up again by cubic interpolation.

    Args:
        rgb: the frame.
        factor: of width and height, in (0, 1].
    """
    from PIL import Image

    height, width = rgb.shape[:2]
    small = max(1, round(width * factor)), max(1, round(height * factor))
    reduced = Image.fromarray(rgb).resize(small, Image.Resampling.BOX)
    return np.asarray(reduced.resize((width, height), Image.Resampling.BICUBIC))


def blurred(rgb: Picture, sigma: float) -> Picture:
    """Gaussian blur; the kernel reaches three standard deviations, the picture is mirrored at its edges.

    Args:
        rgb: the frame.
        sigma: standard deviation, in pixels.
    """
    from scipy.ndimage import gaussian_filter

    return _stored(gaussian_filter(rgb.astype(np.float32), (sigma, sigma, 0), mode="mirror", truncate=3.0))


def noisy(rgb: Picture, sigma: float, random: np.random.Generator) -> Picture:
    """Normal noise in every pixel and colour.

    Args:
        rgb: the frame.
        sigma: standard deviation, of 255 levels.
        random: what draws it.
    """
    return _stored(rgb + sigma * random.standard_normal(rgb.shape, dtype=np.float32))


def lit(rgb: Picture, gain: float) -> Picture:
    """Every value times ``gain``; what exceeds white stays white."""
    return _stored(rgb.astype(np.float32) * gain)


def thinned(frames: Iterable[Frame], share: float, random: np.random.Generator) -> Iterator[Frame]:
    """Leaves each frame out with a probability, but the first; those that stay keep their times.

    Args:
        frames: in order.
        share: probability of a frame to be left out.
        random: what draws them.
    """
    for place, frame in enumerate(frames):
        if random.random() >= share or place == 0:
            yield frame


def _stored(values: NDArray[np.float32]) -> Picture:
    """Rounded and limited to what a pixel can hold."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)

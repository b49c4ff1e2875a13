"""How much detail of which fineness does the face show?

Generators and the scaling and blending around them leave too little or too much of some frequencies. The 64
numbers describe one upright face in a 64 x 64 crop from brows to chin, so a frequency is counted in cycles per
crop and means the same for a near face and a far one:

- ``fft_r00`` to ``fft_r31``: mean log power in 32 rings of equal width, from the lowest frequency up to Nyquist (32
  cycles per crop). The mean of all pixels and the corners beyond Nyquist are left out.
- ``dct_b00`` to ``dct_b31``: mean log magnitude in 32 bands of neighbouring anti-diagonals of the orthonormal
  type II DCT, without the mean. The DCT sees the corners too.

What was decided, and why:

- Luma is brought to mean 0 and variance 1 first, so that exposure and contrast don't count.
- A Hann window goes before the Fourier transform: a crop's opposite edges don't match, and the jump between them
  would bury the high frequencies. The DCT continues an image by its mirror image and needs none.
- Power is divided by the window's energy: white noise has an expected power of 1 in every ring.
- The crop is taken from the working frame by averaging the pixels under each of its own. Detail finer
  than 1/64 of the crop is lost, but none of it folds back as a false frequency. A face smaller than 64 pixels has empty
  high rings; the quality's ``face_px`` says so.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 64
BANDS = 32
FLOOR = 1e-6
"""Added before the logarithm, so that an empty frequency stays finite."""


def luma_spectrum(luma: NDArray[np.integer[Any] | np.floating[Any]]) -> NDArray[np.float64]:
    """The frequency block of one face.

    Args:
        luma: ``[64, 64]`` aligned face; its scale and offset don't matter.

    Returns:
        ``[64] float64``: natural logarithms, 32 rings then 32 DCT bands; NaN for a crop of one colour.
    """
    from scipy.fft import dctn, fft2

    if luma.shape != (SIZE, SIZE):
        raise ValueError(f"luma has shape {luma.shape}, not {(SIZE, SIZE)}")
    spread = luma.std(dtype=np.float64)
    if spread == 0:
        return np.full(2 * BANDS, np.nan)
    face = (luma - luma.mean(dtype=np.float64)) / spread
    window, ring, band = _layout()
    power = np.abs(fft2(face * window)) ** 2
    magnitude = np.abs(dctn(face, norm="ortho"))
    return np.concatenate([_band_means(np.log(power + FLOOR), ring), _band_means(np.log(magnitude + FLOOR), band)])


@cache
def _layout() -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The window, and the band number of every FFT and DCT coefficient; ``BANDS`` for those left out."""
    hann = np.sin(np.pi * np.arange(SIZE) / SIZE) ** 2
    window = np.outer(hann, hann)
    window /= np.sqrt((window**2).sum())

    cycles = np.fft.fftfreq(SIZE, 1 / SIZE)
    radius = np.hypot(cycles[:, None], cycles[None, :])
    ring = np.ceil(radius * BANDS / (SIZE / 2)).astype(np.int64) - 1
    ring[(radius == 0) | (radius > SIZE / 2)] = BANDS

    diagonal = np.add.outer(np.arange(SIZE), np.arange(SIZE))
    band = (diagonal - 1) * BANDS // (2 * SIZE - 2)
    band[0, 0] = BANDS
    return window, ring, band


def _band_means(values: NDArray[np.float64], band: NDArray[np.int64]) -> NDArray[np.float64]:
    sums = np.bincount(band.ravel(), weights=values.ravel(), minlength=BANDS + 1)
    return (sums / np.bincount(band.ravel(), minlength=BANDS + 1))[:BANDS]

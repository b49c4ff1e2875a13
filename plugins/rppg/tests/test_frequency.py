from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.fft import dctn

from deepfake_rppg.frequency import BANDS, SIZE, luma_spectrum

Y, X = np.indices((SIZE, SIZE))


def mean_over(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.mean([luma_spectrum(rng.normal(size=(SIZE, SIZE))) for _ in range(count)], axis=0)


def test_white_noise_is_flat_at_the_known_level():
    """The logarithm of an exponential variable of mean 1 has mean -0.5772 (Euler's constant); that of
    a normal one's magnitude (-0.5772 - ln 2) / 2."""
    spectrum = mean_over(1000)
    # The window ties neighbouring frequencies together, and the lowest ring has four.
    np.testing.assert_allclose(spectrum[1:BANDS], -0.5772, atol=0.06)
    np.testing.assert_allclose(spectrum[BANDS + 1 :], (-0.5772 - np.log(2)) / 2, atol=0.06)


@pytest.mark.parametrize("cycles", [3, 10, 17, 25, 31])
@pytest.mark.parametrize("direction", [(1, 0), (0, 1)])
def test_a_wave_shows_in_the_ring_of_its_frequency(cycles, direction):
    phase = 2 * np.pi * cycles * (direction[0] * X + direction[1] * Y) / SIZE
    spectrum = luma_spectrum(128 + 20 * np.cos(phase + 0.3))
    # Ring k holds more than k and up to k + 1 cycles per crop; the window's main lobe covers the neighbours.
    assert abs(int(spectrum[:BANDS].argmax()) - (cycles - 1)) <= 1


def test_a_diagonal_wave_lies_at_its_radius():
    phase = 2 * np.pi * (12 * X + 16 * Y) / SIZE  # radius 20
    assert luma_spectrum(np.cos(phase))[:BANDS].argmax() in (18, 19, 20)


def test_rings_are_the_mean_log_power_of_the_windowed_fft():
    image = np.random.default_rng(1).uniform(0, 255, (SIZE, SIZE))
    face = (image - image.mean()) / image.std()
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
    window = hann[:, None] * hann[None, :]
    power = np.abs(np.fft.fft2(face * window)) ** 2 / (window**2).sum()
    cycles = np.where(np.arange(SIZE) < SIZE // 2, np.arange(SIZE), np.arange(SIZE) - SIZE)
    radius = np.sqrt(cycles[:, None] ** 2 + cycles[None, :] ** 2)
    expected = [np.log(power[(radius > k) & (radius <= k + 1)] + 1e-6).mean() for k in range(BANDS)]
    np.testing.assert_allclose(luma_spectrum(image)[:BANDS], expected, rtol=1e-10)


def test_bands_are_the_mean_log_magnitude_of_the_dct():
    image = np.random.default_rng(2).uniform(0, 255, (SIZE, SIZE))
    magnitude = np.abs(dctn((image - image.mean()) / image.std(), norm="ortho"))
    diagonal = X + Y
    edges = [1 + -(-band * 126 // 32) for band in range(33)]  # 126 diagonals in 32 bands of 3 or 4
    expected = [np.log(magnitude[(diagonal >= low) & (diagonal < high)] + 1e-6).mean() for low, high in pairwise(edges)]
    assert edges[-1] == 127
    np.testing.assert_allclose(luma_spectrum(image)[BANDS:], expected, rtol=1e-10)


def test_brightness_and_contrast_do_not_count():
    image = np.random.default_rng(3).uniform(50, 100, (SIZE, SIZE))
    np.testing.assert_allclose(luma_spectrum(2 * image + 31), luma_spectrum(image), atol=1e-9)


def test_blur_empties_the_high_frequencies():
    noise = np.random.default_rng(4).normal(size=(SIZE, SIZE))
    blurred = noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))
    change = luma_spectrum(blurred) - luma_spectrum(noise)
    assert change[:5].min() > 0 > change[25:BANDS].max()
    assert change[BANDS : BANDS + 5].min() > 0 > change[-5:].max()


def test_one_colour_has_no_spectrum():
    assert np.isnan(luma_spectrum(np.full((SIZE, SIZE), 77, np.uint8))).all()


def test_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(32, 32\)"):
        luma_spectrum(np.zeros((32, 32)))

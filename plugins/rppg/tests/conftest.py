"""Faces whose pulse is known: traces as an extraction would leave them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from deepfake_rppg.traces import REGIONS, Traces

SKIN = np.array([160.0, 110.0, 90.0])
STRENGTH = 0.01 * np.array([0.33, 0.77, 0.53])
"""Pulse in red, green and blue, share of the mean (de Haan & Jeanne 2013)."""


def make_film(
    *,
    bpm: float = 72.0,
    fps: float = 30.0,
    seconds: float = 10.0,
    noise: float = 0.05,
    motion: float = 0.0,
    drift: float = 0.03,
    harmonic: float = 0.2,
    jitter: float = 0.0,
    dropped: float = 0.0,
    seed: int = 0,
) -> Traces:
    """A face with the same pulse everywhere.

    Args:
        noise: standard deviation of the sensor's noise in a region's mean, 0-255.
        motion: strength of brightness changes common to all channels, share of the mean.
        drift: strength of a slow change of light, share of the mean.
        harmonic: amplitude of the pulse's second harmonic, share of the first.
        jitter: standard deviation of frame times, share of a frame.
        dropped: share of frames lost at random.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * fps)) / fps
    kept = rng.random(len(times)) >= dropped
    times = (times + np.clip(rng.normal(size=len(times)) * jitter, -0.4, 0.4) / fps)[kept]
    phase = 2 * np.pi * bpm / 60 * times
    beat = np.sin(phase) + harmonic * np.sin(2 * phase + 1)
    walk = np.cumsum(rng.normal(size=len(times))) / np.sqrt(len(times)) + np.sin(2 * np.pi * 0.4 * times)
    light = 1 + drift * np.sin(2 * np.pi * 0.05 * times + 1) + motion * walk
    colour = SKIN * (1 + STRENGTH * beat[:, None]) * light[:, None]
    rgb = colour[:, None] + noise * rng.normal(size=(len(times), len(REGIONS), 3))
    landmarks = rng.uniform(100, 400, (1, 468, 3)) + rng.normal(size=(len(times), 468, 3))
    return Traces(times, rgb.astype(np.float32), landmarks.astype(np.float32), rng.normal(size=64))


@pytest.fixture
def film() -> Callable[..., Traces]:
    return make_film

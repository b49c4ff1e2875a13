"""What does the blood do? A pulse wave with a known heart rate, and the colours it gives to skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepfake_demo_dataset.motion import Series, wander
from deepfake_demo_dataset.seeds import rng

SIGNATURE = np.array([0.33, 0.77, 0.53])
"""Relative strength of the blood volume pulse in R, G, B under white light: de Haan & van Leest 2014,
10.1088/0967-3334/35/9/1913."""

TRANSIT_S = 0.03
"""How much later the wave arrives at the lower face than at the forehead, s."""


@dataclass(frozen=True)
class Pulse:
    """A blood volume wave over a clip.

    Attributes:
        early: at the forehead and cheeks, ``[T]``, peak to peak about 1, mean 0.
        late: the same, ``TRANSIT_S`` later.
        bpm: mean heart rate over the clip, beats per minute.
    """

    early: NDArray[np.float64]
    late: NDArray[np.float64]
    bpm: float


def beat(seed: str, times: Series, bpm: float) -> Pulse:
    """A pulse of about ``bpm`` at the given times.

    The rate swings with breath (respiratory sinus arrhythmia) and slowly besides; the strength swings with breath.

    Args:
        seed: name of the heart.
        times: of the frames, ``[T]``, s.
        bpm: heart rate aimed at, beats per minute.
    """
    random = rng(seed, "pulse")
    breath_hz, breath_phase = random.uniform(0.2, 0.3), random.uniform(0, 2 * np.pi)
    fine = np.arange(times[0] - 1.0, times[-1] + 1.0, 0.005)
    breath = np.sin(2 * np.pi * breath_hz * fine + breath_phase)
    rate = bpm / 60 * (1 + random.uniform(0.01, 0.03) * breath + 0.008 * wander(random, fine, 9.0)[:, 0])
    beats = np.cumsum(rate) * 0.005 + random.uniform()
    wave = template(beats) * (1 + 0.15 * breath) + 0.06 * breath
    early, late = (np.interp(times - delay, fine, wave) for delay in (0.0, TRANSIT_S))
    counted = np.interp(times[[0, -1]], fine, beats)
    return Pulse(early - early.mean(), late - late.mean(), float(np.diff(counted)[0] / (times[-1] - times[0]) * 60))


def template(beats: Series) -> Series:
    """One wave per beat: steep systolic upstroke, notch, weaker dicrotic wave. Peak to peak 1."""
    phase = beats % 1.0
    systolic = sum(np.exp(-0.5 * ((phase - centre) / 0.11) ** 2) for centre in (-0.78, 0.22, 1.22))
    dicrotic = sum(np.exp(-0.5 * ((phase - centre) / 0.12) ** 2) for centre in (-0.42, 0.58, 1.58))
    return np.asarray(systolic + 0.38 * dicrotic)

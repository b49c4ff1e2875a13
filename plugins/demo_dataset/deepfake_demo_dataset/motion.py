"""How do head, eyes and mouth move over a clip?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepfake_demo_dataset.seeds import rng

Series = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """One frame of a ``Motion``; same units."""

    shift: Series
    roll: float
    scale: float
    turn: Series
    blink: float
    jaw: float
    smile: float
    brow: float


@dataclass(frozen=True)
class Motion:
    """Pose and expression in T frames.

    Attributes:
        shift: of the head, ``[T, 2]``, pixels.
        roll: about the chin, ``[T]``, rad.
        scale: ``[T]``, 1 is the person's own size.
        turn: yaw and pitch as parallax of the nearest point, ``[T, 2]``, pixels.
        blink: 0 open, 1 closed, ``[T]``.
        jaw: opening against the portrait's, as a share of its mouth opening, ``[T]``; -1 is closed.
        smile: corners of the mouth, ``[T]``, pixels.
        brow: raising, ``[T]``, pixels.
    """

    shift: Series
    roll: Series
    scale: Series
    turn: Series
    blink: Series
    jaw: Series
    smile: Series
    brow: Series

    def __len__(self) -> int:
        return len(self.roll)

    def at(self, frame: int) -> Pose:
        """Pose and expression in one frame."""
        return Pose(**{name: values[frame] for name, values in vars(self).items()})


def wander(random: np.random.Generator, times: Series, period_s: float, *, channels: int = 1) -> Series:
    """Smooth noise of unit variance, ``[T, channels]``, whose fastest part has about ``period_s``."""
    parts = 6
    frequency = random.uniform(0.15, 1.0, (parts, channels)) / period_s
    phase = random.uniform(0, 2 * np.pi, (parts, channels))
    waves = np.sin(2 * np.pi * times[:, None, None] * frequency + phase)
    return np.asarray(waves.sum(axis=1) * np.sqrt(2 / parts))


def perform(seed: str, times: Series, *, liveliness: float, talks: float, mouth_rest: float) -> Motion:
    """Someone sitting before a camera.

    Args:
        seed: name of the performance.
        times: of the frames, ``[T]``, s.
        liveliness: 0 still, 1 lively.
        talks: share of the time spent talking, 0-1.
        mouth_rest: 0 lips closed when silent, 1 open as in the portrait.
    """
    random = rng(seed, "motion")
    sway = 0.4 + liveliness
    shift = wander(random, times, 2.5, channels=2) * (2.4, 1.2) * sway
    turn = wander(random, times, 2.2, channels=2) * (1.9, 1.1) * sway
    roll = wander(random, times, 3.0)[:, 0] * np.radians(1.0) * sway
    scale = 1 + wander(random, times, 4.0)[:, 0] * 0.006 * sway
    for start in random.uniform(0.5, times[-1] - 1.5, random.poisson(1.2 * liveliness)):
        since = np.clip((times - start) / random.uniform(0.9, 1.4), 0, 1)
        nod = np.sin(2 * np.pi * 2 * since) * np.sin(np.pi * since) ** 2
        turn[:, 1] += 2.4 * nod
        shift[:, 1] += 1.8 * nod
    return Motion(
        shift=shift,
        roll=roll,
        scale=scale,
        turn=turn,
        blink=_blinks(random, times),
        jaw=_speech(random, times, talks, mouth_rest),
        smile=0.8 * wander(random, times, 2.0)[:, 0],
        brow=0.8 * wander(random, times, 1.5)[:, 0],
    )


def _blinks(random: np.random.Generator, times: Series) -> Series:
    closed = np.zeros_like(times)
    start = random.uniform(0.6, 2.5)
    while start < times[-1]:
        down, up = random.uniform(0.07, 0.1), random.uniform(0.14, 0.22)
        lid = np.minimum(np.clip((times - start) / down, 0, 1), np.clip((start + down + up - times) / up, 0, 1))
        closed = np.maximum(closed, lid)
        start += random.uniform(1.8, 4.5)
    return np.asarray(np.sin(closed * np.pi / 2))


def _speech(random: np.random.Generator, times: Series, talks: float, rest: float) -> Series:
    """Syllables at 3-5 Hz inside phrases; closed or at rest between them."""
    phrase = 1 / (1 + np.exp(-6 * (wander(random, times, 1.6)[:, 0] + 2.2 * talks - 1.1)))
    rate = 4 + 0.6 * wander(random, times, 0.8)[:, 0]
    syllable = 0.5 - 0.5 * np.cos(2 * np.pi * np.cumsum(rate) * np.gradient(times) + random.uniform(0, 6))
    loudness = 0.75 + 0.25 * wander(random, times, 0.7)[:, 0]
    return np.asarray(rest - 1 + phrase * syllable * np.clip(loudness, 0.2, 1.3) * 0.95)

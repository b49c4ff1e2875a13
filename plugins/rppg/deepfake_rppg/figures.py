"""Pictures of a stream run: pulses of some clips, features that decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core import Extracted, VideoRecord
from deepfake_rppg.clip import load_pulse
from deepfake_rppg.pulse import BAND_HZ

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

REAL_COLOUR, FAKE_COLOUR = "#2a7f9e", "#c8553d"
SHOWN_FEATURES = 20


def pulses(clips: Sequence[tuple[VideoRecord, Extracted]]) -> Figure:
    """Pulse over time and its spectrum, one row a clip."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.9 * len(clips)), layout="constrained")
    axes = figure.subplots(len(clips), 2, width_ratios=(3, 1), squeeze=False, sharex="col")
    for (trace, spectrum), (video, clip) in zip(axes, clips, strict=True):
        assert clip.path is not None
        pulse = load_pulse(clip.path)
        colour = FAKE_COLOUR if video.label else REAL_COLOUR
        draw_pulse(trace, spectrum, pulse.face, pulse.bpm, fs=pulse.fs, colour=colour)
        trace.set_title(f"{video.video_id}: {pulse.bpm:.0f} bpm, SNR {pulse.snr:.1f} dB", fontsize=9, loc="left")
        trace.set_ylabel("pulse, %", fontsize=8)
    axes[-1, 0].set_xlabel("time, s")
    axes[-1, 1].set_xlabel("rate, bpm")
    return figure


def draw_pulse(
    trace: Axes,
    spectrum: Axes,
    pulse: NDArray[np.float32],
    bpm: float,
    *,
    fs: float,
    colour: str,
    start_s: float = 0.0,
) -> None:
    """Draws a pulse over time and, on the other axes, its spectrum with the heart rate; neither where it is NaN.

    Args:
        trace: axes in s and percent of the mean colour.
        spectrum: axes in bpm, of power on a scale of its own.
        pulse: ``[N]``, share of the mean colour.
        bpm: the heart rate.
        fs: sampling rate, Hz.
        colour: of the lines.
        start_s: time of the first sample, s.
    """
    from scipy.signal import periodogram

    spectrum.set_yticks([])
    if not np.isfinite(pulse).all():
        return
    trace.plot(start_s + np.arange(len(pulse)) / fs, 100 * pulse, color=colour, lw=1)
    frequency, power = periodogram(pulse, fs, nfft=4096)
    band = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    spectrum.plot(60 * frequency[band], power[band] / max(power[band].max(initial=0.0), 1e-12), color=colour, lw=1)
    if np.isfinite(bpm):
        spectrum.axvline(bpm, color="#444444", lw=0.8, ls=":")


def importance(shares: pd.Series) -> Figure:
    """The features that the selector weighs most.

    Args:
        shares: by feature name, largest first.
    """
    from matplotlib.figure import Figure

    top = shares.head(SHOWN_FEATURES)[::-1]
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    axes.barh(list(top.index), top.to_numpy(), color=REAL_COLOUR)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel("share of the selector's decisions")
    return figure

"""Pictures of a stream run: pulses of some clips, features that decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core import Extracted, VideoRecord
from deepfake_rppg.clip import load_pulse

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

REAL_COLOUR, FAKE_COLOUR = "#2a7f9e", "#c8553d"
SHOWN_FEATURES = 20


def pulses(clips: Sequence[tuple[VideoRecord, Extracted]]) -> Figure:
    """Pulse over time and its spectrum, one row a clip."""
    from matplotlib.figure import Figure
    from scipy.signal import periodogram

    figure = Figure(figsize=(9, 1.9 * len(clips)), layout="constrained")
    axes = figure.subplots(len(clips), 2, width_ratios=(3, 1), squeeze=False, sharex="col")
    for (trace, spectrum), (video, clip) in zip(axes, clips, strict=True):
        assert clip.path is not None
        fs, pulse, bpm, snr = load_pulse(clip.path)
        colour = FAKE_COLOUR if video.label else REAL_COLOUR
        trace.plot(np.arange(len(pulse)) / fs, 100 * pulse, color=colour, lw=1)
        trace.set_title(f"{video.video_id}: {bpm:.0f} bpm, SNR {snr:.1f} dB", fontsize=9, loc="left")
        trace.set_ylabel("pulse, %", fontsize=8)
        frequency, power = periodogram(np.nan_to_num(pulse), fs, nfft=4096)
        band = (frequency >= 0.5) & (frequency <= 4.5)
        spectrum.plot(60 * frequency[band], power[band] / max(power[band].max(), 1e-12), color=colour, lw=1)
        spectrum.axvline(bpm, color="#444444", lw=0.8, ls=":")
        spectrum.set_yticks([])
    axes[-1, 0].set_xlabel("time, s")
    axes[-1, 1].set_xlabel("rate, bpm")
    return figure


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

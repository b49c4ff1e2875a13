"""What does a clip's pulse look like? The signals and rates that every pulse feature, figure and verdict starts from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepfake_rppg.pulse import pulse, resample
from deepfake_rppg.rate import Spectrum, line_snr, peak_frequency, spectrum
from deepfake_rppg.settings import FeatureSettings
from deepfake_rppg.traces import Traces

MOST_SHARE = 0.999
"""Share of a region's power on the common line above which it gains no more weight (30 dB)."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PulseReport:
    """Pulse of the nine regions and of the face as a whole.

    Attributes:
        fs: rate of the even time grid, Hz.
        rgb: colours on the grid, ``[N, 9, 3]``, 0-255; NaN for regions that are seen too little.
        signals: pulse of each region, ``[N, 9]``, share of the mean colour.
        spectrum: Welch spectrum of ``signals``.
        bpm: heart rate of each region, ``[9]``.
        snr: signal-to-noise ratio of each region at its own heart rate, ``[9]``, dB.
        overall: pulse of the face, ``[N]``, share of the mean colour.
        overall_spectrum: Welch spectrum of ``overall``, one column.
        overall_bpm: heart rate of the face.
        overall_snr: its signal-to-noise ratio, dB.
    """

    fs: float
    rgb: Array
    signals: Array
    spectrum: Spectrum
    bpm: Array
    snr: Array
    overall: Array
    overall_spectrum: Spectrum
    overall_bpm: float
    overall_snr: float


def measure(traces: Traces, settings: FeatureSettings) -> PulseReport:
    """Draws the pulse from a clip's colour traces; what can't be measured is NaN.

    Raises:
        ValueError: fewer than two frames, or times that don't increase.
    """
    fs, rgb = resample(traces.times, traces.rgb)
    return summarise(fs, rgb, pulse(rgb, fs, settings.method))


def summarise(fs: float, rgb: Array, signals: Array) -> PulseReport:
    """Rates of the regions' pulses, and the pulse of the face.

    Args:
        fs: rate of the grid, Hz.
        rgb: colours on the grid, ``[N, 9, 3]``.
        signals: pulse of each region, ``[N, 9]``, share of the mean colour.
    """
    regions = spectrum(signals, fs)
    rates = peak_frequency(regions)
    overall = combine(signals, regions)
    whole = spectrum(overall, fs)
    rate = peak_frequency(whole)
    return PulseReport(
        fs=fs,
        rgb=rgb,
        signals=signals,
        spectrum=regions,
        bpm=60 * rates,
        snr=line_snr(regions, rates),
        overall=overall,
        overall_spectrum=whole,
        overall_bpm=60 * float(rate[0]),
        overall_snr=float(line_snr(whole, rate)[0]),
    )


def combine(signals: Array, regions: Spectrum) -> Array:
    """One pulse for the face: the regions' mean, weighted by what each knows about the common heart rate.

    The common rate is the peak of the regions' mean spectrum, each region scaled to the same power in the pulse band:
    noise differs from region to region, the pulse doesn't. A region's weight is its signal-to-noise ratio at that
    rate, as a ratio of powers, over its standard deviation: close to the weights that give the sum the best ratio when
    the noises are independent. Weights sum to 1, so the unit stays.

    Args:
        signals: ``[N, R]``; NaN regions don't count.
        regions: their spectrum.

    Returns:
        ``[N]``; all NaN when no region has a pulse.
    """
    usable = np.isfinite(regions.total())
    if not usable.any():
        return np.full(len(signals), np.nan)
    scaled = replace(regions, power=regions.power[:, usable] / regions.total()[usable])
    common = replace(regions, power=scaled.power.mean(axis=1, keepdims=True))
    rate = np.repeat(peak_frequency(common), usable.sum())
    share = np.minimum(scaled.near(rate, 2 * rate), MOST_SHARE)
    weights = share / (1 - share) / signals[:, usable].std(axis=0)
    if not weights.sum() > 0:
        return np.full(len(signals), np.nan)
    return signals[:, usable] @ (weights / weights.sum())

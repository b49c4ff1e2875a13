"""How steady is the beat? Heart rate, its course over the clip, and heart rate variability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import find_peaks, periodogram, savgol_filter

from deepfake_rppg.features.coupling import TOLERANCE_BPM, TOLERANCE_DB, spread
from deepfake_rppg.features.measure import PulseReport
from deepfake_rppg.rate import line_snr, peak_frequency, spectrum

WINDOW_S = 3.0
"""Window of the temporal features."""
HOP_S = 1.0
"""From one window to the next."""
LEAST_WINDOWS = 3
"""Fewer windows than this have no course."""
LEAST_INTERVALS = 4
"""Fewer intervals between beats than this have no variability."""
ARTEFACT = 0.3
"""An interval that differs from the median by more than this share is a missed or an invented beat."""
SMOOTHING = 0.5
"""Stretch, in beats, over which a parabola is fitted: halves the jitter of noisy beats, leaves clean ones alone."""
LF_HZ = (0.04, 0.15)
HF_HZ = (0.15, 0.40)
"""Bands of heart rate variability (Task Force 1996, 10.1161/01.CIR.93.5.1043)."""
TACHOGRAM_HZ = 4.0
"""Rate of the even series of intervals."""

Array = NDArray[np.float64]


def rhythm_features(report: PulseReport) -> dict[str, float]:
    """``bpm_*``, ``signal_stationarity``, ``temporal_*`` and ``hrv_*``."""
    beats = find_beats(report.overall, report.fs, report.overall_bpm)
    interval = float(np.nanmedian(intervals(beats))) if len(beats) > LEAST_INTERVALS else np.nan
    two = np.array([report.overall_bpm, 60_000 / interval])
    return {
        "bpm_estimate": report.overall_bpm,
        "bpm_consistency": float(two.min() / two.max()),
        **_course(report),
        **variability(beats),
    }


def find_beats(signal: Array, fs: float, bpm: float) -> Array:
    """Times of the beats, ``[K]``, s: maxima of the smoothed pulse, refined by the parabola through three samples.

    Smoothing fits a parabola around each sample over half a beat (Savitzky & Golay 1964, 10.1021/ac60214a047). Maxima
    are positive and at least 0.6 beats apart.

    Args:
        signal: pulse, ``[N]``.
        fs: sampling rate, Hz.
        bpm: its heart rate; NaN finds no beat.
    """
    if not np.isfinite(bpm):
        return np.empty(0)
    beat = 60 / bpm * fs
    signal = savgol_filter(signal, max(3, int(SMOOTHING * beat) // 2 * 2 + 1), 2)
    rows = find_peaks(signal, height=0.0, distance=max(1.0, 0.6 * beat))[0]
    left, top, right = signal[rows[None] + np.array([[-1], [0], [1]])]
    bend = left - 2 * top + right
    return (rows + np.divide(0.5 * (left - right), bend, out=np.zeros_like(top), where=bend != 0)) / fs


def intervals(beats: Array) -> Array:
    """Intervals between beats, ms, ``[K - 1]``; NaN where one differs from the median by more than 30 %."""
    lengths = 1000 * np.diff(beats)
    if lengths.size == 0:
        return lengths
    median = np.median(lengths)
    return np.where(np.abs(lengths - median) <= ARTEFACT * median, lengths, np.nan)


def variability(beats: Array) -> dict[str, float]:
    """The eight ``hrv_*`` of a series of beats.

    In time, from intervals between beats without artefacts, four at least; differences are taken between neighbours
    only. In frequency, from the intervals on an even grid of 4 Hz (cubic spline, each at the time of its second beat),
    mean removed, Hann periodogram. A band needs a series that lasts one period of its lower edge: 6.7 s for HF, 25 s
    for LF, the ratio and the total; and a heart rate above twice its upper edge. Clips of 10 s therefore never have an
    LF power: what software reports there is drift.

    Args:
        beats: times, ``[K]``, s.

    Returns:
        rmssd, sdnn in ms; pnn50, pnn20 as shares of the differences; lf_power, hf_power, total_power in ms^2.
    """
    lengths = intervals(beats)
    kept = np.isfinite(lengths)
    steps = np.diff(lengths)
    steps = np.abs(steps[np.isfinite(steps)])
    enough = kept.sum() >= LEAST_INTERVALS and steps.size >= LEAST_INTERVALS - 1
    low, high, both = _band_powers(beats[1:][kept], lengths[kept]) if enough else (np.nan, np.nan, np.nan)
    return {
        "hrv_rmssd": float(np.sqrt(np.mean(steps**2))) if enough else np.nan,
        "hrv_sdnn": float(lengths[kept].std(ddof=1)) if enough else np.nan,
        "hrv_pnn50": float(np.mean(steps > 50)) if enough else np.nan,
        "hrv_pnn20": float(np.mean(steps > 20)) if enough else np.nan,
        "hrv_lf_power": low,
        "hrv_hf_power": high,
        "hrv_lf_hf_ratio": low / high if high > 0 else np.nan,
        "hrv_total_power": both,
    }


def _band_powers(times: Array, lengths: Array) -> tuple[float, float, float]:
    """Power of intervals ``lengths`` (ms) at ``times`` (s) in LF, HF and both, ms^2."""
    grid = np.arange(times[0], times[-1], 1 / TACHOGRAM_HZ)
    even = CubicSpline(times, lengths)(grid)
    padded = max(1024, 2 ** int(np.ceil(np.log2(len(grid)))))
    freqs, power = periodogram(even, TACHOGRAM_HZ, window="hann", nfft=padded, detrend="constant")
    span, rate = times[-1] - times[0], 1000 / lengths.mean()

    def within(low: float, high: float) -> float:
        if span < 1 / low or rate < 2 * high:
            return np.nan
        return float(power[(freqs >= low) & (freqs < high)].sum() * freqs[1])

    return within(*LF_HZ), within(*HF_HZ), within(LF_HZ[0], HF_HZ[1])


@dataclass(frozen=True, eq=False)
class Course:
    """A pulse in W windows of 3 s, one every second.

    Attributes:
        start_s: where each begins, ``[W]``, s from the first sample.
        strength: standard deviation in it, ``[W]``, unit of the pulse.
        bpm: its heart rate, ``[W]``; NaN where it has none.
        snr: signal-to-noise ratio in it at the heart rate of the whole, ``[W]``, dB.
    """

    start_s: Array
    strength: Array
    bpm: Array
    snr: Array


def course(signal: Array, fs: float, bpm: float) -> Course:
    """How a pulse goes over the clip.

    Args:
        signal: pulse, ``[N]``.
        fs: sampling rate, Hz.
        bpm: its heart rate over the whole clip.
    """
    length, hop = round(WINDOW_S * fs), max(1, round(HOP_S * fs))
    starts = np.arange(0, len(signal) - length + 1, hop)
    if not len(starts):
        return Course(*np.empty((4, 0)))
    windows = signal[starts + np.arange(length)[:, None]]
    density = spectrum(windows, fs, segment_s=WINDOW_S)
    return Course(
        start_s=starts / fs,
        strength=windows.std(axis=0),
        bpm=60 * peak_frequency(density),
        snr=line_snr(density, np.full(len(starts), bpm / 60)),
    )


def _course(report: PulseReport) -> dict[str, float]:
    """``signal_stationarity`` and ``temporal_*``."""
    names = (
        "signal_stationarity",
        "temporal_bpm_std",
        "temporal_bpm_range",
        "temporal_snr_std",
        "temporal_bpm_stability",
        "temporal_bpm_consistency",
    )
    found = course(report.overall, report.fs, report.overall_bpm)
    if len(found.start_s) < LEAST_WINDOWS or not np.isfinite(report.overall_bpm):
        return dict.fromkeys(names, np.nan)
    bpm = found.bpm[np.isfinite(found.bpm)]
    rates = spread(bpm, TOLERANCE_BPM)
    near = np.abs(bpm - report.overall_bpm) <= TOLERANCE_BPM
    return {
        "signal_stationarity": float(1 / (1 + found.strength.std() / found.strength.mean())),
        "temporal_bpm_std": rates["std"],
        "temporal_bpm_range": rates["range"],
        "temporal_snr_std": spread(found.snr, TOLERANCE_DB)["std"],
        "temporal_bpm_stability": float(1 / (1 + rates["std"] / bpm.mean())) if len(bpm) else np.nan,
        "temporal_bpm_consistency": float(near.mean()) if len(bpm) else np.nan,
    }

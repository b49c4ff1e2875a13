"""Do the regions of the face beat together? Correlation, coherence, phase and agreement of rates across regions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window, hilbert

from deepfake_rppg.features.measure import PulseReport
from deepfake_rppg.features.names import COHERENCES, CORRELATIONS, SHORT

SEGMENT_S = 3.0
"""Segment of the cross-spectra: two beats at 42 bpm, and five segments in a clip of 10 s."""
LEAST_SEGMENTS = 3
"""Fewer segments than this: coherence is close to 1 whatever the signals are."""
TOLERANCE_BPM = 6.0
"""Heart rates closer than this (0.1 Hz) agree."""
TOLERANCE_DB = 3.0
"""Signal-to-noise ratios closer than this, a factor of two in power, agree."""
SYNCHRONOUS = 0.5
"""Phase-locking value from which on two regions count as synchronous."""

Array = NDArray[np.float64]


def coupling_features(report: PulseReport) -> dict[str, float]:
    """``corr_*``, ``coherence_*``, ``phase_diff_*`` and ``phase_sync_*``."""
    corr = correlation(report.signals)
    coherence, lag = cross_spectrum(report.signals, report.fs, report.overall_bpm / 60)
    values = {name: corr[_pair(name)] for name in CORRELATIONS}
    values |= {name: coherence[_pair(name)] for name in COHERENCES}
    values |= {name: lag[_pair(name)] for name in ("phase_diff_fh_lc", "phase_diff_fh_rc")}
    return {name: float(value) for name, value in values.items()} | _phase_sync(report.signals)


def agreement_features(report: PulseReport) -> dict[str, float]:
    """``spatial_bpm_*`` and ``snr_*``: how far heart rate and signal-to-noise ratio differ over the nine regions."""
    bpm = spread(report.bpm, TOLERANCE_BPM)
    snr = spread(report.snr, TOLERANCE_DB)
    return {f"spatial_bpm_{name}": value for name, value in bpm.items()} | {
        f"snr_{name}": snr[name] for name in ("std", "range", "consistency")
    }


def spread(values: Array, tolerance: float) -> dict[str, float]:
    """How far values differ; NaN values don't count, and fewer than two leave everything NaN.

    Args:
        values: ``[K]``.
        tolerance: distance from the median within which a value agrees.

    Returns:
        ``variance`` and ``std`` (of the population), ``range``, ``iqr`` (linear percentiles) in the unit of the values
        or its square, and ``consistency``: share of the values that agree.
    """
    values = values[np.isfinite(values)]
    if values.size < 2:
        return dict.fromkeys(("variance", "std", "range", "iqr", "consistency"), np.nan)
    low, high = np.percentile(values, [25, 75])
    return {
        "variance": float(values.var()),
        "std": float(values.std()),
        "range": float(np.ptp(values)),
        "iqr": float(high - low),
        "consistency": float(np.mean(np.abs(values - np.median(values)) <= tolerance)),
    }


def correlation(signals: Array) -> Array:
    """Pearson correlation of each pair of columns of ``[N, R]``, ``[R, R]``; NaN for NaN or constant columns."""
    centred = signals - signals.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = centred / np.sqrt((centred**2).sum(axis=0))
    return unit.T @ unit


def cross_spectrum(signals: Array, fs: float, rate: float) -> tuple[Array, Array]:
    """Coherence and phase lag of each pair of signals around a heart rate.

    Hann segments of 3 s, mean removed, overlapping by half, from the record's start to its end; zero-padded to
    2048 samples or more. Around the rate means within the resolution of a segment, +-1/3 Hz.

    Args:
        signals: ``[N, R]``.
        fs: sampling rate, Hz.
        rate: heart rate, Hz.

    Returns:
        Magnitude-squared coherence, averaged around the rate, ``[R, R]``, 0-1: independent noises give about one over
        the number of segments. Phase of the summed cross-spectrum around the rate, ``[R, R]``, radians in
        (-pi, pi], positive where the column's signal comes after the row's. Both NaN for NaN signals, without a
        rate, and with fewer than three segments (6 s).
    """
    count, columns = signals.shape
    length = round(SEGMENT_S * fs)
    unknown = np.full((columns, columns), np.nan)
    if length < 2 or 2 * count // length - 1 < LEAST_SEGMENTS or not np.isfinite(rate):
        return unknown, unknown
    starts = np.round(np.linspace(0, count - length, 2 * count // length - 1)).astype(int)
    segments = signals[starts[:, None] + np.arange(length)]
    segments = (segments - segments.mean(axis=1, keepdims=True)) * get_window("hann", length)[:, None]
    padded = max(2048, 2 ** int(np.ceil(np.log2(length))))
    freqs = np.fft.rfftfreq(padded, 1 / fs)
    spectra = np.fft.rfft(segments, padded, axis=1)[:, np.abs(freqs - rate) <= 1 / SEGMENT_S]
    cross = np.einsum("kfa,kfb->fab", spectra.conj(), spectra)
    power = np.einsum("faa->fa", cross).real
    with np.errstate(divide="ignore", invalid="ignore"):
        coherence = (np.abs(cross) ** 2 / (power[:, :, None] * power[:, None, :])).mean(axis=0)
    return coherence, -np.angle(cross.sum(axis=0))


def _phase_sync(signals: Array) -> dict[str, float]:
    """Phase-locking values (Lachaux et al. 1999, 10.1002/(SICI)1097-0193(1999)8:4<194::AID-HBM4>3.0.CO;2-C)."""
    known = signals[:, np.isfinite(signals).all(axis=0)]
    if known.shape[1] < 2:
        return dict.fromkeys(("phase_sync_mean", "phase_sync_std", "phase_sync_consistency"), np.nan)
    turn = np.exp(1j * np.angle(hilbert(known, axis=0)))
    locking = np.abs(turn.conj().T @ turn) / len(turn)
    pairs = locking[np.triu_indices(len(locking), 1)]
    return {
        "phase_sync_mean": float(pairs.mean()),
        "phase_sync_std": float(pairs.std()),
        "phase_sync_consistency": float(np.mean(pairs >= SYNCHRONOUS)),
    }


def _pair(name: str) -> tuple[int, int]:
    """Columns of the two regions at the end of a feature's name."""
    first, second = name.split("_")[-2:]
    return SHORT[first], SHORT[second]

"""How clean, strong and regular is a pulse signal? Twelve numbers per region, five of the face, power by band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

from deepfake_rppg.features.measure import PulseReport
from deepfake_rppg.features.names import PER_REGION, SHORT
from deepfake_rppg.rate import Spectrum, line_snr, peak_frequency, peaks

BANDS_HZ = {"low": (0.7, 1.5), "mid": (1.5, 2.5), "high": (2.5, 4.0)}
"""Resting, raised and exercising heart rates: 42 to 90 to 150 to 240 bpm."""
LEVELS = 16
"""Amplitude levels of the signal entropy, over 3 standard deviations on either side."""

Array = NDArray[np.float64]


def region_features(report: PulseReport) -> dict[str, float]:
    """``fh_*`` and ``lc_*``."""
    columns = [SHORT["fh"], SHORT["lc"]]
    values = describe(report.signals[:, columns], report.fs, report.spectrum.columns(columns))
    return {f"{region}_{name}": values[name][i] for i, region in enumerate(("fh", "lc")) for name in PER_REGION}


def describe(signals: Array, fs: float, density: Spectrum) -> dict[str, Array]:
    """The twelve descriptions of each signal.

    Args:
        signals: ``[N, R]``, share of the mean colour.
        fs: sampling rate, Hz.
        density: Welch spectrum of the signals.

    Returns:
        ``[R]`` for each name of ``PER_REGION``; NaN for NaN signals.
    """
    rate = peak_frequency(density)
    total = density.total()
    line = density.near(rate)
    inside = density.in_band()
    power, freqs = density.power[inside], density.freqs[inside, None]
    centred = signals - signals.mean(axis=0)
    deviation = np.sqrt((centred**2).mean(axis=0))
    harmonic = np.where(2 * rate + density.line <= density.band[1], density.near(2 * rate), np.nan)
    median = np.median(signals, axis=0)
    crossings = (np.signbit(centred[1:]) != np.signbit(centred[:-1])).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "snr": line_snr(density, rate),
            "spectral_purity": line / total,
            "peak_prominence": 1 - _second_peak(density, rate) / _highest(peaks(density)),
            "dominant_freq": rate,
            "harmonic_ratio": harmonic / line,
            "spectral_entropy": _spectral_entropy(density),
            "spectral_centroid": (freqs * power).sum(axis=0) / power.sum(axis=0),
            "mad": np.median(np.abs(signals - median), axis=0),
            "std": deviation,
            "zcr": crossings * fs / (len(signals) - 1),
            "kurtosis": (centred**4).mean(axis=0) / deviation**4 - 3,
            "skewness": (centred**3).mean(axis=0) / deviation**3,
        }
    return {
        name: np.where(np.isfinite(deviation) & np.isfinite(value), value, np.nan) for name, value in values.items()
    }


def signal_features(report: PulseReport) -> dict[str, float]:
    """``signal_energy``, ``signal_entropy``, ``spectral_flatness``, ``crest_factor``, ``signal_complexity``."""
    signal, density = report.overall, report.overall_spectrum
    if not np.isfinite(signal).all():
        names = ("signal_energy", "signal_entropy", "spectral_flatness", "crest_factor", "signal_complexity")
        return dict.fromkeys(names, np.nan)
    power = density.power[density.in_band(), 0]
    energy = float(np.mean(signal**2))
    scores = np.clip((signal - signal.mean()) / signal.std() / 3, -1, 1)
    counts = np.histogram(scores, LEVELS, (-1, 1))[0]
    slope, bend = np.diff(signal), np.diff(signal, 2)
    with np.errstate(divide="ignore"):
        flatness = np.exp(np.log(power).mean()) / power.mean()
    return {
        "signal_energy": energy,
        "signal_entropy": float(_entropy(counts[:, None])[0] / np.log(LEVELS)),
        "spectral_flatness": float(flatness),
        "crest_factor": float(np.abs(signal).max() / np.sqrt(energy)),
        "signal_complexity": float((bend.std() / slope.std()) / (slope.std() / signal.std())),
    }


def band_features(report: PulseReport) -> dict[str, float]:
    """``band_power_*``: how the power in the pulse band spreads over low, middle and high heart rates."""
    density = report.spectrum
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = {name: density.within(*edges) / density.total() for name, edges in BANDS_HZ.items()}
        ratio = shares["low"] / shares["high"]
    values: dict[str, float] = {}
    for region in ("fh", "lc"):
        column = SHORT[region]
        values |= {f"band_power_{name}_{region}": share[column] for name, share in shares.items()}
        values[f"band_power_ratio_{region}"] = ratio[column] if np.isfinite(ratio[column]) else np.nan
    table = np.stack(list(shares.values()))
    table = table[:, np.isfinite(table).all(axis=0)]
    values["band_power_variance"] = float(table.var(axis=1).mean()) if table.shape[1] > 1 else np.nan
    return values


def _highest(heights: Array) -> Array:
    """Highest of the peaks, ``[R]``; 0 where there is none."""
    return np.nan_to_num(heights).max(axis=0, initial=0.0)


def _second_peak(density: Spectrum, rate: Array) -> Array:
    """Height of the highest peak that doesn't belong to the line at ``rate``, ``[R]``; 0 where there is none."""
    return _highest(np.where(density.is_near(rate), np.nan, peaks(density)))


def _entropy(weights: NDArray[np.number]) -> Array:
    """Shannon entropy of each column of non-negative weights, nats."""
    share = weights / weights.sum(axis=0)
    return -np.where(share > 0, share * np.log(np.where(share > 0, share, 1.0)), 0.0).sum(axis=0)


def _spectral_entropy(density: Spectrum) -> Array:
    """Entropy of the power in the band, from 0 (one line) to 1 (flat), ``[R]``.

    The window and the zero-padding smear a line over many frequencies. The entropy of such a smeared line is the zero
    of the scale, so that the number doesn't depend on the length of the clip or on the padding.
    """
    inside = density.in_band()
    count = int(inside.sum())
    if count < 2:
        return np.full(density.power.shape[1], np.nan)
    padded = 2 * (len(density.freqs) - 1)
    line = np.abs(np.fft.fft(get_window("hann", density.segment), padded)) ** 2
    line = np.roll(line, count // 2)[:count]
    floor = _entropy(line[:, None])
    return np.clip((_entropy(density.power[inside]) - floor) / (np.log(count) - floor), 0.0, 1.0)

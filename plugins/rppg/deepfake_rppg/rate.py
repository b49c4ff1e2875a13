"""How fast does a pulse signal beat, and how clearly? Welch spectrum, heart rate, signal-to-noise ratio."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from deepfake_rppg.pulse import passband

SEGMENT_S = 8.0
"""Longest Welch segment: resolves 0.125 Hz (7.5 bpm) and still averages over records of 10 s."""
LINE_HZ = 0.2
"""Half the width of a spectral line (12 bpm): 1.6 times the resolution of a segment of 8 s."""
GRID_HZ = 1 / 120
"""Widest spacing of the zero-padded frequency grid: half a beat per minute."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """Power over frequency.

    Attributes:
        freqs: ``[F]``, Hz.
        power: ``[F, R]``, squared unit of the signal per Hz.
        band: pulse band as far as the frame rate carries it, Hz.
        line: half the width of a spectral line, Hz.
        segment: samples in one Welch segment.
    """

    freqs: Array
    power: Array
    band: tuple[float, float]
    line: float
    segment: int

    def columns(self, chosen: list[int]) -> Spectrum:
        """The spectrum of some of the signals."""
        return replace(self, power=self.power[:, chosen])

    def within(self, low: float, high: float) -> Array:
        """Power from ``low`` up to, without, ``high``, ``[R]``; NaN where they reach beyond the pulse band."""
        if not (self.band[0] <= low and high <= self.band[1]):
            return np.full(self.power.shape[1], np.nan)
        return self.power[(self.freqs >= low) & (self.freqs < high)].sum(axis=0) * self.freqs[1]

    def total(self) -> Array:
        """Power in the pulse band, ``[R]``."""
        return self.within(*self.band)

    def near(self, *centres: Array) -> Array:
        """Power in the band within one line's half width of any of the centres, ``[R]``; NaN where a centre is."""
        lines = self.in_band()[:, None] & self.is_near(*centres)
        power = np.where(lines, self.power, 0.0).sum(axis=0) * self.freqs[1]
        return np.where(np.isfinite(centres).all(axis=0), power, np.nan)

    def is_near(self, *centres: Array) -> NDArray[np.bool_]:
        """Which frequencies lie within one line's half width of any of the centres (each ``[R]``), ``[F, R]``."""
        close = [np.abs(self.freqs[:, None] - centre) <= self.line for centre in centres]
        return np.logical_or.reduce(close)

    def in_band(self) -> NDArray[np.bool_]:
        """Which frequencies lie in the pulse band, ``[F]``."""
        return (self.freqs >= self.band[0]) & (self.freqs < self.band[1])


def spectrum(signals: Array, fs: float, *, segment_s: float = SEGMENT_S) -> Spectrum:
    """Welch's power spectral density (10.1109/TAU.1967.1161901) of each column.

    Hann segments of ``segment_s`` (or the whole record if shorter), mean removed, overlapping by at least a half and
    spread over the whole record; zero-padded to 2048 samples or more and a grid of 1/120 Hz or finer.
    A line's half width is 0.2 Hz, or the resolution of the segment where that is coarser.

    Args:
        signals: ``[N]`` or ``[N, R]``; NaN columns give NaN.
        fs: sampling rate, Hz.
        segment_s: length of a segment, s.
    """
    columns = signals[:, None] if signals.ndim == 1 else signals
    count = len(columns)
    segment = min(count, round(segment_s * fs))
    hops = int(np.ceil(2 * (count - segment) / segment))
    hop = (count - segment) // hops if hops else segment
    freqs, power = welch(
        columns,
        fs,
        nperseg=segment,
        noverlap=segment - hop,
        nfft=max(2048, 2 ** int(np.ceil(np.log2(fs / GRID_HZ)))),
        axis=0,
    )
    return Spectrum(freqs, power, passband(fs), max(LINE_HZ, fs / segment), segment)


def peaks(spectrum: Spectrum) -> Array:
    """Where the power is a local maximum inside the pulse band, else NaN, ``[F, R]``."""
    power = spectrum.power
    top = np.zeros(power.shape, bool)
    top[1:-1] = (power[1:-1] > power[:-2]) & (power[1:-1] >= power[2:])
    return np.where(top & spectrum.in_band()[:, None], power, np.nan)


def peak_frequency(spectrum: Spectrum) -> Array:
    """Frequency of the highest local maximum in the pulse band, Hz, ``[R]``; NaN where there is none.

    Refined by the parabola through the logarithm of the three powers around it. The band's edge is no maximum by
    itself: the flank of a line outside, such as the rest of a drift, is no heart rate.
    """
    heights = np.nan_to_num(peaks(spectrum), nan=-np.inf)
    rows = np.clip(heights.argmax(axis=0), 1, len(spectrum.freqs) - 2)
    columns = np.arange(heights.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        left, top, right = np.log(spectrum.power[rows[None] + np.array([[-1], [0], [1]]), columns])
        shift = 0.5 * (left - right) / (left - 2 * top + right)
    found = np.isfinite(heights[rows, columns]) & np.isfinite(shift)
    return np.where(found, (rows + shift) * spectrum.freqs[1], np.nan)


def line_snr(spectrum: Spectrum, frequency: Array) -> Array:
    """Power of a heart rate and its second harmonic against the rest of the pulse band, dB, ``[R]``.

    The definition of de Haan & Jeanne 2013 (10.1109/TBME.2013.2266196) with lines of +-0.2 Hz, wide enough for the
    main lobe of a segment of 8 s. A second harmonic beyond the band doesn't count on either side.

    Args:
        spectrum: of R signals.
        frequency: heart rates, ``[R]``, Hz.

    Returns:
        NaN where the heart rate or the power is NaN, or one side of the ratio is empty.
    """
    signal = spectrum.near(frequency, 2 * frequency)
    with np.errstate(divide="ignore", invalid="ignore"):
        decibel = 10 * np.log10(signal / (spectrum.total() - signal))
    return np.where(np.isfinite(decibel), decibel, np.nan)


def heart_rate(signal: Array, fs: float) -> Array:
    """Heart rate of a pulse signal, bpm: the highest peak of its Welch spectrum in the pulse band.

    Args:
        signal: ``[N]`` or ``[N, R]``.
        fs: sampling rate, Hz.

    Returns:
        A scalar array or ``[R]``; NaN where there is no peak.
    """
    bpm = 60 * peak_frequency(spectrum(signal, fs))
    return bpm.reshape(signal.shape[1:])


def snr(signal: Array, fs: float, bpm: Array | float) -> Array:
    """Signal-to-noise ratio of a pulse signal at a heart rate, dB; see [`line_snr`][].

    Args:
        signal: ``[N]`` or ``[N, R]``.
        fs: sampling rate, Hz.
        bpm: one heart rate or one for each signal.

    Returns:
        A scalar array or ``[R]``.
    """
    density = spectrum(signal, fs)
    frequency = np.broadcast_to(np.asarray(bpm, np.float64) / 60, density.power.shape[1:])
    return line_snr(density, frequency).reshape(signal.shape[1:])

"""How does a pulse come out of colour? Traces on an even time grid, then CHROM, POS or GREEN."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

BAND_HZ = (0.7, 4.0)
"""Pulse band: 42 to 240 bpm."""
ORDER = 3
"""Order of the Butterworth prototype; the band-pass has twice as many poles and runs forwards and backwards."""
WINDOW_S = 1.6
"""Window of the colour methods: at least one beat at 42 bpm."""
MAX_MISSING = 0.30
"""Share of the time without a sample from which on a region counts as unseen."""
MAX_GAP_S = 1.0
"""Longest single stretch without a sample that is bridged: a straight line over more than a beat invents a pulse."""
FLAT = 1e-9
"""Pulse strength, share of the mean colour, below which a signal is rounding noise."""

Method = Literal["chrom", "pos", "green"]
Array = NDArray[np.float64]


def resample(times: Array, rgb: NDArray[np.floating]) -> tuple[float, Array]:
    """Puts colour traces on an even time grid by linear interpolation.

    The grid starts at the first frame and has the median frame rate. A region is bridged where it isn't seen and
    where frames are missing; before its first and after its last sample the nearest value is held. It becomes NaN
    when 30 % of the time or more, or more than 1 s at a stretch, has no sample. Uneven frame intervals up to 1.5
    times the median are no gap.

    Args:
        times: strictly increasing presentation times, ``[T]``, s.
        rgb: mean colours, ``[T, R, 3]``; NaN where a region isn't seen.

    Returns:
        The frame rate of the grid, Hz, and the colours on it, ``[N, R, 3]``.

    Raises:
        ValueError: fewer than two frames, or times that don't increase.
    """
    times = np.asarray(times, np.float64)
    steps = np.diff(times)
    if steps.size == 0 or not np.all(steps > 0):
        raise ValueError("resampling needs two frames or more with strictly increasing times")
    step = float(np.median(steps))
    count = int((times[-1] - times[0]) / step + 1e-6) + 1
    grid = times[0] + step * np.arange(count)
    seen = np.isfinite(rgb).all(axis=2)
    even = np.full((count, *rgb.shape[1:]), np.nan)
    for region in range(rgb.shape[1]):
        rows = seen[:, region]
        if _is_covered(times, rows, step):
            for channel in range(3):
                even[:, region, channel] = np.interp(grid, times[rows], rgb[rows, region, channel])
    return 1.0 / step, even


def _is_covered(times: Array, rows: NDArray[np.bool_], step: float) -> bool:
    """Whether the samples in ``rows`` leave little enough time uncovered."""
    marks = np.concatenate(([times[0] - step], times[rows], [times[-1] + step]))
    lost = np.diff(marks) - step
    lost = lost[lost > 0.5 * step]
    share = lost.sum() / (times[-1] - times[0] + step)
    return bool(rows.any() and share < MAX_MISSING and lost.max(initial=0.0) <= MAX_GAP_S)


def passband(fs: float) -> tuple[float, float]:
    """The pulse band as far as a frame rate carries it, Hz.

    The upper edge stays at 90 % of the Nyquist frequency or below. Frame rates that leave less than an octave
    carry no pulse: the band is then NaN.
    """
    low, high = BAND_HZ[0], min(BAND_HZ[1], 0.45 * fs)
    return (low, high) if high >= 2 * low else (np.nan, np.nan)


def bandpass(signals: Array, fs: float) -> Array:
    """Zero-phase Butterworth band-pass of order 3 over the pulse band, along the first axis.

    The record is continued at both ends by one window (1.6 s), mirrored through its end points.

    Args:
        signals: ``[N, ...]``; NaN columns stay NaN.
        fs: sampling rate, Hz, at least ``2 * 0.7 / 0.45``.
    """
    sections = butter(ORDER, passband(fs), btype="bandpass", fs=fs, output="sos")
    return sosfiltfilt(sections, signals, axis=0, padtype="odd", padlen=min(len(signals) - 1, window_length(fs)))


def window_length(fs: float) -> int:
    """Samples in 1.6 s, rounded to an even number so that half a window is a whole number of samples."""
    return 2 * max(1, round(WINDOW_S * fs / 2))


def pulse(rgb: Array, fs: float, method: Method) -> Array:
    """The pulse signal of each region, as a share of its mean colour.

    ``C`` is a colour trace, ``mu_w`` its mean in window ``w``, ``bp`` the band-pass of [`bandpass`][], ``L`` the
    window length of [`window_length`][], ``sd`` the standard deviation in the window.

    - ``chrom`` (de Haan & Jeanne 2013, 10.1109/TBME.2013.2266196). Windows of ``L`` start every ``L/2`` samples, and
      one more ends with the record. With ``c = bp(C) / mu_w``: ``X = 3r - 2g``, ``Y = 1.5r + g - 1.5b``,
      ``S = X - sd(X)/sd(Y) Y``. Windows are overlap-added under ``sin^2(pi (n + 1/2) / L)`` (a Hann window that is
      nowhere 0) and divided by the summed weights, which are 1 except in the record's first and last window.
    - ``pos`` (Wang et al. 2017, 10.1109/TBME.2016.2609282). A window starts at every sample. With
      ``c = C / mu_w``: ``P = g - b``, ``Q = g + b - 2r``, ``h = P + sd(P)/sd(Q) Q``. The windows' ``h - mean(h)``
      are added, divided by the number of windows over each sample, and band-passed.
    - ``green`` (Verkruysse et al. 2008, 10.1364/OE.16.021434): ``bp(G) / mu_w``, overlap-added like ``chrom``.

    In ``chrom`` the band-pass runs over the whole record, not inside each 1.6 s window. It is linear, so
    ``bp(C / mu_w)`` is ``bp(C) / mu_w`` and X and Y are band-passed before their deviations are compared, as the
    method asks; but the filter's edges, longer than a window, stay at the ends of the record. Signs are the papers':
    ``chrom`` rises with the blood volume, ``pos`` and ``green`` fall.

    Args:
        rgb: colours on an even grid, ``[N, R, 3]``; see [`resample`][].
        fs: rate of the grid, Hz.
        method: how the pulse is drawn from colour.

    Returns:
        ``[N, R]``. NaN for regions that are NaN, black in a window, or without any change; for all regions when the
        record is shorter than two windows or the frame rate carries no pulse.
    """
    if method not in get_args(Method):
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(get_args(Method))}")
    if len(rgb) < 2 * window_length(fs) or np.isnan(passband(fs)[0]):
        return np.full(rgb.shape[:2], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        signals = _pos(rgb, fs) if method == "pos" else _windowed(rgb, fs, method)
        useless = ~np.isfinite(signals).all(axis=0) | (signals.std(axis=0) < FLAT)
    signals[:, useless] = np.nan
    return signals


def _windowed(rgb: Array, fs: float, method: Method) -> Array:
    """CHROM and GREEN: normalised per window, Hann overlap-added; ``[N, R]``."""
    count, length = len(rgb), window_length(fs)
    starts = np.arange(0, count - length + 1, length // 2)
    starts = np.union1d(starts, [count - length])
    rows = starts[:, None] + np.arange(length)
    mean = rgb[rows].mean(axis=1, keepdims=True)
    red, green, blue = np.moveaxis(bandpass(rgb, fs)[rows] / mean, -1, 0)
    if method == "green":
        parts = green
    else:
        x = 3 * red - 2 * green
        y = 1.5 * red + green - 1.5 * blue
        parts = x - _ratio(x.std(axis=1, keepdims=True), y.std(axis=1, keepdims=True)) * y
    weights = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    return _overlap_add(parts * weights[:, None], rows, count) / _overlap_add(
        np.broadcast_to(weights[:, None], (*rows.shape, 1)), rows, count
    )


def _pos(rgb: Array, fs: float) -> Array:
    """POS: projected in a window at every sample, averaged, band-passed; ``[N, R]``."""
    count, length = len(rgb), window_length(fs)
    rows = np.arange(count - length + 1)[:, None] + np.arange(length)
    windows = rgb[rows]
    red, green, blue = np.moveaxis(windows / windows.mean(axis=1, keepdims=True), -1, 0)
    p = green - blue
    q = green + blue - 2 * red
    h = p + _ratio(p.std(axis=1, keepdims=True), q.std(axis=1, keepdims=True)) * q
    parts = h - h.mean(axis=1, keepdims=True)
    total = _overlap_add(parts, rows, count)
    return bandpass(total / _overlap_add(np.ones((*rows.shape, 1)), rows, count), fs)


def _ratio(top: Array, bottom: Array) -> Array:
    """``top / bottom``, and 0 where ``bottom`` is: a projection without variation has nothing to subtract."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)


def _overlap_add(parts: Array, rows: NDArray[np.intp], count: int) -> Array:
    """Adds windows ``[W, L, R]`` onto a record of ``count`` samples at ``rows``, ``[W, L]``."""
    total = np.zeros((count, parts.shape[2]))
    np.add.at(total, rows, parts)
    return total

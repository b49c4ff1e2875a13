"""How does skin reflect light over the clip? Brightness, whiteness, and how the colour channels move together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepfake_rppg.features.coupling import correlation
from deepfake_rppg.features.measure import PulseReport
from deepfake_rppg.features.names import SHORT
from deepfake_rppg.pulse import FLAT, bandpass

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""
SKIN = [SHORT["fh"], SHORT["lc"], SHORT["rc"]]
"""The regions with most skin and least motion."""

Array = NDArray[np.float64]


def colour_features(report: PulseReport) -> dict[str, float]:
    """``skin_reflection_*`` and ``rgb_corr_*``.

    All are ratios of colours, so a gain of the camera common to the three channels doesn't change them.
    """
    luma = report.rgb @ np.array(LUMA)
    mean = luma.mean(axis=0)
    forehead, left = SHORT["fh"], SHORT["lc"]
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = luma.var(axis=0) / mean**2
        difference = 2 * abs(mean[forehead] - mean[left]) / (mean[forehead] + mean[left])
        whiteness = (report.rgb.min(axis=2) / report.rgb.max(axis=2)).mean(axis=0)
    values = {
        "skin_reflection_variance_fh": variance[forehead],
        "skin_reflection_variance_lc": variance[left],
        "skin_reflection_mean_difference": difference,
        "skin_reflection_specular_score": _mean_of_known(whiteness[SKIN]),
        **_channels(report),
    }
    return {name: float(value) if np.isfinite(value) else np.nan for name, value in values.items()}


def _channels(report: PulseReport) -> dict[str, float]:
    """Correlation of green with red and blue in the pulse band, over the mean of forehead and cheeks."""
    skin = report.rgb[:, SKIN]
    usable = np.isfinite(report.signals[:, SKIN]).all(axis=0)
    if not usable.any():
        return {"rgb_corr_green_red": np.nan, "rgb_corr_green_blue": np.nan}
    relative = skin[:, usable] / skin[:, usable].mean(axis=0)
    channels = bandpass(relative.mean(axis=1), report.fs)
    channels[:, channels.std(axis=0) < FLAT] = np.nan
    corr = correlation(channels)
    return {"rgb_corr_green_red": corr[1, 0], "rgb_corr_green_blue": corr[1, 2]}


def _mean_of_known(values: Array) -> float:
    """Mean of the finite values, NaN when there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan

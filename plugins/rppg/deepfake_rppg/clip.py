"""What is kept of one clip: its row of features, and its pulse for figures and reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_rppg.features import all_features, measure
from deepfake_rppg.settings import FeatureSettings
from deepfake_rppg.traces import Traces

FEATURES_FILE = "features.npz"
PULSE_FILE = "pulse.npz"


def make(traces: Traces, settings: FeatureSettings, folder: Path) -> dict[str, float | None]:
    """Computes and keeps features and pulse.

    Returns:
        Facts: ``bpm``, heart rate; ``snr_db``, its signal-to-noise ratio. None where there is no pulse to measure.
    """
    report = measure(traces, settings)
    values = all_features(report, traces)
    np.savez(folder / FEATURES_FILE, names=np.array(list(values)), values=np.array(list(values.values())))
    np.savez_compressed(
        folder / PULSE_FILE,
        fs=report.fs,
        pulse=report.overall.astype(np.float32),
        bpm=report.overall_bpm,
        snr=report.overall_snr,
    )
    return {"bpm": _known(report.overall_bpm, 1), "snr_db": _known(report.overall_snr, 2)}


def load_features(folder: Path) -> dict[str, float]:
    """The row of features by name."""
    with np.load(folder / FEATURES_FILE, allow_pickle=False) as file:
        return dict(zip(file["names"].tolist(), file["values"].tolist(), strict=True))


def load_pulse(folder: Path) -> tuple[float, NDArray[np.float32], float, float]:
    """Sampling rate (Hz), pulse ``[N]`` (share of the mean colour), heart rate (bpm), signal-to-noise ratio (dB)."""
    with np.load(folder / PULSE_FILE, allow_pickle=False) as file:
        return float(file["fs"]), file["pulse"], float(file["bpm"]), float(file["snr"])


def _known(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None

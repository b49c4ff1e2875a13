"""What is kept of one clip: its row of features, and its pulse for figures and reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_rppg.features import all_features, measure
from deepfake_rppg.settings import FeatureSettings
from deepfake_rppg.traces import Traces

FEATURES_FILE = "features.npz"
PULSE_FILE = "pulse.npz"


@dataclass(frozen=True, eq=False)
class Pulse:
    """The pulse of one clip, of the face as a whole and of the nine regions.

    Attributes:
        fs: sampling rate, Hz.
        start_s: time of the first sample in the video, s.
        face: pulse of the face, ``[N]``, share of the mean colour; NaN where there is none to measure.
        regions: pulse of each of ``REGIONS``, ``[N, 9]``; NaN for one that is seen too little.
        bpm: heart rate of the face.
        snr: its signal-to-noise ratio, dB.
        region_bpm: heart rate of each region, ``[9]``.
        region_snr: its signal-to-noise ratio at that rate, ``[9]``, dB.
    """

    fs: float
    start_s: float
    face: NDArray[np.float32]
    regions: NDArray[np.float32]
    bpm: float
    snr: float
    region_bpm: NDArray[np.float64]
    region_snr: NDArray[np.float64]


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
        start_s=traces.times[0],
        face=report.overall.astype(np.float32),
        regions=report.signals.astype(np.float32),
        bpm=report.overall_bpm,
        snr=report.overall_snr,
        region_bpm=report.bpm,
        region_snr=report.snr,
    )
    return {"bpm": _known(report.overall_bpm, 1), "snr_db": _known(report.overall_snr, 2)}


def load_features(folder: Path) -> dict[str, float]:
    """The row of features by name."""
    with np.load(folder / FEATURES_FILE, allow_pickle=False) as file:
        return dict(zip(file["names"].tolist(), file["values"].tolist(), strict=True))


def load_pulse(folder: Path) -> Pulse:
    """The clip's pulse."""
    with np.load(folder / PULSE_FILE, allow_pickle=False) as file:
        numbers = {name: float(file[name]) for name in ("fs", "start_s", "bpm", "snr")}
        return Pulse(**numbers, **{name: file[name] for name in ("face", "regions", "region_bpm", "region_snr")})


def _known(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None

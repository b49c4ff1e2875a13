"""How do traces become one row of the feature table?"""

from __future__ import annotations

from deepfake_rppg.features.colour import colour_features
from deepfake_rppg.features.coupling import agreement_features, coupling_features
from deepfake_rppg.features.geometry import geometry_features
from deepfake_rppg.features.measure import PulseReport, measure
from deepfake_rppg.features.names import FEATURES, FREQUENCY
from deepfake_rppg.features.rhythm import rhythm_features
from deepfake_rppg.features.spectral import band_features, region_features, signal_features
from deepfake_rppg.settings import FeatureSettings
from deepfake_rppg.traces import Traces


def compute(traces: Traces, settings: FeatureSettings) -> dict[str, float]:
    """The 117 features of a clip, in the order of ``FEATURES``; NaN where one can't be computed.

    Raises:
        ValueError: fewer than two frames, or times that don't increase.
    """
    return describe(measure(traces, settings), traces)


def describe(report: PulseReport, traces: Traces) -> dict[str, float]:
    """The 117 features of a clip whose pulse has been measured; see ``compute``."""
    values = {
        **region_features(report),
        **signal_features(report),
        **band_features(report),
        **coupling_features(report),
        **agreement_features(report),
        **rhythm_features(report),
        **colour_features(report),
        **geometry_features(traces.landmarks),
    }
    return {name: float(values[name]) for name in FEATURES}


def all_features(report: PulseReport, traces: Traces) -> dict[str, float]:
    """The 117 features followed by the 64 image frequencies, in the order of ``FEATURES + FREQUENCY``."""
    return describe(report, traces) | dict(zip(FREQUENCY, map(float, traces.spectrum), strict=True))

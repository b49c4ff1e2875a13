"""What numbers describe a clip's pulse, face and image frequencies? Every one is defined in docs/science.md."""

from __future__ import annotations

from deepfake_rppg.features.measure import PulseReport, measure
from deepfake_rppg.features.names import FEATURES, FREQUENCY, GEOMETRY
from deepfake_rppg.features.vector import all_features, compute

__all__ = ["FEATURES", "FREQUENCY", "GEOMETRY", "PulseReport", "all_features", "compute", "measure"]

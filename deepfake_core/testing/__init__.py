"""The conformance kit: what every plugin must pass, as pytest classes to inherit from.

It needs pytest: ``pip install "deepfake-core[authoring]"``. ``deepfake plugins check`` runs it without a test file.
"""

from __future__ import annotations

from deepfake_core.testing.datasets import DatasetConformance
from deepfake_core.testing.fusers import FuserConformance
from deepfake_core.testing.streams import StreamConformance

__all__ = ["DatasetConformance", "FuserConformance", "StreamConformance"]

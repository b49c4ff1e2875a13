"""The conformance kit: what every plugin must pass, as pytest classes to inherit from."""

from deepfake_core.testing.fusers import FuserConformance
from deepfake_core.testing.streams import StreamConformance

__all__ = ["FuserConformance", "StreamConformance"]

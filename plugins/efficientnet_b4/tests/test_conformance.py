"""The stream keeps every promise of the contract, on small films of a portrait."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from deepfake_core import VideoRecord
from deepfake_core.testing import StreamConformance


class TestEfficientNetB4(StreamConformance):
    name = "efficientnet_b4"
    overrides = "epochs=2,swa_from=1,frames=4,size=64,min_face_px=0"

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, portraits: Sequence[VideoRecord]) -> Sequence[VideoRecord]:
        return portraits

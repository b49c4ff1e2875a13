"""The stream keeps every promise of the contract, on small films of a portrait."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from deepfake_core import VideoRecord
from deepfake_core.testing import StreamConformance


class TestSelfBlend(StreamConformance):
    name = "selfblend"
    overrides = "epochs=3,swa_from=2,progressive_epochs=1,frames=4,size=64,passes=2"

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, portraits: Sequence[VideoRecord]) -> Sequence[VideoRecord]:
        return portraits

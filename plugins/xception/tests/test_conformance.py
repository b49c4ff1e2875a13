"""The streams keep every promise of the contract, on small films of a portrait."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from deepfake_core import VideoRecord
from deepfake_core.testing import StreamConformance


class TestXception(StreamConformance):
    name = "xception"
    overrides = "epochs=3,swa_from=2,mix_from=1,mining_from=1,mining_every=1,frames=4,size=64"

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, portraits: Sequence[VideoRecord]) -> Sequence[VideoRecord]:
        return portraits


class TestXceptionFrames(StreamConformance):
    name = "xception_frames"
    overrides = "epochs=3,swa_from=2,progressive_epochs=1,frames=4,size=64"

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, portraits: Sequence[VideoRecord]) -> Sequence[VideoRecord]:
        return portraits

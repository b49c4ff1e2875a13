"""The stream keeps every promise of the contract, on small films of a portrait."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from deepfake_core import VideoRecord
from deepfake_core.testing import StreamConformance


class TestRppg(StreamConformance):
    name = "rppg"
    overrides = "min_s=3,rounds=20,selector_trees=20,inner_folds=2"

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, portraits: Sequence[VideoRecord]) -> Sequence[VideoRecord]:
        return portraits

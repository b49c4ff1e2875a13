"""Two toys, fused and registered, for a whole module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deepfake_core.detector.detector import Detector
from deepfake_core.detector.registry import Version, fetch
from deepfake_core.steps import fuse
from tests.conftest import toys_run


@dataclass(frozen=True)
class Made:
    """A registered detector: the index, the runs of its streams, its version, its folder."""

    index: Path
    runs: list[str]
    version: Version
    folder: Path

    @property
    def videos(self) -> Path:
        """The toy files."""
        return self.index.parent / "videos"


@pytest.fixture(scope="module")
def made(tmp_path_factory, empty_tracking_store) -> Iterator[Made]:
    """``logistic`` on both toys, the challenger."""
    with toys_run(tmp_path_factory, empty_tracking_store) as (index, runs):
        out = tmp_path_factory.mktemp("out")
        result = fuse.run("toys", str(index), fuser="logistic", out=out)
        yield Made(index, runs, result.version, fetch(result.version.uri, tmp_path_factory.mktemp("fetched")))


@pytest.fixture
def detector(made) -> Detector:
    """Loaded from its folder."""
    return Detector.load(made.folder)

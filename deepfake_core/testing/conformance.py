"""The pytest plugin behind the conformance kit: fixtures that its checks take."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfake_core.data.store import Store


@pytest.fixture(scope="class")
def conformance_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An empty store that the checks of one class share, so that clips are extracted once."""
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def not_a_video(tmp_path: Path) -> Path:
    """A text file with the suffix of a video."""
    path = tmp_path / "not_a_video.mp4"
    path.write_text("this is no video\n")
    return path

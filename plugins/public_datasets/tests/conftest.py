"""Trees of empty files, named as the public data sets name theirs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from deepfake_core import VideoRecord
from deepfake_core.plugins import load_dataset

Index = Callable[..., tuple[VideoRecord, ...]]
Lay = Callable[[Path, Iterable[str]], Path]


@pytest.fixture(scope="session")
def lay() -> Lay:
    """Makes empty files under a root, and the folders they need."""

    def make(root: Path, names: Iterable[str]) -> Path:
        folders = set()
        for name in names:
            path = root / name
            if path.parent not in folders:
                path.parent.mkdir(parents=True, exist_ok=True)
                folders.add(path.parent)
            path.touch()
        return root

    return make


@pytest.fixture(scope="session")
def index() -> Index:
    """Lists a root as ``deepfake index`` does, through the installed plugin."""

    def run(dataset: str, root: Path, overrides: str = "", **limits: int) -> tuple[VideoRecord, ...]:
        plugin = load_dataset(dataset)
        return plugin.index(root, limits, plugin.settings(overrides))

    return run


@pytest.fixture(scope="session")
def pairs() -> list[tuple[str, str]]:
    """The thousand numbers of FaceForensics++, in five hundred pairs."""
    numbers = [f"{number:03d}" for number in range(1000)]
    random.Random(0).shuffle(numbers)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Files that aren't part of the project."""
    folder = Path(__file__).parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data beside the repository")
    return folder

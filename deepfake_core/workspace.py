"""Where things are kept on this machine: one folder, named by ``DEEPFAKE_HOME``."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from deepfake_core.data.store import Store


def home() -> Path:
    """``$DEEPFAKE_HOME``, or the user's cache folder (``~/.cache/deepfake`` on Linux)."""
    return Path(os.environ.get("DEEPFAKE_HOME") or platformdirs.user_cache_path("deepfake")).absolute()


def store() -> Store:
    """The store of extracted clips and trained folds."""
    return Store(home() / "store")


def dataset_root(name: str) -> Path:
    """Where a data set that makes its own videos keeps them."""
    return home() / "datasets" / name

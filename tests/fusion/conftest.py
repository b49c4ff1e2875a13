"""Streams of known worth, as their out-of-fold tables would be."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepfake_core.contract.records import VideoRecord
from deepfake_core.contract.tables import embedding_columns
from deepfake_core.fusion.crossfit import Candidate, CrossFitted, Rows, crossfit
from deepfake_core.fusion.joining import join
from deepfake_core.plugins import load_fuser

FUSIONS = ("mean", "auc_weighted", "rank_mean", "logistic", "simplex")


class World:
    """Videos of people in folds; a stream's scores are its strength times the label, plus noise.

    Args:
        videos: number; two of each person, one real and one fake.
        seed: of the noise.
        folds: number.
    """

    def __init__(self, videos: int = 70, seed: int = 0, folds: int = 5) -> None:
        self.random = np.random.default_rng(seed)
        self.label = np.arange(videos) % 2
        self.person = [f"p{n // 2:03d}" for n in range(videos)]
        self.fold = np.arange(videos) // 2 % folds
        self.ids = [f"d__m__{n:03d}" for n in range(videos)]

    @property
    def videos(self) -> list[VideoRecord]:
        """As an index lists them."""
        return [
            VideoRecord(i, Path(f"{i}.mp4"), int(y), "d", "swap" if y else "real", (who,))
            for i, y, who in zip(self.ids, self.label, self.person, strict=True)
        ]

    def oof(
        self, stream: str, strength: float = 0.0, missing: float = 0.0, embedding: np.ndarray | None = None
    ) -> pd.DataFrame:
        """A stream's out-of-fold table, which abstains on a share of the videos; ``embedding`` is ``[N, D]``."""
        logit = strength * (2 * self.label - 1) + self.random.normal(0, 1, len(self.ids))
        p = np.where(self.random.random(len(self.ids)) < missing, np.nan, 1 / (1 + np.exp(-logit)))
        table = pd.DataFrame(
            {
                "video_id": self.ids,
                "label": self.label,
                "dataset": "d",
                "method": np.where(self.label == 1, "swap", "real"),
                "identity": self.person,
                "group": self.person,
                "fold": self.fold,
                "stream": stream,
                "p": p,
                "status": np.where(np.isnan(p), "no_face", "ok"),
                "quality": "{}",
            }
        )
        if embedding is not None:
            table[embedding_columns(embedding.shape[1])] = np.where(np.isnan(p)[:, None], np.nan, embedding)
        return table

    def rows(self, *strengths: float, missing: float = 0.0) -> Rows:
        """All streams joined."""
        oofs = {f"s{n}": self.oof(f"s{n}", strength, missing) for n, strength in enumerate(strengths)}
        return Rows.of(join(oofs, "model" if missing else "drop"), self.videos)


@pytest.fixture
def world() -> World:
    """70 videos."""
    return World()


def candidates(*names: str, overrides: str = "") -> list[Candidate]:
    """Installed fusers."""
    return [Candidate(load_fuser(name), load_fuser(name).settings(overrides)) for name in names or FUSIONS]


def crossfitted(candidate: Candidate, rows: Rows, advance: Callable[[], object] = lambda: None) -> CrossFitted:
    """The scores of all fits; their models aren't kept."""
    with tempfile.TemporaryDirectory() as folder:
        return crossfit(candidate, rows, Path(folder, "models"), 0, advance)

"""How does a fusion score a video without anything of it having been seen? Fits with folds left out.

A fit that leaves out folds uses no video that touches a person of theirs. Leaving out one fold gives the cross-fitted
scores of a fuser. Leaving out two gives, for each outer fold, cross-fitted scores of the others: what the choice of a
fuser, its calibration and its threshold are made on (Cawley & Talbot 2010, JMLR 11:2079).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract import tables
from deepfake_core.contract.errors import FoldsImpossible, NoUsableVideo
from deepfake_core.contract.records import FusedModel, VideoRecord
from deepfake_core.contract.settings import Settings
from deepfake_core.data.identities import clear_of
from deepfake_core.data.separation import KFOLD, Protocol, ties
from deepfake_core.evaluation.resampling import Resamples
from deepfake_core.fusion.joining import Joined
from deepfake_core.plugins import Fuser

if TYPE_CHECKING:
    import pandas as pd

Advance = Callable[[], object]
"""Told of each finished fit, for a progress bar."""

LEAST_FOLDS = 3
"""With two left out there must be one to learn from."""


@dataclass(frozen=True)
class Candidate:
    """A fuser with its settings."""

    fuser: Fuser
    settings: Settings

    @property
    def name(self) -> str:
        """The fuser's name."""
        return self.fuser.name


@dataclass(frozen=True)
class Rows:
    """The videos that are fused, N of them, in K folds.

    Attributes:
        table: their rows of the joined table.
        clear: ``[K, N] bool``: whether a video touches nobody that a fold holds out, nor what its protocol leaves out.
    """

    table: pd.DataFrame
    clear: NDArray[np.bool_]

    @classmethod
    def of(cls, joined: Joined, videos: Sequence[VideoRecord], protocol: Protocol = KFOLD) -> Rows:
        """The usable videos of a joined table.

        Args:
            joined: scores.
            videos: the index that they are about; says who is in which video.
            protocol: of the folds; says what else a fit that leaves folds out must not see.

        Raises:
            FoldsImpossible: fewer than three folds.
        """
        known = {video.video_id: video for video in videos}
        folds = sorted(joined.table["fold"].unique())
        if len(folds) < LEAST_FOLDS:
            raise FoldsImpossible(
                f"a fusion needs {LEAST_FOLDS} folds, there are {len(folds)}: one to score, one to choose on, one to learn "
                "from.",
                hint="run the streams with --folds 3 or more.",
            )
        table = joined.table[joined.usable].reset_index(drop=True)
        fused = [known[video_id] for video_id in table["video_id"]]
        members = joined.table.groupby("fold")["video_id"]
        clear = [clear_of(fused, (known[i] for i in members.get_group(fold)), ties(protocol)) for fold in folds]
        return cls(table, np.array(clear))

    @cached_property
    def label(self) -> NDArray[np.int64]:
        """0 or 1, ``[N]``."""
        return np.asarray(self.table["label"], dtype=np.int64)

    @cached_property
    def fold(self) -> NDArray[np.int64]:
        """``[N]``."""
        return np.asarray(self.table["fold"], dtype=np.int64)

    @cached_property
    def group(self) -> NDArray[np.str_]:
        """Identity group, ``[N]``."""
        return np.asarray(self.table["group"], dtype=str)

    @property
    def folds(self) -> range:
        """Fold numbers."""
        return range(len(self.clear))

    def resamples(self, known: NDArray[np.bool_] | None = None) -> Resamples:
        """Draws of the identity groups of some videos, ``[N] bool``, or of all; those of all are made once."""
        if known is None or known.all():
            return self._resamples
        return Resamples.draw(self.label[known], self.group[known])

    @cached_property
    def _resamples(self) -> Resamples:
        return Resamples.draw(self.label, self.group)

    def learnable(self, without: Sequence[int]) -> NDArray[np.bool_]:
        """Rows that a fit may use which leaves these folds out, ``[N] bool``."""
        outside = ~np.isin(self.fold, without)
        found: NDArray[np.bool_] = outside & self.clear[list(without)].all(axis=0)
        return found


def fit(candidate: Candidate, rows: Rows, without: Sequence[int], work_dir: Path, seed: int) -> FusedModel:
    """A fuser's model of all rows but those of some folds, and of the people in them.

    Raises:
        NoUsableVideo: what is left is of one class, or nothing.
    """
    known = rows.learnable(without)
    label = rows.label[known]
    if len(np.unique(label)) < 2:
        raise NoUsableVideo(
            f"{candidate.name}: without fold {' and '.join(map(str, without))} and the people in them, {known.sum()} videos "
            f"are left to learn a fusion from, {label.sum()} of them fake; both classes are needed.",
            hint="use fewer or more folds, or add videos of people who appear with nobody else.",
        )
    columns = [*tables.JOINED.names, *_columns(candidate, rows.table)]
    table = rows.table.loc[known, columns].reset_index(drop=True)
    return candidate.fuser.fuse(table, candidate.settings, work_dir, seed)


def predict(candidate: Candidate, model: FusedModel, table: pd.DataFrame) -> NDArray[np.float64]:
    """P(fake) of rows of a joined table, ``[n]``."""
    if not len(table):
        return np.zeros(0)
    return candidate.fuser.predict(model, inputs(candidate, table).reset_index(drop=True), candidate.settings)


def inputs(candidate: Candidate, table: pd.DataFrame) -> pd.DataFrame:
    """The columns of a joined table that a fuser scores videos by."""
    return table[["video_id", *_columns(candidate, table)]]


def _columns(candidate: Candidate, table: pd.DataFrame) -> list[str]:
    return tables.input_columns(table) if candidate.fuser.info.needs_embeddings else tables.score_columns(table)


@dataclass(frozen=True)
class CrossFitted:
    """A fuser's fits and scores of N videos in K folds.

    The fits are folders, there for as long as the one that ``crossfit`` was given.

    Attributes:
        outer: ``[N]``, each by the fit without its own fold.
        inner: ``[K, N]``: row k holds, for the videos outside fold k, the score by the fit without their own fold and k;
            NaN for those in fold k.
        naive: ``[N]``, by the fit on all of them: what a fusion says of the videos it was fitted on.
        whole: the fit on all videos.
        held_out: the fit without each fold, ``K`` of them.
    """

    outer: NDArray[np.float64]
    inner: NDArray[np.float64]
    naive: NDArray[np.float64]
    whole: FusedModel
    held_out: tuple[FusedModel, ...]


def leave_out(candidate: Candidate, rows: Rows, without: Sequence[int], seed: int) -> NDArray[np.float64]:
    """Scores of the videos in some folds, by a fit without them that is not kept.

    Returns:
        ``[N]``, NaN for the other videos.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _scores_of(candidate, fit(candidate, rows, without, Path(folder), seed), rows, without)


def _scores_of(candidate: Candidate, model: FusedModel, rows: Rows, folds: Sequence[int]) -> NDArray[np.float64]:
    """Scores of the videos in some folds, ``[N]``; NaN for the others."""
    mine = np.isin(rows.fold, folds)
    p = np.full(len(rows.label), np.nan)
    p[mine] = predict(candidate, model, rows.table[mine])
    return p


def outer_scores(candidate: Candidate, rows: Rows, seed: int) -> NDArray[np.float64]:
    """Each video scored by the fit without its fold, ``[N]``."""
    return _merged([leave_out(candidate, rows, [k], seed) for k in rows.folds])


def _merged(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.select([~np.isnan(part) for part in parts], list(parts), np.nan)


def fits(folds: int) -> int:
    """How many fits ``crossfit`` makes."""
    return 1 + folds + folds * (folds - 1) // 2


def crossfit(candidate: Candidate, rows: Rows, models: Path, seed: int, advance: Advance) -> CrossFitted:
    """All fits of one fuser with no, one, or two folds left out.

    Args:
        candidate: the fuser.
        rows: what is fused.
        models: a folder that keeps the fits with none and with one left out.
        seed: for everything random in the fuser.
        advance: called after each fit.
    """

    def kept(name: str, *without: int) -> FusedModel:
        folder = models / name
        folder.mkdir(parents=True)
        model = fit(candidate, rows, without, folder, seed)
        advance()
        return model

    whole = kept("whole")
    held_out = tuple(kept(f"without_{k}", k) for k in rows.folds)
    outer = _merged([_scores_of(candidate, model, rows, [k]) for k, model in enumerate(held_out)])
    inner = np.full((len(rows.folds), len(rows.label)), np.nan)
    for one, other in combinations(rows.folds, 2):
        p = leave_out(candidate, rows, [one, other], seed)
        inner[one, rows.fold == other] = p[rows.fold == other]
        inner[other, rows.fold == one] = p[rows.fold == one]
        advance()
    return CrossFitted(outer, inner, predict(candidate, whole, rows.table), whole, held_out)

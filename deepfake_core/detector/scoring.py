"""What do the models of an ensemble say of videos that none of them has seen?

Training leaves one model per stream and fold. The models of one fold are a *member*: they fill a row of scores and
embeddings per video, in the spaces that the fusion learned from, and the fusion scores that row. The models that were
refitted on everything make another member. How much members differ says how sure the ensemble is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract import tables
from deepfake_core.contract.records import STATUS_OK, Extracted, FoldModel, FusedModel
from deepfake_core.contract.settings import Settings
from deepfake_core.fusion import crossfit
from deepfake_core.fusion.crossfit import Candidate
from deepfake_core.plugins import Stream

if TYPE_CHECKING:
    import pandas as pd

Inference = Literal["folds", "refit"]
"""Whose scores count: the average over the fold models, or those of the models refitted on everything."""

REFIT = "refit"

MemberRows: TypeAlias = "Mapping[str, pd.DataFrame]"
"""What each member says of the same videos, as tables that a fusion reads."""


@dataclass(frozen=True)
class Members:
    """A stream's trained models.

    Attributes:
        stream: the plugin.
        settings: that they were trained with.
        models: by member: ``fold_0`` …, or ``refit``.
    """

    stream: Stream
    settings: Settings
    models: Mapping[str, FoldModel]


def member_rows(streams: Sequence[Members], extracted: Sequence[Mapping[str, Extracted]]) -> MemberRows:
    """What each member says of each video, as a table that a fusion reads.

    Args:
        streams: all with the same members.
        extracted: for each stream, the same videos in the same order by ``video_id``.

    Returns:
        By member: columns ``video_id`` and ``{stream}_p, {stream}_f00 …``; NaN where a stream abstains.
    """
    import pandas as pd

    ids = list(extracted[0])
    found = {}
    for member in streams[0].models:
        parts = [_columns(each, member, clips) for each, clips in zip(streams, extracted, strict=True)]
        found[member] = pd.concat([pd.DataFrame({"video_id": ids}), *parts], axis=1)
    return found


def _columns(members: Members, member: str, extracted: Mapping[str, Extracted]) -> pd.DataFrame:
    """One stream's columns, a row for each of ``extracted``."""
    import pandas as pd

    stream, size = members.stream, members.stream.info.embedding_size
    clips = {video_id: item for video_id, item in extracted.items() if item.status == STATUS_OK}
    names = [tables.score_column(stream.name), *tables.feature_columns(stream.name, size)]
    values = np.full((len(extracted), len(names)), np.nan)
    if clips:
        row_of = {video_id: row for row, video_id in enumerate(extracted)}
        predictions = stream.predict_oof(members.models[member], clips, members.settings)
        rows = [row_of[video_id] for video_id in predictions.video_id]
        values[rows, 0] = predictions.p
        if predictions.embedding is not None:
            values[rows, 1:] = predictions.embedding
    return pd.DataFrame(values, columns=names)


@dataclass(frozen=True)
class Fusion:
    """A fuser that has learned.

    Attributes:
        candidate: the fuser and its settings.
        model: what it learned.
    """

    candidate: Candidate
    model: FusedModel

    def scores(self, rows: MemberRows) -> NDArray[np.float64]:
        """P(fake) by each member, ``[M, N]``; NaN where no stream says anything."""
        return np.stack([self._scores(table) for table in rows.values()])

    def shares(self, rows: MemberRows, streams: Sequence[str]) -> NDArray[np.float64]:
        """What each stream adds to a score, in the fuser's unit, mean over the members: ``[S, N]``; NaN as in ``scores``."""
        return np.asarray(np.mean([self._shares(table, streams) for table in rows.values()], axis=0))

    def _scores(self, table: pd.DataFrame) -> NDArray[np.float64]:
        known = _known(table)
        p = np.full(len(table), np.nan)
        p[known] = crossfit.predict(self.candidate, self.model, table[known])
        return p

    def _shares(self, table: pd.DataFrame, streams: Sequence[str]) -> NDArray[np.float64]:
        known = _known(table)
        found = np.full((len(streams), len(table)), np.nan)
        if known.any():
            inputs = crossfit.inputs(self.candidate, table[known]).reset_index(drop=True)
            added = self.candidate.fuser.explain(self.model, inputs, self.candidate.settings)
            for share, stream in zip(found, streams, strict=True):
                share[known] = added[[name for name in added if tables.stream_of(name) == stream]].sum(axis=1)
        return found


def _known(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows in which some stream says something."""
    return np.asarray(table[tables.score_columns(table)].notna().any(axis=1), dtype=bool)

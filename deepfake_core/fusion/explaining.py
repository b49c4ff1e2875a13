"""What made the scores what they are? Each video explained by a fit that had not seen it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract import tables
from deepfake_core.evaluation.resampling import Replicates, interval
from deepfake_core.fusion.crossfit import Candidate, CrossFitted, Rows, inputs

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MOST = 1000
"""Videos that are explained: exact explanations by large trees take milliseconds each, and a mean of so many is settled."""


@dataclass(frozen=True)
class Explanation:
    """What the columns of n videos add to their scores, by one fuser.

    Attributes:
        fuser: its name; the unit is the one it documents.
        rows: the n videos.
        added: ``[n, C]``, what each column that the fuser uses adds to a score.
    """

    fuser: str
    rows: Rows
    added: pd.DataFrame

    @classmethod
    def held_out(cls, candidate: Candidate, found: CrossFitted, rows: Rows, seed: int, most: int = MOST) -> Explanation:
        """Explains each video by the fit without its fold.

        Args:
            candidate: the fuser.
            found: its fits.
            rows: what they were fitted on.
            seed: of the choice of videos, where there are more than ``most``.
            most: number of videos.
        """
        import pandas as pd

        some = np.arange(len(rows.label))
        if len(some) > most:
            some = np.sort(np.random.default_rng(seed).choice(some, most, replace=False))
        table = rows.table.iloc[some]
        parts = [
            candidate.fuser.explain(model, inputs(candidate, table[table["fold"] == k]), candidate.settings)
            for k, model in zip(rows.folds, found.held_out, strict=True)
            if (table["fold"] == k).any()
        ]
        # A column that the fit of one fold doesn't use adds nothing there.
        added = pd.concat(parts).loc[table.index].fillna(0.0).reset_index(drop=True)
        return cls(candidate.name, Rows(table.reset_index(drop=True), rows.clear[:, some]), added)

    def strongest(self, most: int = 20) -> list[str]:
        """The columns that add or take most on average, the strongest first."""
        return [str(name) for name in self.added.abs().mean().sort_values(ascending=False, kind="stable").index[:most]]


def importance(explanation: Explanation, streams: tuple[str, ...]) -> pd.DataFrame:
    """How much each stream moves a score: the mean of ``|what its columns add|``.

    Returns:
        One row per stream: ``stream, columns`` (that are used), ``importance, low, high`` (95 % over identity groups),
        ``share`` of all streams' sum, and ``score, embedding``, the same mean of its score alone and its embedding alone.
    """
    import pandas as pd

    rows = explanation.rows
    draws = rows.resamples()
    size = np.bincount(draws.group)
    found = []
    for stream in streams:
        own = [name for name in explanation.added if tables.stream_of(name) == stream]
        score = [name for name in own if name == tables.score_column(stream)]
        moved = np.abs(explanation.added[own].to_numpy().sum(axis=1))
        means = (draws.counts @ np.bincount(draws.group, moved)) / (draws.counts @ size)
        low, high = interval(Replicates(float(moved.mean()), means, "loss", draws.holders, draws.freedom))
        row = {"stream": stream, "columns": len(own), "importance": moved.mean(), "low": low, "high": high}
        found.append(
            row
            | {
                "score": _moved(explanation.added[score]),
                "embedding": _moved(explanation.added[own].drop(columns=score)),
            }
        )
    table = pd.DataFrame(found)
    total = table["importance"].sum()
    table.insert(5, "share", table["importance"] / total if total > 0 else np.nan)
    return table


def _moved(added: pd.DataFrame) -> float:
    """Mean distance that columns together move a score."""
    return float(np.abs(added.to_numpy().sum(axis=1)).mean())


def placed(values: pd.Series) -> NDArray[np.float64]:
    """Where each value lies among the others, from 0 to 1; NaN stays."""
    ranks = values.rank(pct=True).to_numpy(np.float64)
    return np.asarray(ranks - 0.5 / max(1, int(values.notna().sum())))

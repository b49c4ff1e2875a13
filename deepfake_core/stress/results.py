"""What does each loss of quality cost, on the same videos of the same people?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepfake_core.evaluation.comparison import holm, paired_difference
from deepfake_core.evaluation.resampling import Resamples, bootstrap, interval, with_intervals
from deepfake_core.fusion.results import FINAL, Score
from deepfake_core.stress.sweep import CONTROL, KINDS, Corruption
from deepfake_core.unseen.answers import Answers
from deepfake_core.unseen.measures import share

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

CLEAN = "clean"
"""Instead of a kind: the videos as they are."""

METRICS = ("auc", "brier", "log_loss")

SURE = 0.05
"""Largest p value, corrected for the number of comparisons, of a change that is called sure."""


def table(clean: Answers, corrupted: Mapping[Corruption, Answers]) -> pd.DataFrame:
    """One row per level and score; what the levels change is paired: on the videos scored both as they are and corrupted.

    Returns:
        ``kind, level, shown, score, videos, scored``; ``coverage``, ``auc``, ``brier``, ``log_loss`` with intervals; ``inconclusive``, the
        share of examined videos without a verdict (final score only); ``pairs``, the number of videos scored both times;
        ``auc_change``, ``brier_change``, ``log_loss_change``, ``coverage_change`` with intervals, corrupted minus clean; p values
        of the first three, ``auc_change_p`` …, and corrected by Holm over all rows, ``auc_change_p_holm`` ….
    """
    import pandas as pd

    rows = [_described(clean, score) | {"kind": CLEAN, "level": 0.0, "shown": "as they are"} for score in clean.scores]
    for corruption, answers in corrupted.items():
        about = {"kind": corruption.kind, "level": corruption.level, "shown": corruption.shown}
        for before, after in zip(clean.scores, answers.scores, strict=True):
            rows.append(_described(answers, after) | about | _changes(clean, before, after))
    found = pd.DataFrame(rows)
    for metric in METRICS:
        found[f"{metric}_change_p_holm"] = holm(found[f"{metric}_change_p"].to_numpy())
    first = ["kind", "level", "shown", "score", "videos", "scored"]
    return found[[*first, *(name for name in found if name not in first)]]


def _described(answers: Answers, score: Score) -> dict[str, object]:
    """How good one score is at one level, on the videos that it scores there."""
    known = ~np.isnan(score.p)
    everybody = Resamples.draw(answers.label, answers.group)
    scored = Resamples.draw(answers.label[known], answers.group[known])
    found = {"coverage": share(everybody, known.astype(np.float64))}
    found |= bootstrap(scored, answers.label[known], score.p[known], METRICS)
    silent = float(np.isnan(answers.verdict[answers.examined]).mean()) if answers.examined.any() else np.nan
    return {
        "score": score.name,
        "videos": len(known),
        "scored": int(known.sum()),
        **with_intervals(found),
        "inconclusive": silent if score.name == FINAL else np.nan,
    }


def _changes(clean: Answers, before: Score, after: Score) -> dict[str, float]:
    """Corrupted minus clean, through the same draws of identity groups."""
    both = ~np.isnan(before.p) & ~np.isnan(after.p)
    resamples = Resamples.draw(clean.label[both], clean.group[both])
    row: dict[str, float] = {"pairs": int(both.sum())}
    for metric in METRICS:
        pair = paired_difference(resamples, clean.label[both], after.p[both], before.p[both], metric)
        name = f"{metric}_change"
        row |= {name: pair.estimate, f"{name}_low": pair.low, f"{name}_high": pair.high, f"{name}_p": pair.p_value}
    everybody = Resamples.draw(clean.label, clean.group)
    change = share(everybody, _scored(after)) - share(everybody, _scored(before))
    low, high = interval(change)
    return row | {"coverage_change": change.estimate, "coverage_change_low": low, "coverage_change_high": high}


def _scored(score: Score) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (~np.isnan(score.p)).astype(np.float64)
    return found


class Break(NamedTuple):
    """Which stream loses most at the mildest level of a kind.

    Attributes:
        kind: of corruption.
        row: that stream's row of the table.
        loss: how much worse it gets; negative if no stream gets worse.
        p: of the change, with all comparisons of the table counted; NaN where it can't be told.
    """

    kind: str
    row: pd.Series
    loss: float
    p: float


def measure_of(found: pd.DataFrame) -> str:
    """What losses are told by: the AUC, or with one class alone the log loss."""
    return "log_loss" if found["auc"].isna().all() else "auc"


def first_to_break(found: pd.DataFrame) -> list[Break]:
    """For each kind but the control, the stream that loses most at its mildest level; the worst first.

    Kinds at which no stream can be compared are left out.
    """
    metric = measure_of(found)
    breaks = []
    for kind, rows in _mildest(found).groupby("kind", sort=False):
        lost = _lost(rows, metric).dropna()
        if len(lost):
            row = rows.loc[lost.idxmax()]
            breaks.append(Break(str(kind), row, float(lost.max()), float(row[f"{metric}_change_p_holm"])))
    return sorted(breaks, key=lambda each: -each.loss)


def mild_losses(found: pd.DataFrame, metric: str) -> list[tuple[str, float]]:
    """Each stream with its mean loss over the mildest levels of all kinds but the control, the largest first."""
    rows = _mildest(found)
    lost = _lost(rows, metric).groupby(rows["score"], sort=False).mean().dropna()
    return [(str(name), float(value)) for name, value in lost.sort_values(ascending=False).items()]


def _mildest(found: pd.DataFrame) -> pd.DataFrame:
    """The streams' rows at the mildest level of each kind but the control."""
    mildest = {name: kind.levels[0] for name, kind in KINDS.items() if name != CONTROL}
    return found[(found["kind"].map(mildest) == found["level"]) & (found["score"] != FINAL)]


def _lost(rows: pd.DataFrame, metric: str) -> pd.Series:
    """How much worse it gets, whichever way the metric points."""
    change = rows[f"{metric}_change"]
    return -change if metric == "auc" else change

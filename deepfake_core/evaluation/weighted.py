"""What is each metric when every group of videos counts a given number of times?

A replicate of a bootstrap is a number of times per group. So metrics that are ratios of sums over videos need one matrix
product of counts with sums per group. Metrics of the ROC curve need the scores sorted once; cumulative counts
then give the curves of many replicates together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.evaluation.metrics import ECE_BINS, PARTIAL_FPR, bin_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int32]

CELLS_AT_ONCE = 2**18
"""Replicates times videos whose curves are held in memory together: few enough for a processor's cache."""


def weighted_metrics(
    names: Sequence[str],
    label: NDArray[np.bool_],
    p: Floats,
    decision: Floats | None,
    which: NDArray[np.intp],
    counts: Counts,
) -> dict[str, Floats]:
    """Each metric over all videos, those of group ``g`` counted ``counts[:, g]`` times.

    Args:
        names: of metrics, out of ``RANKED``, ``AVERAGED`` and ``DECIDED``.
        label: True for a fake, ``[N]``.
        p: P(fake), ``[N]``.
        decision: 1 fake, 0 real, NaN none, ``[N]``; metrics in ``DECIDED`` need it.
        which: group of each video, ``[N]``, below ``G``.
        counts: ``[R, G]``, one row per replicate.

    Returns:
        ``[R]`` by name; NaN where a metric is undefined.
    """
    found: dict[str, Floats] = {}
    ranked = [name for name in names if name in RANKED]
    if ranked:
        found |= dict(
            zip(ranked, _over_curves([RANKED[name] for name in ranked], label, p, which, counts), strict=True)
        )
    for name in names:
        if name in AVERAGED:
            columns, finish = AVERAGED[name]
            found[name] = finish(_sums(columns(label, p), which, counts))
    decided = [name for name in names if name in DECIDED]
    if decided:
        if decision is None:
            raise ValueError(f"decisions are needed for {', '.join(decided)}")
        # No decision: neither a fake nor a real of this table.
        fake, real = decision == 1, decision == 0
        cells = np.column_stack([label & fake, ~label & fake, label & real, ~label & real]).astype(np.float64)
        table = _Table(*_sums(cells, which, counts).T)
        found |= {name: DECIDED[name](table) for name in decided}
    return {name: found[name] for name in names}


def _sums(columns: Floats, which: NDArray[np.intp], counts: Counts) -> Floats:
    """Sums of columns ``[N, K]`` over the videos of each replicate, ``[R, K]``."""
    groups = counts.shape[1]
    per_group = np.column_stack([np.bincount(which, weights=column, minlength=groups) for column in columns.T])
    sums: Floats = counts.astype(np.float64) @ per_group
    return sums


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return ratio


@dataclass(frozen=True)
class _Table:
    """Confusion table of each replicate, all ``[R]``."""

    true_fakes: Floats
    false_fakes: Floats
    false_reals: Floats
    true_reals: Floats


def _accuracy(table: _Table) -> Floats:
    right = table.true_fakes + table.true_reals
    return _ratio(right, right + table.false_fakes + table.false_reals)


def _recall(table: _Table) -> Floats:
    return _ratio(table.true_fakes, table.true_fakes + table.false_reals)


def _precision(table: _Table) -> Floats:
    return _ratio(table.true_fakes, table.true_fakes + table.false_fakes)


def _balanced_accuracy(table: _Table) -> Floats:
    return (_recall(table) + _ratio(table.true_reals, table.true_reals + table.false_fakes)) / 2


def _f1(table: _Table) -> Floats:
    return _ratio(2 * table.true_fakes, 2 * table.true_fakes + table.false_fakes + table.false_reals)


DECIDED: dict[str, Callable[[_Table], Floats]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "precision": _precision,
    "recall": _recall,
}
"""Metrics of decisions."""


def _squared_errors(label: NDArray[np.bool_], p: Floats) -> Floats:
    return np.column_stack([(p - label) ** 2, np.ones(len(p))])


def _surprises(label: NDArray[np.bool_], p: Floats) -> Floats:
    # Clipped as scikit-learn does, so that one sure mistake doesn't make the mean infinite.
    epsilon = np.finfo(np.float64).eps
    return np.column_stack([-np.log(np.clip(np.where(label, p, 1 - p), epsilon, 1 - epsilon)), np.ones(len(p))])


def _residuals_by_bin(label: NDArray[np.bool_], p: Floats) -> Floats:
    columns = np.zeros((len(p), ECE_BINS + 1))
    columns[np.arange(len(p)), bin_of(p, ECE_BINS)] = p - label
    columns[:, -1] = 1
    return columns


def _mean(sums: Floats) -> Floats:
    return _ratio(sums[:, 0], sums[:, 1])


def _mean_gap(sums: Floats) -> Floats:
    return _ratio(np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1])


AVERAGED: dict[str, tuple[Callable[[NDArray[np.bool_], Floats], Floats], Callable[[Floats], Floats]]] = {
    "brier": (_squared_errors, _mean),
    "log_loss": (_surprises, _mean),
    "ece": (_residuals_by_bin, _mean_gap),
}
"""Metrics of probabilities: columns to sum, and what their sums make."""


@dataclass(frozen=True)
class _Curves:
    """ROC curves of replicates, in counts: they climb at each distinct score of a fake, and run level between climbs.

    Whole numbers as floats, divided last, so that a perfect ranking is exactly 1.

    Attributes:
        gain: fakes with this score, ``[R, K]`` by falling score.
        true: fakes with this score or a higher one.
        before: reals with a higher score.
        after: reals with this score or a higher one; the same array where no real shares a fake's score.
        fakes: all of them, ``[R, 1]``.
        reals: all of them, ``[R, 1]``.
    """

    gain: Floats
    true: Floats
    before: Floats
    after: Floats
    fakes: Floats
    reals: Floats

    def mean_over_fakes(self, values: Floats) -> Floats:
        """``[R]``, of values per climb."""
        mean: Floats = np.einsum("rk,rk->r", self.gain, values) / self.fakes[:, 0]
        return mean


def _auc(curves: _Curves) -> Floats:
    beaten = curves.before if curves.after is curves.before else (curves.before + curves.after) / 2
    return 1 - curves.mean_over_fakes(beaten) / curves.reals[:, 0]


def _average_precision(curves: _Curves) -> Floats:
    # At least 1: above the first drawn fake nothing is gained, so that any precision will do.
    return curves.mean_over_fakes(curves.true / np.maximum(curves.true + curves.after, 1))


def _equal_error(curves: _Curves) -> Floats:
    rows = np.arange(len(curves.true))
    climb = np.argmax(curves.after / curves.reals + curves.true / curves.fakes >= 1, axis=1)
    gain, true = (side[rows, climb] / curves.fakes[:, 0] for side in (curves.gain, curves.true - curves.gain))
    before, after = (side[rows, climb] / curves.reals[:, 0] for side in (curves.before, curves.after))
    missed, length = 1 - true, after - before + gain
    along = np.divide(missed - before, length, out=np.zeros_like(length), where=length > 0)
    # Either the level stretch before this climb meets the line of equal errors, or the climb itself does.
    found: Floats = np.where(before >= missed, missed, before + along * (after - before))
    return found


def _true_rate_at(limit: float) -> Callable[[_Curves], Floats]:
    def rate(curves: _Curves) -> Floats:
        most = np.max(curves.true, axis=1, where=curves.after / curves.reals <= limit, initial=0.0)
        best: Floats = most / curves.fakes[:, 0]
        return best

    return rate


def _partial_auc(curves: _Curves) -> Floats:
    # In units of the largest false positive rate looked at; to the right of a climb at x lies the area (1 - x)+.
    before, after = (side / curves.reals / PARTIAL_FPR for side in (curves.before, curves.after))
    right = np.maximum(1 - before, 0)
    if curves.after is not curves.before:
        # To the right of a climb that runs sideways: the mean of (1 - x)+ along it.
        squares = right**2 - np.maximum(1 - after, 0) ** 2
        right = np.divide(squares, 2 * (after - before), out=right, where=after > before)
    chance = PARTIAL_FPR / 2
    return (1 + (curves.mean_over_fakes(right) - chance) / (1 - chance)) / 2


RANKED: dict[str, Callable[[_Curves], Floats]] = {
    "auc": _auc,
    "average_precision": _average_precision,
    "eer": _equal_error,
    "tpr_at_1_fpr": _true_rate_at(0.01),
    "tpr_at_5_fpr": _true_rate_at(0.05),
    "partial_auc": _partial_auc,
}
"""Metrics of the ranking."""


def _over_curves(
    metrics: Sequence[Callable[[_Curves], Floats]],
    label: NDArray[np.bool_],
    p: Floats,
    which: NDArray[np.intp],
    counts: Counts,
) -> Floats:
    """``[M, R]``; NaN where a replicate lacks a class."""
    drawn = _sums(np.column_stack([label, ~label]).astype(np.float64), which, counts)
    (both,) = np.nonzero((drawn > 0).all(axis=1))
    found = np.full((len(metrics), len(counts)), np.nan)
    if len(both) == 0:
        return found
    fakes, reals = (np.flatnonzero(side)[np.argsort(-p[side], kind="stable")] for side in (label, ~label))
    first = np.flatnonzero(np.diff(p[fakes], prepend=np.inf))
    climbs = -p[fakes[first]]
    before_at, after_at = (np.searchsorted(-p[reals], climbs, side=side) for side in ("left", "right"))
    shared, tied = bool((before_at < after_at).any()), len(first) < len(fakes)
    rows = max(1, CELLS_AT_ONCE // len(p))
    for start in range(0, len(both), rows):
        chosen = both[start : start + rows]
        part = counts[chosen]
        gain = np.take(part, which[fakes], axis=1)
        if tied:
            gain = np.add.reduceat(gain, first, axis=1)
        true = np.cumsum(gain, axis=1, dtype=np.int32)
        passed = np.zeros((len(part), len(reals) + 1), dtype=np.int32)
        np.cumsum(np.take(part, which[reals], axis=1), axis=1, out=passed[:, 1:])
        before = np.take(passed, before_at, axis=1).astype(np.float64)
        after = np.take(passed, after_at, axis=1).astype(np.float64) if shared else before
        curves = _Curves(
            gain.astype(np.float64), true.astype(np.float64), before, after, drawn[chosen, :1], drawn[chosen, 1:]
        )
        for row, metric in enumerate(metrics):
            found[row, chosen] = metric(curves)
    return found

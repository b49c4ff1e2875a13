"""Can the scores of a prediction file be what they claim: present, in range, telling, and honest about their threshold?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_core.audit.findings import Finding
from deepfake_core.audit.sides import Placed
from deepfake_core.audit.videos import Videos, check_ids, label_conflict
from deepfake_core.evaluation.metrics import auc

OPTIMISM = 0.02
"""Best-threshold gain over a cross-fitted threshold from which it is worth a warning."""

INVERTED = 0.4
"""AUC from which down scores are more likely P(real) than poor."""

PARTS, DEALS = 5, 10
LEAST_COPIED = 20
"""Videos of each class from which two constant scores, one per label, can't be a detector's."""


def check_file(videos: Videos, placed: Placed) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Ids, labels and every score column of one file."""
    table, source = placed.predictions.table, placed.source
    found = check_ids(source, table["video_id"])
    own = table["label"].to_numpy(dtype=np.float64)
    indexed = np.where(placed.row >= 0, videos.label[placed.row], np.nan)
    differs = (own != indexed) & ~np.isnan(own) & ~np.isnan(indexed)
    if differs.any():
        names = list(dict.fromkeys(table["video_id"][differs]))
        found.append(label_conflict(f"{source}, {videos.source}", names, int((~np.isnan(own + indexed)).sum())))
    within = table.groupby("video_id")["label"].nunique() > 1
    if within.any():
        found.append(label_conflict(source, [str(name) for name in within.index[within]], len(table)))
    label = np.where(np.isnan(own), indexed, own)
    group = np.where(placed.row >= 0, videos.groups[placed.row], -1 - table.groupby("video_id").ngroup().to_numpy())
    figures = []
    for name in placed.predictions.scores:
        facts, wrong = check_score(
            source, name, table["video_id"].to_numpy(dtype=object), label, table[name].to_numpy(), group
        )
        figures.append(facts)
        found += wrong
    return figures, found


def check_score(
    source: str,
    name: str,
    ids: NDArray[np.object_],
    label: NDArray[np.float64],
    p: NDArray[np.float64],
    group: NDArray[np.int64],
) -> tuple[dict[str, Any], list[Finding]]:
    """One score column.

    Args:
        source: file.
        name: of the column.
        ids: ``[R]``, video of each row.
        label: ``[R]``, 0, 1 or NaN.
        p: ``[R]``, P(fake) or NaN.
        group: ``[R]``, identity group.

    Returns:
        Its figures, NaN where they can't be computed, and what is wrong.
    """
    missing, outside = np.isnan(p), (p < 0) | (p > 1)
    found = []
    counts = {"rows": len(p), "missing": int(missing.sum()), "outside": int(outside.sum())}
    if missing.all():
        found.append(Finding("no_scores", "every score is missing.", source, counts, subset=name))
    elif missing.any():
        found.append(
            Finding(
                "missing_scores",
                f"{counts['missing']} of {len(p)} rows have no score.",
                source,
                counts,
                ids[missing],
                subset=name,
            )
        )
    if outside.any():
        found.append(
            Finding(
                "scores_out_of_range",
                f"{counts['outside']} scores lie outside [0, 1], from {np.nanmin(p):.3g} to {np.nanmax(p):.3g}.",
                source,
                counts,
                ids[outside],
                subset=name,
            )
        )
    if len(np.unique(p[~missing])) == 1:
        found.append(Finding("constant_scores", f"all scores are {p[~missing][0]:.6g}.", source, counts, subset=name))
    used = ~missing & ~np.isnan(label) & np.isfinite(p)
    facts: dict[str, Any] = {"file": source, "column": name, **counts, "labelled": int(used.sum())}
    y, q = label[used] == 1, p[used]
    facts |= {"auc": auc(y, q)} | optimism(y, q, group[used])
    if len(y) and (y.all() or not y.any()):
        text = f"all {len(y)} scored videos are {'fake' if y.all() else 'real'}: no metric tells anything."
        found.append(Finding("one_class", text, source, counts, subset=name))
    if facts["auc"] <= INVERTED:
        text = f"AUC is {facts['auc']:.3f}: real videos score higher than fakes."
        found.append(Finding("scores_inverted", text, source, counts | {"auc": facts["auc"]}, subset=name))
    found += _copied(source, name, y, q, counts)
    for metric in ("f1", "accuracy"):
        if facts[f"{metric}_optimism"] >= OPTIMISM:
            best, fair = facts[f"{metric}_best"], facts[f"{metric}_crossfitted"]
            found.append(
                Finding(
                    "threshold_optimism",
                    f"{metric} is {best:.3f} at the threshold that is best on these very videos, {fair:.3f} at one chosen on other people.",
                    source,
                    {"best": best, "crossfitted": fair, "optimism": best - fair},
                    subset=f"{name}, {metric}",
                )
            )
    return facts, found


def optimism(y: NDArray[np.bool_], p: NDArray[np.float64], group: NDArray[np.int64]) -> dict[str, float]:
    """F1 and accuracy at the best threshold of the same videos, and at thresholds chosen on other identity groups.

    Groups are dealt, the largest first, to five parts of about equal size; a part is decided by the threshold that is
    best on the others, and the decisions of all parts are counted together. That is done for ten deals, and averaged.

    Args:
        y: ``[R]``, True for a fake.
        p: ``[R]``, finite scores.
        group: ``[R]``, identity group.

    Returns:
        ``f1_best``, ``f1_crossfitted``, ``f1_optimism``, and the same for ``accuracy``; NaN where one class is all there is.
    """
    order = np.argsort(-p, kind="stable")
    y, p = y[order], p[order]
    rng = np.random.default_rng(0)
    deals = [_deal(group[order], rng) for _ in range(DEALS)]
    found: dict[str, float] = {}
    for name, metric in (("f1", _f1), ("accuracy", _accuracy)):
        best = fair = math.nan
        if 0 < y.sum() < len(y):
            best = _value(metric, y, p >= best_threshold(y, p, metric))
            fair = float(np.mean([_crossfitted(y, p, part, metric) for part in deals]))
        found |= {f"{name}_best": best, f"{name}_crossfitted": fair, f"{name}_optimism": best - fair}
    return found


Metric = Callable[[NDArray[np.float64], NDArray[np.float64], int, int], NDArray[np.float64]]
"""Values from true positives, false positives, number of fakes, number of videos."""


def best_threshold(y: NDArray[np.bool_], p: NDArray[np.float64], metric: Metric) -> float:
    """The lowest of the best thresholds, half-way between neighbouring scores; ``p >= threshold`` is fake.

    Args:
        y: ``[R]``, True for a fake.
        p: ``[R]``, scores from high to low.
        metric: what is best.
    """
    last = np.flatnonzero(np.append(np.diff(p) != 0, True))
    true = np.cumsum(y)[last].astype(np.float64)
    values = metric(true, last + 1.0 - true, int(y.sum()), len(y))
    at = len(values) - 1 - int(np.argmax(values[::-1]))
    return float((p[last[at]] + p[last[at] + 1]) / 2) if at + 1 < len(last) else -math.inf


def _crossfitted(y: NDArray[np.bool_], p: NDArray[np.float64], part: NDArray[np.int64], metric: Metric) -> float:
    decided = np.zeros(len(y), dtype=bool)
    for k in np.unique(part):
        others = part != k
        if not 0 < y[others].sum() < others.sum():
            return math.nan
        decided[~others] = p[~others] >= best_threshold(y[others], p[others], metric)
    return _value(metric, y, decided)


def _f1(true: NDArray[np.float64], false: NDArray[np.float64], fakes: int, count: int) -> NDArray[np.float64]:
    return 2 * true / (true + false + fakes)


def _accuracy(true: NDArray[np.float64], false: NDArray[np.float64], fakes: int, count: int) -> NDArray[np.float64]:
    return (true + (count - fakes) - false) / count


def _value(metric: Metric, y: NDArray[np.bool_], decided: NDArray[np.bool_]) -> float:
    true, false = np.array([float((decided & y).sum())]), np.array([float((decided & ~y).sum())])
    return float(metric(true, false, int(y.sum()), len(y))[0])


def _deal(group: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A part of each row; equally large groups are dealt in random order."""
    _, which, size = np.unique(group, return_inverse=True, return_counts=True)
    order = rng.permutation(len(size))
    load = [0] * PARTS
    home = np.zeros(len(size), dtype=np.int64)
    for number in order[np.argsort(-size[order], kind="stable")]:
        home[number] = load.index(min(load))
        load[home[number]] += int(size[number])
    return home[which]


def _copied(
    source: str, name: str, y: NDArray[np.bool_], p: NDArray[np.float64], counts: dict[str, int]
) -> list[Finding]:
    enough = min(int(y.sum()), int((~y).sum())) >= LEAST_COPIED
    if not enough or len(np.unique(p[y])) > 1 or len(np.unique(p[~y])) > 1 or p[y][0] == p[~y][0]:
        return []
    text = f"all fakes score {p[y][0]:.6g} and all real videos {p[~y][0]:.6g}: the column is the label."
    return [Finding("label_in_scores", text, source, counts, subset=name)]

"""How sure is an AUC, when videos of one person aren't independent?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

REPLICATES = 2000


def auc_interval(
    label: ArrayLike, p: ArrayLike, group: Sequence[str], *, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the AUC by a bootstrap over groups.

    Groups, not videos, are drawn with replacement, so that people who appear in many videos count once (Field & Welsh
    2007, 10.1111/j.1467-9868.2007.00593.x). Replicates in which a class is missing are left out.

    Args:
        label: 0 or 1, ``[N]``.
        p: scores, ``[N]``; videos without one (NaN) are left out.
        group: identity group of each video, ``[N]``.
        level: of confidence.
        seed: of the replicates.

    Returns:
        Lower and upper end; NaN where fewer than two groups or one class only is scored.
    """
    label, p = np.asarray(label, dtype=bool), np.asarray(p, dtype=np.float64)
    scored = ~np.isnan(p)
    names, which = np.unique(np.asarray(group)[scored], return_inverse=True)
    if len(names) < 2 or len(np.unique(label[scored])) < 2:
        return math.nan, math.nan
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=REPLICATES)
    aucs = weighted_auc(label[scored], p[scored], drawn[:, which].astype(np.float64))
    tail = (1 - level) / 2
    low, high = np.nanquantile(aucs, [tail, 1 - tail])
    return float(low), float(high)


def weighted_auc(label: NDArray[np.bool_], p: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """AUC with each video counted ``weight`` times: the chance that a fake scores higher than a real one, ties half.

    Args:
        label: True for a fake, ``[N]``.
        p: scores, ``[N]``.
        weight: ``[R, N]``, one row per replicate.

    Returns:
        ``[R]``; NaN where a class has no weight.
    """
    order = np.argsort(p, kind="stable")
    first = np.flatnonzero(np.diff(p[order], prepend=-np.inf))
    fakes = np.add.reduceat(weight[:, order] * label[order], first, axis=1)
    reals = np.add.reduceat(weight[:, order] * ~label[order], first, axis=1)
    below = np.cumsum(reals, axis=1) - reals / 2
    pairs = fakes.sum(axis=1) * reals.sum(axis=1)
    wins: NDArray[np.float64] = (fakes * below).sum(axis=1)
    aucs = np.full(len(weight), np.nan)
    np.divide(wins, pairs, out=aucs, where=pairs > 0)
    return aucs

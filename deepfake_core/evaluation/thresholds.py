"""From which score on is a video called fake?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

RULES = ("f1", "youden", "fpr=<rate>")


def choose(label: ArrayLike, p: ArrayLike, rule: str = "f1") -> float:
    """The threshold that is best by a rule on these videos; ``p >= threshold`` means fake.

    ``f1`` has the largest F1 of the fakes, ``youden`` the largest sum of true positive and true negative rate (Youden 1950,
    10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3), ``fpr=0.01`` the largest true positive rate with a false
    positive rate of at most 0.01. Of equally good thresholds the highest is taken. It lies in the middle between two
    neighbouring scores, or between an outer score and the end of [0, 1], so that no video of these stands on it.

    Args:
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]`` in [0, 1]; videos with NaN are left out.
        rule: ``f1``, ``youden``, or ``fpr=`` and a rate.

    Returns:
        Threshold; above 1 where nothing may be called fake though a real video scores 1. NaN where the rule is undefined:
        ``f1`` needs a fake, ``fpr`` a real video, ``youden`` both.

    Raises:
        UsageError: an unknown rule.
    """
    limit = _limit(rule)
    fake, scores = np.asarray(label, dtype=bool), np.asarray(p, dtype=np.float64)
    scored = ~np.isnan(scores)
    values, which = np.unique(scores[scored], return_inverse=True)
    fakes = _called(which[fake[scored]], len(values))
    reals = _called(which[~fake[scored]], len(values))
    if (rule != "f1" and reals[-1] == 0) or (limit is None and fakes[-1] == 0):
        return math.nan
    if rule == "f1":
        worth = 2 * fakes / (fakes + reals + fakes[-1])
    elif rule == "youden":
        # In whole numbers, so that equal thresholds are exactly equal.
        worth = fakes * reals[-1] - reals * fakes[-1]
    else:
        worth = np.where(reals / reals[-1] <= limit, fakes, -1)
    return _between(values, int(np.argmax(worth)))


def decide(p: ArrayLike, threshold: ArrayLike) -> NDArray[np.float64]:
    """1 for fake, 0 for real, NaN where the score or its threshold is NaN, in the shape of ``p``.

    Args:
        p: scores.
        threshold: one for all of them, or one for each.
    """
    scores, limits = np.asarray(p, dtype=np.float64), np.asarray(threshold, dtype=np.float64)
    return np.where(np.isnan(scores) | np.isnan(limits), np.nan, scores >= limits)


def _limit(rule: str) -> float | None:
    """The rate of ``fpr=``, None for the other rules."""
    name, equals, text = rule.partition("=")
    if rule in ("f1", "youden"):
        return None
    try:
        rate = float(text) if name == "fpr" and equals else math.nan
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise UsageError(
            f"unknown threshold rule {rule!r}.", hint=f"choose one of {', '.join(RULES)}, with a rate in [0, 1]."
        )
    return rate


def _called(which: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """How many of these are called fake when the ``k`` highest of ``count`` distinct scores are, ``[count + 1]``."""
    return np.concatenate([[0], np.cumsum(np.bincount(which, minlength=count)[::-1])])


def _between(values: NDArray[np.float64], above: int) -> float:
    """A threshold below the ``above`` highest of the rising ``values`` and over the rest."""
    edge = len(values) - above
    high = values[edge] if above else max(1.0, values[-1])
    low = values[edge - 1] if edge else min(0.0, values[0])
    middle = float(low + (high - low) / 2)
    # Neighbouring floats have no middle; a highest score of 1 has no room above.
    return middle if low < middle or edge == 0 else float(np.nextafter(low, np.inf))

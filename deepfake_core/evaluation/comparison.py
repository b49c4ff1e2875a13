"""Is one score column better than another on the same videos?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepfake_core.evaluation.resampling import Replicates, Resamples, bootstrap, interval
from deepfake_core.evaluation.weighted import DECIDED

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class DelongTest(NamedTuple):
    """Difference of two AUCs (first less second), and how likely one at least as large is if there is none."""

    difference: float
    standard_error: float
    z: float
    p_value: float


class PairedDifference(NamedTuple):
    """Difference of a metric (first less second) with its interval and two-sided p value over identity groups."""

    estimate: float
    low: float
    high: float
    p_value: float


def delong(label: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """AUCs of several score columns and their covariance, each video taken as independent of the others.

    DeLong et al. (1988, 10.2307/2531595), by midranks in O(S N log N) as in Sun & Xu (2014, 10.1109/LSP.2014.2337313).

    Args:
        label: ``[N]``, 0 real, 1 fake.
        scores: ``[N, S]``.

    Returns:
        AUC ``[S]``, NaN without both classes; covariance ``[S, S]``, NaN with fewer than two videos of a class.

    Raises:
        ValueError: a score is NaN.
    """
    of_fakes, of_reals = _placements(label, np.asarray(scores, dtype=np.float64))
    count = of_fakes.shape[1]
    if len(of_fakes) == 0 or len(of_reals) == 0:
        return np.full(count, np.nan), np.full((count, count), np.nan)
    auc: Floats = of_fakes.mean(axis=0)
    if len(of_fakes) < 2 or len(of_reals) < 2:
        return auc, np.full((count, count), np.nan)
    return auc, _covariance(of_fakes) / len(of_fakes) + _covariance(of_reals) / len(of_reals)


def delong_test(label: ArrayLike, a: ArrayLike, b: ArrayLike) -> DelongTest:
    """Tests whether two score columns ``[N]`` have the same AUC; see ``delong``.

    Columns that rank alike differ by 0 with p value 1. A difference without any spread, or fewer than two videos of a
    class, has no test: NaN.
    """
    of_fakes, of_reals = _placements(label, np.column_stack([np.asarray(a, np.float64), np.asarray(b, np.float64)]))
    if len(of_fakes) < 2 or len(of_reals) < 2:
        return DelongTest(*[math.nan] * 4)
    # Of the differences, so that columns of one ranking have a variance of exactly 0.
    gaps = [side[:, :1] - side[:, 1:] for side in (of_fakes, of_reals)]
    difference = float(gaps[0].mean())
    error = math.sqrt(sum(float(_covariance(gap)[0, 0]) / len(gap) for gap in gaps))
    z = difference / error if error else (math.nan if difference else 0.0)
    return DelongTest(difference, error, z, math.erfc(abs(z) / math.sqrt(2)))


def _placements(label: ArrayLike, scores: Floats) -> tuple[Floats, Floats]:
    """Share of reals below each fake, ``[fakes, S]``, and of fakes above each real, ``[reals, S]``; ties half."""
    from scipy.stats import rankdata

    fake = np.asarray(label, dtype=bool)
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).any(axis=1).sum())} videos lack a score; leave them out")
    if fake.all() or not fake.any():
        return scores[fake] * np.nan, scores[~fake] * np.nan
    ranks = rankdata(scores, axis=0)
    below = (ranks[fake] - rankdata(scores[fake], axis=0)) / (~fake).sum()
    above = 1 - (ranks[~fake] - rankdata(scores[~fake], axis=0)) / fake.sum()
    return below, above


def _covariance(rows: Floats) -> Floats:
    return np.atleast_2d(np.cov(rows, rowvar=False))


def holm(p_values: ArrayLike) -> Floats:
    """P values adjusted for their number, so that the chance of any false alarm stays bounded (Holm 1979).

    https://www.jstor.org/stable/4615733

    Args:
        p_values: ``[M]``; a NaN stays NaN and doesn't count.

    Returns:
        ``[M]``, in the order given.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    (tested,) = np.nonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    raised = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1)
    return adjusted


def paired_difference(
    resamples: Resamples, label: ArrayLike, a: ArrayLike, b: ArrayLike, metric: str = "auc", *, level: float = 0.95
) -> PairedDifference:
    """By how much ``a`` has more of a metric than ``b``, both seen through the same draws of identity groups.

    The p value is that of Student's t with the standard error of the paired replicates, so that it falls below ``1 - level``
    exactly where the interval excludes 0.

    Args:
        resamples: draws of these videos' groups.
        label: ``[N]``, 0 real, 1 fake.
        a: ``[N]``, P(fake); decisions where the metric is one of decisions.
        b: as ``a``.
        metric: a name that ``bootstrap`` knows.
        level: of confidence.
    """
    one, other = (_replicates(resamples, label, column, metric) for column in (a, b))
    difference = one - other
    low, high = interval(difference, level)
    return PairedDifference(difference.estimate, low, high, _p_value(difference) if low <= high else math.nan)


def _replicates(resamples: Resamples, label: ArrayLike, column: ArrayLike, metric: str) -> Replicates:
    if metric in DECIDED:
        return bootstrap(resamples, label, np.zeros(len(resamples.group)), [metric], column)[metric]
    return bootstrap(resamples, label, column, [metric])[metric]


def _p_value(difference: Replicates) -> float:
    from scipy.special import stdtr

    if difference.standard_error == 0:
        return 1.0
    return float(2 * stdtr(difference.freedom, -abs(difference.estimate) / difference.standard_error))

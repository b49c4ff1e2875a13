"""How sure is a metric, when videos of one person aren't independent?

Identity groups are drawn with replacement, once, and every score column is looked at through the same draws, so that differences
are paired. The spread of the replicates gives the standard error; the interval is Student's t around the estimate on
the metric's logit. Percentiles of the replicates would be simpler, and fall short where detectors live: at a true AUC of 0.97
and 60 people they hold the truth in 87 to 90 % of simulated data sets instead of 95 %, this interval in 93 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from deepfake_core.contract.records import REAL
from deepfake_core.evaluation.metrics import by_part
from deepfake_core.evaluation.weighted import AVERAGED, DECIDED, RANKED, weighted_metrics

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

REPLICATES = 2000

Scale: TypeAlias = Literal["share", "loss", "difference", "biased"]

SCALES: dict[str, Scale] = {"log_loss": "loss", "ece": "biased"}
"""Of metrics that aren't a ``share``."""


@dataclass(frozen=True, eq=False)
class Resamples:
    """Replicates of drawing groups of videos with replacement.

    Attributes:
        group: number of each video's group, ``[N]``, below ``G``.
        counts: how often each replicate draws each group, ``[R, G]``.
        holders: groups that hold the class which fewer groups hold; 0 without videos.
        freedom: degrees of freedom of the spread: groups less strata.
    """

    group: NDArray[np.intp]
    counts: NDArray[np.int32]
    holders: int
    freedom: int

    @classmethod
    def draw(cls, label: ArrayLike, group: ArrayLike, *, replicates: int = REPLICATES, seed: int = 0) -> Resamples:
        """Draws as many groups as there are, apart among those with reals only, fakes only, and both.

        Groups, not videos, are drawn, so that a person who appears in many videos counts once (Field & Welsh 2007,
        10.1111/j.1467-9868.2007.00593.x). With a group per video this is the ordinary bootstrap within classes. A kind that one
        group alone is of would never vary: it is drawn with the most frequent kind. Each replicate holds every class that
        the videos hold.

        Args:
            label: ``[N]``, 0 real, 1 fake.
            group: ``[N]``, any names.
            replicates: number ``R``.
            seed: of the draws.
        """
        fake = np.asarray(label, dtype=bool)
        names, which = np.unique(np.asarray(group), return_inverse=True)
        if len(which) != len(fake):
            raise ValueError(f"{len(fake)} labels, {len(which)} groups")
        holds = np.zeros((2, len(names)), dtype=bool)
        holds[0, which[~fake]] = holds[1, which[fake]] = True
        held = holds[holds.any(axis=1)]
        stratum = _strata(holds)
        random = np.random.default_rng(seed)
        counts = _drawn(random, stratum, replicates)
        # Only kinds that were joined can lose a class.
        while (lost := ~(counts @ held.T > 0).all(axis=1)).any():
            counts[lost] = _drawn(random, stratum, int(lost.sum()))
        holders = int(held.sum(axis=1).min(initial=len(names)))
        return cls(which, counts, holders, len(names) - len(np.unique(stratum)))


def _strata(holds: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Stratum of each group, from which classes it holds, ``[2, G]``."""
    kind: NDArray[np.intp] = holds[0] + 2 * holds[1].astype(np.intp)
    size = np.bincount(kind, minlength=4)
    return np.where(size[kind] == 1, size.argmax(), kind)


def _drawn(random: np.random.Generator, stratum: NDArray[np.intp], replicates: int) -> NDArray[np.int32]:
    counts = np.zeros((replicates, len(stratum)), dtype=np.int32)
    for name in np.unique(stratum):
        (members,) = np.nonzero(stratum == name)
        counts[:, members] = random.multinomial(len(members), np.full(len(members), 1 / len(members)), size=replicates)
    return counts


@dataclass(frozen=True, eq=False)
class Replicates:
    """A metric, or a paired difference of two (``a - b``), with its values over replicates.

    Attributes:
        estimate: over the videos themselves.
        values: ``[R]``, NaN where a replicate leaves the metric undefined.
        scale: ``share`` lies in [0, 1], ``loss`` in [0, inf), ``difference`` anywhere; ``biased`` marks the calibration error,
            which few videos raise, and replicates of few videos raise again.
        holders: see ``Resamples``.
        freedom: see ``Resamples``.
    """

    estimate: float
    values: NDArray[np.float64]
    scale: Scale
    holders: int
    freedom: int

    def __sub__(self, other: Replicates) -> Replicates:
        scale: Scale = "biased" if "biased" in (self.scale, other.scale) else "difference"
        gap = self.values - other.values
        return Replicates(self.estimate - other.estimate, gap, scale, self.holders, self.freedom)

    @property
    def standard_error(self) -> float:
        """Spread of the replicates, raised by what drawing few groups takes from it; NaN where groups are too few.

        Two groups of each class are the least that tell how groups differ.
        """
        values = self.values[~np.isnan(self.values)]
        if self.holders < 2 or self.freedom < 1 or len(values) < 2:
            return math.nan
        if np.ptp(values) == 0:
            return 0.0
        return float(np.std(values)) * math.sqrt(1 + 1 / self.freedom)


def bootstrap(
    resamples: Resamples,
    label: ArrayLike,
    p: ArrayLike,
    metrics: Sequence[str],
    decision: ArrayLike | None = None,
) -> dict[str, Replicates]:
    """Metrics over all replicates.

    Args:
        resamples: draws of these videos' groups.
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]``, P(fake).
        metrics: names out of ``video_metrics`` (but not the counts) and ``decision_metrics``.
        decision: ``[N]``, 1 fake, 0 real, NaN none; needed for metrics of decisions.

    Returns:
        By name, in the order of ``metrics``.

    Raises:
        ValueError: an unknown metric, lengths that differ, a NaN in ``p``: leave such videos out before the draw.
    """
    fake, scores = np.asarray(label, dtype=bool), np.asarray(p, dtype=np.float64)
    decisions = None if decision is None else np.asarray(decision, dtype=np.float64)
    unknown = [name for name in metrics if name not in RANKED.keys() | AVERAGED.keys() | DECIDED.keys()]
    if unknown:
        raise ValueError(f"no such metric: {', '.join(unknown)}; there are {', '.join([*RANKED, *AVERAGED, *DECIDED])}")
    if {len(fake), len(scores), len(scores if decisions is None else decisions)} != {len(resamples.group)}:
        raise ValueError("resamples, label, p and decision differ in length")
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} videos have no score; leave them out before the draw")
    once = np.ones((1, resamples.counts.shape[1]), dtype=np.int32)
    observed, drawn = (
        weighted_metrics(metrics, fake, scores, decisions, resamples.group, counts)
        for counts in (once, resamples.counts)
    )
    return {
        name: Replicates(
            float(observed[name][0]),
            drawn[name],
            SCALES.get(name, "share"),
            resamples.holders,
            resamples.freedom,
        )
        for name in metrics
    }


def interval(replicates: Replicates, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval: Student's t around the estimate, for a share on its logit, for a loss on its logarithm.

    The logit keeps the interval inside [0, 1] and skewed as it should be near an end (for the AUC: Qin & Hotilovac 2008,
    10.1177/0962280207087173); the standard error goes there by the delta method. A share of exactly 0 or 1 has no
    logit, and replicates of a perfect ranking are all perfect. There the interval goes from the estimate to where ``n`` independent
    groups would all agree with probability ``(1 - level) / 2``, the bound of Clopper & Pearson (1934, 10.1093/biomet/26.4.404),
    or to the replicates' quantile if that lies further; ``n`` counts the groups that hold the rarer class.

    Returns:
        Lower and upper end; NaN where the estimate is, where a class comes from fewer than two groups, where a difference is
        the same in all replicates and not 0, and for the biased calibration error, which intervals of this kind miss.
    """
    from scipy.special import expit, logit, stdtrit

    estimate, error, tail = replicates.estimate, replicates.standard_error, (1 - level) / 2
    if math.isnan(estimate) or math.isnan(error) or replicates.scale == "biased":
        return math.nan, math.nan
    reach = float(-stdtrit(replicates.freedom, tail)) * error
    if replicates.scale == "difference":
        if error == 0 and estimate != 0:
            return math.nan, math.nan
        return estimate - reach, estimate + reach
    if replicates.scale == "loss":
        factor = math.exp(reach / estimate) if estimate > 0 else 1.0
        return estimate / factor, estimate * factor
    if 0 < estimate < 1:
        centre, reach = float(logit(estimate)), reach / (estimate * (1 - estimate))
        return float(expit(centre - reach)), float(expit(centre + reach))
    agreed = tail ** (1 / replicates.holders)
    low, high = np.nanquantile(replicates.values, [tail, 1 - tail])
    return (0.0, max(1 - agreed, float(high))) if estimate == 0 else (min(agreed, float(low)), 1.0)


def with_intervals(found: Mapping[str, Replicates]) -> dict[str, float]:
    """Each metric with its 95 % interval: ``auc, auc_low, auc_high, …``."""
    columns: dict[str, float] = {}
    for name, replicates in found.items():
        low, high = interval(replicates)
        columns |= {name: replicates.estimate, f"{name}_low": low, f"{name}_high": high}
    return columns


def auc_interval(
    label: ArrayLike, p: ArrayLike, group: Sequence[str], *, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Confidence interval of the AUC over the scored videos (``p`` not NaN); NaN where a class has fewer than two groups."""
    fake, scores = np.asarray(label, dtype=bool), np.asarray(p, dtype=np.float64)
    scored = ~np.isnan(scores)
    resamples = Resamples.draw(fake[scored], np.asarray(group)[scored], seed=seed)
    return interval(bootstrap(resamples, fake[scored], scores[scored], ["auc"])["auc"], level)


def by_part_with_intervals(
    label: NDArray[np.int64],
    p: NDArray[np.float64],
    dataset: NDArray[np.str_],
    method: NDArray[np.str_],
    group: NDArray[np.str_],
) -> pd.DataFrame:
    """AUC by data set and method, see ``by_part``, with the 95 % interval of ``auc``: ``auc_low, auc_high``."""
    found = by_part(label, p, dataset, method)
    parts = [(dataset == row.dataset) & ((label == REAL) | (method == row.method)) for row in found.itertuples()]
    limits = [auc_interval(label[part], p[part], group[part]) for part in parts]
    found[["auc_low", "auc_high"]] = np.array(limits).reshape(-1, 2)
    return found

"""What probability does a score stand for? Monotone maps from ``p`` to calibrated P(fake).

All kinds are fitted to softened targets instead of 0 and 1, ``1 / (reals + 2)`` and ``(fakes + 1) / (fakes + 2)`` (Platt 1999): few
videos, or a ranking without a mistake, then never make a probability of 0 or 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfake_core.contract.errors import UsageError
from deepfake_core.evaluation.metrics import bin_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

KINDS = ("temperature", "platt", "isotonic")
"""From simple to flexible. Temperature: a factor on the logit (Guo et al. 2017, 10.48550/arXiv.1706.04599), for scores that are
probabilities already. Platt: factor and shift, for scores on any scale, such as ranks. Isotonic: any non-decreasing steps,
joined by lines."""

EDGE = 1e-6
"""Scores are taken as, and probabilities kept, at least this far from 0 and 1."""


@dataclass(frozen=True)
class Calibrator:
    """A fitted map; call it on scores.

    Attributes:
        kind: one of ``KINDS``.
        scale: factor on the logit, never negative: what is more likely fake stays so.
        shift: added to the scaled logit.
        knots: scores, rising (isotonic).
        values: their calibrated probabilities.
    """

    kind: str
    scale: float = 1.0
    shift: float = 0.0
    knots: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def __call__(self, p: ArrayLike) -> Floats:
        """Calibrated probabilities in the shape of ``p``; NaN stays NaN."""
        from scipy.special import expit

        scores = np.asarray(p, dtype=np.float64)
        if self.kind == "isotonic":
            found = np.interp(scores, self.knots, self.values)
        else:
            found = expit(self.scale * _logit(scores) + self.shift)
        return np.clip(found, EDGE, 1 - EDGE)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, strings and lists."""
        return asdict(self) | {"knots": list(self.knots), "values": list(self.values)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Calibrator:
        """The calibrator that ``to_json`` described."""
        return cls(**{**found, "knots": tuple(found["knots"]), "values": tuple(found["values"])})


def fit(label: ArrayLike, p: ArrayLike, kind: str) -> Calibrator:
    """Fits on the scored videos (``p`` not NaN) by least log loss; isotonic by least squares, which has the same optimum.

    Args:
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]`` in [0, 1] or NaN.
        kind: one of ``KINDS``.

    Raises:
        UsageError: an unknown kind, or no scored video.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown calibration {kind!r}.", hint=f"choose one of {', '.join(KINDS)}.")
    fake, scores = np.asarray(label, dtype=bool), np.asarray(p, dtype=np.float64)
    scored = ~np.isnan(scores)
    fake, scores = fake[scored], scores[scored]
    if len(scores) == 0:
        raise UsageError("no scored video to calibrate on.", hint="look at the status column of the out-of-fold table.")
    fakes = int(fake.sum())
    target = np.where(fake, (fakes + 1) / (fakes + 2), 1 / (len(fake) - fakes + 2))
    if kind == "isotonic":
        return _fit_steps(target, scores)
    return _fit_line(target, _logit(scores), kind)


def _fit_line(target: Floats, logit: Floats, kind: str) -> Calibrator:
    from scipy.optimize import minimize
    from scipy.special import expit

    def loss(line: Floats) -> tuple[float, Floats]:
        lifted = line[0] * logit + line[1]
        residual = expit(lifted) - target
        return float(np.mean(np.logaddexp(0, lifted) - target * lifted)), np.array(
            [np.mean(residual * logit), np.mean(residual)]
        )

    shifts = (0, 0) if kind == "temperature" else (None, None)
    found = minimize(
        loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(0, None), shifts], options={"ftol": 1e-14, "gtol": 1e-9}
    )
    return Calibrator(kind, scale=float(found.x[0]), shift=float(found.x[1]))


def _fit_steps(target: Floats, scores: Floats) -> Calibrator:
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(increasing=True, out_of_bounds="clip").fit(scores, target)
    return Calibrator("isotonic", knots=tuple(steps.X_thresholds_.tolist()), values=tuple(steps.y_thresholds_.tolist()))


def choose_kind(label: ArrayLike, p: ArrayLike, fold: ArrayLike) -> str:
    """The simplest kind whose log loss, on folds that it wasn't fitted on, is within a standard error of the least.

    The error is that of the difference between the two over the videos. A flexible kind that seems better by chance makes
    one fold's scores hard to compare with another's. A single fold leaves nothing to fit on: the simplest.

    Args:
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]`` in [0, 1]; videos with NaN are left out.
        fold: ``[N]``, any names.
    """
    from scipy.special import xlogy

    fake, scores, folds = np.asarray(label, dtype=bool), np.asarray(p, dtype=np.float64), np.asarray(fold)
    scored = ~np.isnan(scores)
    fake, scores, folds = fake[scored], scores[scored], folds[scored]
    names = np.unique(folds)
    if len(names) < 2:
        return KINDS[0]
    losses = np.zeros((len(KINDS), len(scores)))
    for row, kind in zip(losses, KINDS, strict=True):
        for name in names:
            held_out = folds == name
            q = fit(fake[~held_out], scores[~held_out], kind)(scores[held_out])
            row[held_out] = -xlogy(fake[held_out], q) - xlogy(~fake[held_out], 1 - q)
    excess = losses - losses[losses.mean(axis=1).argmin()]
    error = excess.std(axis=1) / np.sqrt(len(scores))
    # The least itself has no excess, so one kind always qualifies.
    return KINDS[int(np.argmax(excess.mean(axis=1) <= error))]


def reliability(label: ArrayLike, p: ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Mean score and share of fakes in bins of equal width.

    Args:
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]`` in [0, 1]; videos with NaN are left out.
        bins: number of bins.

    Returns:
        ``low, high, videos, mean_p, fake_share``, one row per bin; an empty bin has NaN for both means.
    """
    import pandas as pd

    y, q = np.asarray(label, dtype=np.float64), np.asarray(p, dtype=np.float64)
    scored = ~np.isnan(q)
    y, q = y[scored], q[scored]
    which = bin_of(q, bins)
    videos = np.bincount(which, minlength=bins)
    columns = {"low": np.arange(bins) / bins, "high": np.arange(1, bins + 1) / bins, "videos": videos}
    for name, summed in (("mean_p", q), ("fake_share", y)):
        total = np.bincount(which, weights=summed, minlength=bins)
        columns[name] = np.divide(total, videos, out=np.full(bins, np.nan), where=videos > 0)
    return pd.DataFrame(columns)


def _logit(p: Floats) -> Floats:
    from scipy.special import logit

    found: Floats = logit(np.clip(p, EDGE, 1 - EDGE))
    return found

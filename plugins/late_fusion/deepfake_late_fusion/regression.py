"""How do scores become log odds of a fake? By a logistic regression on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from deepfake_core import Settings
from deepfake_late_fusion.strategy import LateFusion, Parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LogisticSettings(Settings):
    """Settings of the regression."""

    c: float = Field(1.0, gt=0, description="inverse strength of the L2 penalty")


class Logistic(LateFusion):
    """Logistic regression on standardised scores, classes weighted to balance.

    A stream that abstains counts as its mean, and whether it abstained is an input of its own where that happened in
    training.
    """

    name = "logistic"
    summary = "logistic regression on the streams' probabilities"
    settings = LogisticSettings()

    def learn(self, scores: NDArray[np.float64], label: NDArray[np.bool_], settings: LogisticSettings) -> Parameters:
        """Means, scales and coefficients."""
        from sklearn.linear_model import LogisticRegression

        known = ~np.isnan(scores)
        counts = known.sum(axis=0).clip(1)
        means = np.where(known, scores, 0.0).sum(axis=0) / counts
        variance = np.where(known, (scores - means) ** 2, 0.0).sum(axis=0) / counts
        # A stream that always says the same is no input: its standardised score is 0.
        scales = np.where(variance > 1e-24, np.sqrt(variance), 1.0)
        flags = np.flatnonzero(~known.all(axis=0))
        inputs = _inputs(scores, means, scales, flags)
        model = LogisticRegression(C=settings.c, class_weight="balanced", max_iter=1000).fit(inputs, label)
        return {
            "means": means.tolist(),
            "scales": scales.tolist(),
            "flags": flags.tolist(),
            "coefficients": model.coef_[0].tolist(),
            "intercept": float(model.intercept_[0]),
        }

    def combine(self, scores: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
        """The regression's probability."""
        from scipy.special import expit

        p: NDArray[np.float64] = expit(self.contributions(scores, parameters).sum(axis=1) + parameters["intercept"])
        return p

    def contributions(self, scores: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
        """In log odds, from a video of mean scores on: coefficient · standardised score; that of abstaining, if it did."""
        means, scales = np.array(parameters["means"]), np.array(parameters["scales"])
        flags = np.array(parameters["flags"], np.intp)
        terms = _inputs(scores, means, scales, flags) * np.array(parameters["coefficients"])
        found: NDArray[np.float64] = terms[:, : len(means)]
        found[:, flags] += terms[:, len(means) :]
        return found


def _inputs(
    scores: NDArray[np.float64], means: NDArray[np.float64], scales: NDArray[np.float64], flags: NDArray[np.intp]
) -> NDArray[np.float64]:
    standardised = np.where(np.isnan(scores), 0.0, (scores - means) / scales)
    return np.hstack([standardised, np.isnan(scores[:, flags]).astype(np.float64)])

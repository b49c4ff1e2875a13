"""How feature rows become P(fake): three boosted classifiers, stacked without a person on both sides.

Stacked generalisation (Wolpert 1992, 10.1016/S0893-6080(05)80023-1): a logistic regression weighs the scores of
XGBoost, LightGBM and HistGradientBoosting. It must learn from scores of videos that the three haven't seen, and here
also of *people* they haven't seen; scikit-learn's ``StackingClassifier`` draws its inner folds without groups, so the
inner folds are the caller's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract.errors import NoUsableVideo, UsageError
from deepfake_rppg.boosting import Boosters
from deepfake_rppg.preparation import Preparation

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from deepfake_rppg.settings import RppgSettings

    Split = tuple[ArrayLike, ArrayLike]
    """Positions of the rows to fit on, and of those to score."""

MODEL_FILE = "stacking.json"

SEEDS = 2**31
"""The libraries below take seeds under this."""


@dataclass(frozen=True, eq=False)
class StackingModel:
    """A fitted classifier.

    Attributes:
        preparation: from features to the inputs of the three.
        boosters: the three base classifiers.
        coefficients: weights of their scores in the log-odds, ``[3]``.
        intercept: log-odds where the three scores are 0.
    """

    preparation: Preparation
    boosters: Boosters
    coefficients: tuple[float, float, float]
    intercept: float

    def predict(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """P(fake) of ``[N, F]`` feature rows, ``[N]``. One row alone scores exactly as it does among others.

        Args:
            features: the training columns in any order; NaN where a feature couldn't be computed.

        Raises:
            InvalidTable: a column is missing, surplus, not numeric, or infinite somewhere.
        """
        from scipy.special import expit

        inputs = self.preparation.transform(features)
        if not len(inputs):
            return np.empty(0)
        scores = self.boosters.predict(inputs)
        log_odds = np.full(len(scores), self.intercept)
        # Term by term: a matrix product rounds differently for different numbers of rows.
        for weight, score in zip(self.coefficients, scores.T, strict=True):
            log_odds = log_odds + weight * score
        return np.asarray(expit(log_odds), np.float64)

    def importance(self) -> pd.Series:
        """Share of each feature in the selector's decisions, sum 1, by feature name in training order.

        Mean decrease in impurity over the ExtraTrees, a feature and its missing flag added up. NaN for a feature that
        was dropped because it doesn't vary: it was never weighed.
        """
        return self.preparation.importances()

    def save(self, folder: Path) -> None:
        """Writes the model's five files into ``folder``, none of which unpickles. Equal models give equal bytes."""
        files = {**self.preparation.to_files(), **self.boosters.to_files()}
        model = {
            "coefficients": self.coefficients,
            "intercept": self.intercept,
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / MODEL_FILE).write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> StackingModel:
        """Reads what ``save`` wrote; its predictions equal the saved model's, bit for bit.

        Raises:
            UsageError: a file is absent, isn't the one that was saved, or isn't what its name says.
        """
        try:
            model = json.loads((folder / MODEL_FILE).read_bytes())
            files = {name: (folder / name).read_bytes() for name in model["sha256"]}
            # Before any parser sees them: LightGBM ends the process over a file that breaks off.
            for name, data in files.items():
                if hashlib.sha256(data).hexdigest() != model["sha256"][name]:
                    raise ValueError(f"{name}: it isn't the file that was saved with this model")
            first, second, third = map(float, model["coefficients"])
            return cls(
                preparation=Preparation.from_files(files),
                boosters=Boosters.from_files(files),
                coefficients=(first, second, third),
                intercept=float(model["intercept"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"the rPPG model in {folder} can't be read: {error}.",
                hint="train it again, or restore the folder as it was saved.",
            ) from error


def fit(
    features: pd.DataFrame,
    labels: ArrayLike,
    splits: Sequence[Split],
    *,
    settings: RppgSettings,
    seed: int,
) -> StackingModel:
    """Fits the three base classifiers on all rows, and the weights of their scores on ``inner_scores``.

    Rows without inner scores don't take part in the weights. The same arguments give the same model, byte for byte,
    whatever the number of cores.

    Args:
        features: ``[N, F]`` numbers; NaN where a feature couldn't be computed.
        labels: ``[N]``, 0 real, 1 fake.
        splits: as in ``inner_scores``.
        settings: of the selector and the base classifiers.
        seed: for everything random.

    Raises:
        InvalidTable: a column isn't numeric, is infinite somewhere, or comes twice.
        NoUsableVideo: the rows, or those with inner scores, hold one class only.
        ValueError: see ``inner_scores``.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    classes = np.asarray(labels, np.int64)
    scores = inner_scores(features, classes, splits, settings=settings, seed=seed)
    covered = ~np.isnan(scores[:, 0])
    if len(np.unique(classes[covered])) < 2:
        raise NoUsableVideo(
            f"the stacking weights need inner scores of both classes; only {covered.sum()} of {len(classes)} "
            "training videos have one, and these don't hold both.",
            hint="use more videos or people, or fewer inner folds.",
        )
    with threadpool_limits(1):
        preparation, boosters = _fit_bases(features, classes, settings=settings, seed=seed)
        weights = LogisticRegression(class_weight="balanced", max_iter=1000).fit(scores[covered], classes[covered])
    first, second, third = map(float, weights.coef_[0])
    return StackingModel(preparation, boosters, (first, second, third), float(weights.intercept_[0]))


def inner_scores(
    features: pd.DataFrame,
    labels: ArrayLike,
    splits: Sequence[Split],
    *,
    settings: RppgSettings,
    seed: int,
) -> NDArray[np.float64]:
    """P(fake) of each row by base classifiers that saw neither it nor, given proper splits, its people.

    Preparation and selection too are fitted within each split.

    Args:
        features: ``[N, F]`` numbers; NaN where a feature couldn't be computed.
        labels: ``[N]``, 0 real, 1 fake.
        splits: pairs of row positions, to fit on and to score, that share no person. A split whose rows to fit on
            hold one class only is passed over: nothing can be learnt from it.
        settings: of the selector and the base classifiers.
        seed: for everything random.

    Returns:
        ``[N, 3]``: XGBoost, LightGBM, HistGradientBoosting; NaN for a row that no split scores.

    Raises:
        InvalidTable: a column isn't numeric, is infinite somewhere, or comes twice.
        NoUsableVideo: the rows hold one class only.
        ValueError: labels don't fit the rows, a row stands on both sides of a split, or is scored by two.
    """
    from threadpoolctl import threadpool_limits

    classes = _checked(labels, len(features))
    scores = np.full((len(classes), 3), np.nan)
    scored = np.zeros(len(classes), bool)
    for fit_on, score in splits:
        train, test = np.asarray(fit_on, np.int64), np.asarray(score, np.int64)
        if np.isin(test, train).any() or scored[test].any():
            raise ValueError("inner splits must score each row once at most, and never a row that they fit on")
        scored[test] = True
        if len(np.unique(classes[train])) < 2 or not len(test):
            continue
        with threadpool_limits(1):
            preparation, boosters = _fit_bases(features.iloc[train], classes[train], settings=settings, seed=seed)
            scores[test] = boosters.predict(preparation.transform(features.iloc[test]))
    return scores


def _checked(labels: ArrayLike, rows: int) -> NDArray[np.int64]:
    classes = np.asarray(labels)
    if classes.shape != (rows,) or not np.isin(classes, (0, 1)).all():
        raise ValueError(f"labels must be {rows} values, each 0 or 1")
    if len(np.unique(classes)) < 2:
        raise NoUsableVideo(
            f"the {rows} training videos hold one class only.",
            hint="real and fake videos are both needed; look at the statuses of the ones that were set aside.",
        )
    return classes.astype(np.int64)


def _fit_bases(
    features: pd.DataFrame, labels: NDArray[np.int64], *, settings: RppgSettings, seed: int
) -> tuple[Preparation, Boosters]:
    seed = seed % SEEDS
    preparation = Preparation.fit(features, labels, settings=settings, seed=seed)
    return preparation, Boosters.fit(preparation.transform(features), labels, settings=settings, seed=seed)

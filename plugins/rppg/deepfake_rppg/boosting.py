"""Which three boosted classifiers the stacking rests on, and how each is fitted, applied and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfake_rppg import arrays

if TYPE_CHECKING:
    import lightgbm as lgb
    import xgboost as xgb
    from numpy.typing import NDArray
    from sklearn.ensemble import HistGradientBoostingClassifier

    from deepfake_rppg.settings import RppgSettings

XGBOOST_FILE = "xgboost.ubj"
LIGHTGBM_FILE = "lightgbm.txt"
HISTOGRAM_FILE = "histogram.npz"


@dataclass(frozen=True, eq=False)
class TreeSum:
    """A fitted HistGradientBoostingClassifier as plain arrays: nothing to unpickle, no tie to a scikit-learn version.

    The nodes of all trees stand one tree after the other; a leaf is its own child on both sides.

    Attributes:
        baseline: log-odds before the first tree, ``[1]``.
        roots: first node of each tree, ``[T] int64``.
        feature: input that a node looks at, ``[P] int64``.
        threshold: a row goes left if its input is at or below this, ``[P]``.
        left: node to the left, ``[P] int64``.
        right: node to the right, ``[P] int64``.
        value: what a leaf adds to the log-odds, ``[P]``.
        depth: of the deepest leaf, ``[1] int64``.
    """

    baseline: NDArray[np.float64]
    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]
    depth: NDArray[np.int64]

    @classmethod
    def of(cls, classifier: HistGradientBoostingClassifier) -> TreeSum:
        """The trees of a fitted binary classifier on numeric inputs."""
        # scikit-learn has no public way to read these trees; a test compares the two predictions.
        trees = [trees[0].nodes for trees in classifier._predictors]
        nodes = np.concatenate(trees)
        sizes = np.array([len(tree) for tree in trees])
        roots = np.cumsum(sizes) - sizes
        leaf, own = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        start = np.repeat(roots, sizes)
        return cls(
            baseline=np.array([classifier._baseline_prediction.item()]),
            roots=roots,
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
            threshold=nodes["num_threshold"].copy(),
            left=np.where(leaf, own, start + nodes["left"]),
            right=np.where(leaf, own, start + nodes["right"]),
            value=nodes["value"].copy(),
            depth=np.array([nodes["depth"].max()], np.int64),
        )

    def predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(fake) of ``[N, S]`` inputs, ``[N]``."""
        from scipy.special import expit

        rows = np.arange(len(inputs))[:, None]
        node = np.broadcast_to(self.roots, (len(inputs), len(self.roots)))
        for _ in range(int(self.depth[0])):
            goes_left = inputs[rows, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        steps = np.concatenate([np.broadcast_to(self.baseline, (len(inputs), 1)), self.value[node]], axis=1)
        # A running sum adds tree by tree, as scikit-learn does; np.sum's order depends on the array's shape.
        return np.asarray(expit(np.add.accumulate(steps, axis=1)[:, -1]), np.float64)

    def to_bytes(self) -> bytes:
        """An ``.npz`` file of plain arrays."""
        return arrays.pack({field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def from_bytes(cls, data: bytes) -> TreeSum:
        """Reads what ``to_bytes`` made.

        Raises:
            ValueError: ``data`` isn't such a file.
        """
        return cls(**arrays.unpack(data, [field.name for field in fields(cls)]))


@dataclass(frozen=True, eq=False)
class Boosters:
    """XGBoost, LightGBM and HistGradientBoosting, fitted on the same rows.

    Published for all three: 300 rounds at learning rate 0.02, classes weighed inversely to their number. Settled here:

    - LightGBM's row sampling is switched on (``bagging_freq=1``); its ``subsample`` alone has no effect.
    - HistGradientBoosting never stops early: it would set rows aside without regard to who is on them.
    - The least number of rows in a leaf is a tenth of the rows, within 2 and 20, for LightGBM and HistGradientBoosting.
      Both default to 20, which below 40 rows allows no split at all: every row gets the same score. From 200 rows on,
      this is their default.
    - One thread each: on tables this small that is the fastest, and sums don't depend on the number of cores.
    """

    xgboost: xgb.Booster
    lightgbm: lgb.Booster
    histogram: TreeSum

    @classmethod
    def fit(
        cls, inputs: NDArray[np.float64], labels: NDArray[np.int64], *, settings: RppgSettings, seed: int
    ) -> Boosters:
        """Fits the three on ``[N, S]`` inputs and ``[N]`` labels of both classes."""
        leaf_rows = min(20, max(2, len(labels) // 10))
        # What is kept is what a file would hold: a loaded model can't differ from this one.
        return cls.from_files(
            {
                XGBOOST_FILE: _fit_xgboost(inputs, labels, settings, seed),
                LIGHTGBM_FILE: _fit_lightgbm(inputs, labels, settings, seed, leaf_rows),
                HISTOGRAM_FILE: _fit_histogram(inputs, labels, settings, seed, leaf_rows),
            }
        )

    def predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(fake) of ``[N, S]`` inputs by each classifier, ``[N, 3]``; each row by itself."""
        return np.column_stack(
            [
                self.xgboost.inplace_predict(inputs).astype(np.float64),
                self.lightgbm.predict(inputs, num_threads=1),
                self.histogram.predict(inputs),
            ]
        )

    def to_files(self) -> dict[str, bytes]:
        """Content of the model files, by name."""
        return {
            XGBOOST_FILE: bytes(self.xgboost.save_raw("ubj")),
            LIGHTGBM_FILE: self.lightgbm.model_to_string().encode(),
            HISTOGRAM_FILE: self.histogram.to_bytes(),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Boosters:
        """Reads what ``to_files`` made.

        Raises:
            ValueError: a file isn't what its name says; the message names it.
        """
        import lightgbm as lgb
        import xgboost as xgb

        xgboost = xgb.Booster({"nthread": 1})
        name = XGBOOST_FILE
        try:
            xgboost.load_model(bytearray(files[name]))
            name = LIGHTGBM_FILE
            lightgbm = lgb.Booster(model_str=files[name].decode())
            name = HISTOGRAM_FILE
            histogram = TreeSum.from_bytes(files[name])
        except (ValueError, xgb.core.XGBoostError, lgb.basic.LightGBMError) as error:
            raise ValueError(f"{name}: {str(error).splitlines()[0]}") from error
        return cls(xgboost, lightgbm, histogram)


def _fit_xgboost(inputs: NDArray[np.float64], labels: NDArray[np.int64], settings: RppgSettings, seed: int) -> bytes:
    import xgboost as xgb

    parameters = {
        "objective": "binary:logistic",
        "max_depth": settings.depth,
        "learning_rate": settings.learning_rate,
        "subsample": settings.subsample,
        "colsample_bytree": settings.colsample,
        "reg_lambda": settings.reg_lambda,
        "reg_alpha": settings.reg_alpha,
        "scale_pos_weight": float((labels == 0).sum() / (labels == 1).sum()),
        "seed": seed,
        "nthread": 1,
        "verbosity": 0,
    }
    booster = xgb.train(parameters, xgb.DMatrix(inputs, labels, nthread=1), settings.rounds)
    return bytes(booster.save_raw("ubj"))


def _fit_lightgbm(
    inputs: NDArray[np.float64], labels: NDArray[np.int64], settings: RppgSettings, seed: int, leaf_rows: int
) -> bytes:
    import lightgbm as lgb

    parameters: dict[str, Any] = {
        "objective": "binary",
        "max_depth": settings.depth,
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "bagging_fraction": settings.subsample,
        "bagging_freq": 1,
        "feature_fraction": settings.colsample,
        "lambda_l2": settings.reg_lambda,
        "lambda_l1": settings.reg_alpha,
        "min_data_in_leaf": leaf_rows,
        "seed": seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    weight = (len(labels) / (2 * np.bincount(labels, minlength=2)))[labels]
    rows = lgb.Dataset(inputs, labels, weight=weight, params=parameters)
    return lgb.train(parameters, rows, settings.rounds).model_to_string().encode()


def _fit_histogram(
    inputs: NDArray[np.float64], labels: NDArray[np.int64], settings: RppgSettings, seed: int, leaf_rows: int
) -> bytes:
    from sklearn.ensemble import HistGradientBoostingClassifier

    classifier = HistGradientBoostingClassifier(
        max_iter=settings.rounds,
        max_depth=settings.hist_depth,
        max_leaf_nodes=settings.hist_leaves,
        learning_rate=settings.learning_rate,
        l2_regularization=settings.hist_l2,
        min_samples_leaf=leaf_rows,
        class_weight="balanced",
        early_stopping=False,
        random_state=seed,
    )
    return TreeSum.of(classifier.fit(inputs, labels)).to_bytes()

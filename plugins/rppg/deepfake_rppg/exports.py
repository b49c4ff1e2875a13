"""How a fitted classifier is handed to scikit-learn users, under the published file names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfake_rppg.preparation import SCALED_LIMIT

if TYPE_CHECKING:
    from deepfake_rppg.boosting import Boosters, TreeSum
    from deepfake_rppg.classifier import StackingModel
    from deepfake_rppg.preparation import Preparation

SCALER_FILE = "rppg_scaler.joblib"
SELECTOR_FILE = "rppg_selector.joblib"
CLASSIFIER_FILE = "best_rppg_ml_model.joblib"


def export(model: StackingModel, folder: Path) -> None:
    """Writes three joblib files into ``folder``; this project never reads them back.

    They hold objects of scikit-learn, XGBoost and LightGBM alone. On a table with the training columns in their order::

        p = classifier.predict_proba(selector.transform(scaler.transform(features)))[:, 1]
    """
    import joblib

    folder.mkdir(parents=True, exist_ok=True)
    candidates = len(model.preparation.importance)
    joblib.dump(_scaler(model.preparation), folder / SCALER_FILE)
    joblib.dump(_columns(model.preparation.selected).fit(np.zeros((1, candidates))), folder / SELECTOR_FILE)
    joblib.dump(_classifier(model), folder / CLASSIFIER_FILE)


# Below, each scikit-learn object is fitted on a few made-up rows that leave it with the numbers of the model.


def _columns(positions: np.ndarray) -> Any:
    from sklearn.compose import ColumnTransformer

    return ColumnTransformer([("kept", "passthrough", positions.tolist())])


def _scaler(preparation: Preparation) -> Any:
    """Pipeline from the F features to the K + M candidates of the selector."""
    import pandas as pd
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, RobustScaler

    features = pd.DataFrame(np.zeros((1, len(preparation.columns))), columns=preparation.columns.tolist())
    medians = np.tile(preparation.center, (2, 1))
    medians[1, preparation.flagged] = np.nan
    flags = np.zeros(len(preparation.flagged))
    scaler = RobustScaler().fit(np.zeros((1, len(preparation.importance))))
    scaler.center_ = np.concatenate([preparation.center, flags])
    scaler.scale_ = np.concatenate([preparation.scale, flags + 1])
    return Pipeline(
        [
            ("varying", _columns(preparation.kept).fit(features)),
            ("clip", FunctionTransformer(np.clip, kw_args={"a_min": preparation.low, "a_max": preparation.high})),
            ("impute", SimpleImputer(strategy="median", add_indicator=True).fit(medians)),
            ("scale", scaler),
            ("bound", FunctionTransformer(np.clip, kw_args={"a_min": -SCALED_LIMIT, "a_max": SCALED_LIMIT})),
        ]
    )


def _classifier(model: StackingModel) -> Any:
    """StackingClassifier on the S selected inputs."""
    from sklearn.ensemble import StackingClassifier
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LogisticRegression

    inputs = len(model.preparation.selected)
    weights = LogisticRegression().fit(np.eye(2, 3), [0, 1])
    weights.coef_ = np.array([model.coefficients])
    weights.intercept_ = np.array([model.intercept])
    stacking = StackingClassifier(_bases(model.boosters, inputs), final_estimator=FrozenEstimator(weights), cv="prefit")
    return stacking.fit(np.zeros((2, inputs)), [0, 1])


def _bases(boosters: Boosters, inputs: int) -> list[tuple[str, Any]]:
    import lightgbm as lgb
    import xgboost as xgb

    xgboost = xgb.XGBClassifier(n_jobs=1)
    xgboost.load_model(boosters.xgboost.save_raw("ubj"))
    # Training on from the model with rows that teach nothing adds no tree: the public way to a classifier object.
    lightgbm = lgb.LGBMClassifier(n_estimators=1, n_jobs=1, verbosity=-1)
    lightgbm.fit(np.zeros((2, inputs)), [0, 1], init_model=boosters.lightgbm)
    return [("xgboost", xgboost), ("lightgbm", lightgbm), ("histogram", _histogram(boosters.histogram, inputs))]


def _histogram(trees: TreeSum, inputs: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    count = len(trees.roots)
    classifier = HistGradientBoostingClassifier(max_iter=count, early_stopping=False).fit(np.zeros((2, inputs)), [0, 1])
    classifier._baseline_prediction = np.array([[trees.baseline.item()]])
    own = np.arange(len(trees.value))
    for predictor, start, end in zip(classifier._predictors, trees.roots, [*trees.roots[1:], len(own)], strict=True):
        tree = slice(start, end)
        nodes = np.zeros(end - start, predictor[0].nodes.dtype)
        nodes["value"], nodes["feature_idx"] = trees.value[tree], trees.feature[tree]
        nodes["num_threshold"], nodes["is_leaf"] = trees.threshold[tree], trees.left[tree] == own[tree]
        nodes["left"], nodes["right"] = trees.left[tree] - start, trees.right[tree] - start
        predictor[0].nodes = nodes
    return classifier

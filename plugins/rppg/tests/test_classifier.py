"""Does the rPPG classifier learn what is there, nothing that isn't, and score the same wherever it runs?"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import RobustScaler

from deepfake_core.contract.errors import InvalidTable, NoUsableVideo, UsageError
from deepfake_rppg import arrays, boosting, classifier, exports
from deepfake_rppg import preparation as prep
from deepfake_rppg.boosting import Boosters, TreeSum
from deepfake_rppg.classifier import StackingModel, fit, inner_scores
from deepfake_rppg.preparation import Preparation
from deepfake_rppg.settings import RppgSettings

QUICK = RppgSettings(rounds=40, learning_rate=0.1, selector_trees=40)
"""Same code, fewer trees."""


def people(n_people=24, n_columns=30, effect=0.0, seed=0):
    """Each person once real, once fake; column ``c05``, or the last if there are fewer, alone differs by ``effect`` sigma."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n_people), 2)
    labels = np.tile([0, 1], n_people)
    values = rng.normal(size=(2 * n_people, n_columns))
    values[:, min(5, n_columns - 1)] += effect * labels
    return pd.DataFrame(values, columns=[f"c{i:02d}" for i in range(n_columns)]), labels, person


def by_person(labels, person, folds=5):
    return list(GroupKFold(folds).split(labels, labels, person))


@pytest.fixture(scope="module")
def fitted():
    """A model on gappy data, its rows, labels and splits."""
    features, labels, person = people(effect=3.0)
    holes = np.random.default_rng(1).random(features.shape) < 0.08
    features = features.mask(holes)
    features["c29"] = 7.0
    features["c28"] = np.nan
    splits = by_person(labels, person)
    return fit(features, labels, splits, settings=QUICK, seed=3), features, labels, splits


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# --- the published values -------------------------------------------------------------------------------------------


def test_defaults_are_the_published_values():
    expected = {
        "selector_trees": 250,
        "selector_threshold": 1.2,
        "selector_keep": 10,
        "rounds": 300,
        "learning_rate": 0.02,
        "depth": 3,
        "leaves": 8,
        "subsample": 0.8,
        "colsample": 0.8,
        "reg_lambda": 10.0,
        "reg_alpha": 1.0,
        "hist_depth": 5,
        "hist_leaves": 15,
        "hist_l2": 5.0,
    }
    settings = RppgSettings()
    assert {name: getattr(settings, name) for name in expected} == expected
    assert prep.CLIP_PERCENTILES == (1, 99)
    assert prep.SCALED_LIMIT == 10


def test_published_values_reach_the_three_libraries(monkeypatch):
    features, labels, _ = people(n_people=12, effect=2.0)
    features, labels = features[6:], labels[6:]
    labels[:6] = 1  # 6 real, 12 fake
    settings = RppgSettings(rounds=7)
    seen = {}

    def recorded(self, *args, **kwargs):
        seen.update(self.get_params())
        return original(self, *args, **kwargs)

    original = HistGradientBoostingClassifier.fit
    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", recorded)
    boosters = Boosters.fit(features.to_numpy(), labels, settings=settings, seed=11)

    import xgboost as xgb

    files = boosters.to_files()
    assert boosters.xgboost.num_boosted_rounds() == boosters.lightgbm.num_trees() == len(boosters.histogram.roots) == 7
    assert max(depth_of(tree) for tree in boosters.xgboost.get_dump()) <= 3
    text = files[boosting.LIGHTGBM_FILE].decode()
    for line in (
        "[max_depth: 3]",
        "[num_leaves: 8]",
        "[learning_rate: 0.02]",
        "[bagging_fraction: 0.8]",
        "[bagging_freq: 1]",
        "[feature_fraction: 0.8]",
        "[lambda_l2: 10]",
        "[lambda_l1: 1]",
        "[num_threads: 1]",
        "[min_data_in_leaf: 2]",
    ):
        assert line in text
    histogram = {
        "max_iter": 7,
        "max_depth": 5,
        "max_leaf_nodes": 15,
        "l2_regularization": 5.0,
        "learning_rate": 0.02,
        "min_samples_leaf": 2,
        "early_stopping": False,
        "class_weight": "balanced",
        "random_state": 11,
    }
    assert {name: seen[name] for name in histogram} == histogram

    # XGBoost keeps no training parameters in a model file: a reference run with the written-out values must agree.
    reference = xgb.train(
        {
            "objective": "binary:logistic",
            "max_depth": 3,
            "learning_rate": 0.02,
            "subsample": 0.8,
            "colsample_bytree": 0.8,
            "reg_lambda": 10,
            "reg_alpha": 1,
            "scale_pos_weight": 0.5,
            "seed": 11,
        },
        xgb.DMatrix(features.to_numpy(), labels),
        7,
    )
    assert bytes(reference.save_raw("ubj")) == files[boosting.XGBOOST_FILE]

    from lightgbm import LGBMClassifier

    balanced = LGBMClassifier(
        n_estimators=7,
        max_depth=3,
        num_leaves=8,
        learning_rate=0.02,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        reg_lambda=10,
        reg_alpha=1,
        min_child_samples=2,
        class_weight="balanced",
        random_state=11,
        verbosity=-1,
    ).fit(features.to_numpy(), labels)
    np.testing.assert_allclose(
        boosters.predict(features.to_numpy())[:, 1], balanced.predict_proba(features.to_numpy())[:, 1], atol=1e-9
    )


def depth_of(tree):
    """Of an XGBoost text dump: a node is indented by one tab a level."""
    return max(len(line) - len(line.lstrip("\t")) for line in tree.splitlines())


@pytest.mark.parametrize(("rows", "least"), [(16, 2), (52, 5), (120, 12), (400, 20)])
def test_leaf_size_follows_the_number_of_rows(rows, least):
    features, labels, _ = people(n_people=rows // 2, effect=2.0)
    boosters = Boosters.fit(features.to_numpy(), labels, settings=QUICK, seed=0)
    assert f"[min_data_in_leaf: {least}]" in boosters.to_files()[boosting.LIGHTGBM_FILE].decode()
    # With the library's default of 20, LightGBM and HistGradientBoosting give every one of 16 rows the same score.
    assert all(len(np.unique(scores.round(6))) > rows // 4 for scores in boosters.predict(features.to_numpy()).T)


# --- preparation ----------------------------------------------------------------------------------------------------


def test_values_are_clipped_scaled_and_bounded_as_scikit_learn_does():
    features, labels, _ = people(n_people=100, n_columns=6)
    features["c02"] = np.exp(4 * features["c02"])  # a tail far beyond ten interquartile ranges
    model = Preparation.fit(features, labels, settings=QUICK.model_copy(update={"selector_keep": 6}), seed=0)
    assert model.selected.tolist() == list(range(6))
    clipped = np.clip(features, *np.percentile(features, (1, 99), axis=0))
    expected = np.clip(RobustScaler().fit_transform(clipped), -10, 10)
    np.testing.assert_allclose(model.transform(features), expected, rtol=0, atol=1e-12)
    assert (np.abs(expected[:, 2]) == 10).any()
    beyond = model.transform(features + 1e9)
    np.testing.assert_array_equal(beyond, model.transform(features + 1e6))


def test_columns_that_do_not_vary_are_dropped_whatever_their_unit():
    features, labels, _ = people(n_columns=4)
    features["nothing"] = np.nan
    features["constant"] = 3.7
    features["once"] = [1.0] + [np.nan] * (len(labels) - 1)
    features["rounding"] = 1e6 + 1e-3 * features["c00"]
    features["small_unit"] = 1e-12 * features["c01"]
    importance = Preparation.fit(features, labels, settings=QUICK, seed=0).importances()
    assert set(importance.index[importance.isna()]) == {"nothing", "constant", "once", "rounding"}
    assert importance.sum() == pytest.approx(1.0)


def test_a_column_of_mostly_zeros_keeps_its_shape():
    features, labels, _ = people(n_columns=3)
    sparse = np.zeros(len(labels))
    sparse[:9] = [200.0, 400.0, 800.0] * 3
    features["sparse"] = sparse
    model = Preparation.fit(features, labels, settings=QUICK.model_copy(update={"selector_keep": 4}), seed=0)
    scaled = model.transform(features)[:, 3]
    assert len(np.unique(scaled)) == 4  # an interquartile range of 0 replaced by 1 would bound all three at 10


def test_missing_values_become_the_median_and_raise_a_flag():
    features, labels, _ = people(n_columns=3)
    features.loc[[0, 5, 9], "c01"] = np.nan
    model = Preparation.fit(features, labels, settings=QUICK.model_copy(update={"selector_keep": 4}), seed=0)
    inputs = model.transform(features)
    assert inputs.shape == (len(labels), 4)
    assert inputs[:, 3].nonzero()[0].tolist() == [0, 5, 9]
    assert (inputs[[0, 5, 9], 1] == 0).all()
    at_median = features.assign(c01=features["c01"].fillna(model.center[1]))
    np.testing.assert_array_equal(model.transform(at_median)[:, :3], inputs[:, :3])
    unseen = model.transform(features.assign(c00=np.nan))
    assert unseen.shape == inputs.shape
    assert (unseen[:, 0] == 0).all()


def test_imputed_medians_do_not_narrow_the_scale():
    features, labels, _ = people(n_people=200, n_columns=2)
    half = features.copy()
    half.loc[np.random.default_rng(0).random(len(half)) < 0.6, "c01"] = np.nan
    full = Preparation.fit(features, labels, settings=QUICK, seed=0)
    gappy = Preparation.fit(half, labels, settings=QUICK, seed=0)
    assert gappy.scale[1] == pytest.approx(full.scale[1], rel=0.2)


def test_missingness_itself_can_tell():
    features, labels, person = people(n_columns=20)
    features.loc[(labels == 1) & (person % 8 > 0), "c03"] = np.nan
    splits = by_person(labels, person)
    model = fit(features, labels, splits, settings=QUICK, seed=0)
    assert model.importance().idxmax() == "c03"
    fresh, fresh_labels, _ = people(n_columns=20, seed=9)
    fresh.loc[fresh_labels == 1, "c03"] = np.nan
    assert roc_auc_score(fresh_labels, model.predict(fresh)) > 0.95


@pytest.mark.parametrize(("least", "expected"), [(1, [0, 1]), (4, [0, 1, 2, 4]), (9, [0, 1, 2, 3, 4])])
def test_selector_keeps_what_passes_and_no_fewer_than_asked(monkeypatch, least, expected):
    # Mean 0.2, so 0.24 is the bound; the first column meets it exactly.
    importance = np.array([0.24, 0.41, 0.13, 0.10, 0.12])
    monkeypatch.setattr(prep, "_importance", lambda *args, **kwargs: importance)
    features, labels, _ = people(n_columns=5)
    settings = QUICK.model_copy(update={"selector_keep": least})
    assert Preparation.fit(features, labels, settings=settings, seed=0).selected.tolist() == expected


# --- learning -------------------------------------------------------------------------------------------------------


def test_planted_feature_is_found_kept_and_generalises(fitted):
    model, features, _, _ = fitted
    importance = model.importance()
    assert importance.index.tolist() == features.columns.tolist()
    assert importance.idxmax() == "c05"
    assert 5 in model.preparation.kept[model.preparation.selected[model.preparation.selected < 28]]
    fresh, labels, _ = people(effect=3.0, seed=77)
    assert roc_auc_score(labels, model.predict(fresh)) > 0.9
    assert model.predict(fresh)[labels == 1].mean() > 0.5 > model.predict(fresh)[labels == 0].mean()


def test_noise_stays_noise():
    # 6 draws of 48 rows, half of them positive: the mean AUC's standard deviation is 0.034 for three scores that agree.
    aucs = []
    for seed in range(6):
        features, labels, person = people(seed=seed)
        scores = inner_scores(features, labels, by_person(labels, person), settings=QUICK, seed=seed)
        aucs.append([roc_auc_score(labels, column) for column in scores.T])
    np.testing.assert_allclose(np.mean(aucs, axis=0), 0.5, atol=0.11)


def test_a_persons_mark_cannot_be_learnt_by_heart():
    # Every feature names the person, and labels go by person: proper splits see chance, row splits see it all.
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(20), 4)
    labels = (rng.permutation(20) % 2)[person]
    features = pd.DataFrame(rng.normal(size=(20, 12))[person]).rename(columns=str)
    rows = [(np.flatnonzero(np.arange(80) % 4 != k), np.flatnonzero(np.arange(80) % 4 == k)) for k in range(4)]
    leaky = inner_scores(features, labels, rows, settings=QUICK, seed=0)[:, 0]
    clean = inner_scores(features, labels, by_person(labels, person), settings=QUICK, seed=0)[:, 0]
    assert roc_auc_score(labels, leaky) > 0.95
    assert roc_auc_score(labels, clean) < 0.75


def test_inner_score_of_a_row_knows_neither_its_label_nor_its_features(fitted):
    _, features, labels, splits = fitted
    before = inner_scores(features, labels, splits, settings=QUICK, seed=3)
    _, held_out = splits[2]
    flipped = np.array(labels)
    flipped[held_out] = 1 - flipped[held_out]
    after = inner_scores(features, flipped, splits, settings=QUICK, seed=3)
    np.testing.assert_array_equal(after[held_out], before[held_out])

    changed = features.copy()
    changed.iloc[held_out[0]] = 1e6
    after = inner_scores(changed, labels, splits, settings=QUICK, seed=3)
    np.testing.assert_array_equal(after[held_out[1:]], before[held_out[1:]])
    others = np.setdiff1d(np.arange(len(labels)), held_out)
    assert (after[others] != before[others]).any()  # the same row does teach the other splits


def test_weights_come_from_the_inner_scores(fitted):
    from sklearn.linear_model import LogisticRegression

    model, features, labels, splits = fitted
    scores = inner_scores(features, labels, splits, settings=QUICK, seed=3)
    expected = LogisticRegression(class_weight="balanced").fit(scores, labels)
    np.testing.assert_allclose(model.coefficients, expected.coef_[0], rtol=1e-6)
    np.testing.assert_allclose(model.intercept, expected.intercept_[0], rtol=1e-6)


def test_uncovered_rows_and_one_class_splits_are_left_out():
    features, labels, person = people(n_people=20, effect=3.0)
    splits = by_person(labels, person)
    reals = np.flatnonzero(labels == 0)
    one_class = (np.setdiff1d(reals, splits[0][1]), splits[0][1])
    scores = inner_scores(features, labels, [one_class, *splits[1:]], settings=QUICK, seed=0)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(scores).any(axis=1)), splits[0][1])
    model = fit(features, labels, [one_class, *splits[1:]], settings=QUICK, seed=0)
    without = fit(features, labels, splits[1:], settings=QUICK, seed=0)
    assert (model.coefficients, model.intercept) == (without.coefficients, without.intercept)


def test_what_cannot_be_learnt_from_is_refused():
    features, labels, person = people(n_people=6)
    splits = by_person(labels, person, folds=3)
    call = {"settings": QUICK, "seed": 0}
    with pytest.raises(NoUsableVideo, match="one class only"):
        fit(features, np.zeros(12, int), splits, **call)
    with pytest.raises(NoUsableVideo, match="0 of 12 training videos"):
        fit(features, labels, [], **call)
    with pytest.raises(NoUsableVideo, match="none of the 30 features varies"):
        fit(features * 0, labels, splits, **call)
    with pytest.raises(ValueError, match="never a row that they fit on"):
        fit(features, labels, [(np.arange(12), np.arange(3))], **call)
    with pytest.raises(ValueError, match="score each row once"):
        fit(features, labels, [splits[0], splits[0]], **call)
    with pytest.raises(ValueError, match="12 values, each 0 or 1"):
        fit(features, labels[:-1], splits, **call)
    with pytest.raises(InvalidTable, match="c00 hold infinite"):
        fit(features.assign(c00=np.inf), labels, splits, **call)
    with pytest.raises(InvalidTable, match="c00 aren't numeric"):
        fit(features.assign(c00="a"), labels, splits, **call)
    with pytest.raises(InvalidTable, match="c01 twice"):
        fit(features.rename(columns={"c00": "c01"}), labels, splits, **call)


def test_four_rows_and_two_columns_suffice():
    features = pd.DataFrame({"a": [0.0, 1.0, 0.1, 1.1], "b": [3.0, 1.0, 2.0, np.nan]})
    model = fit(features, [0, 1, 0, 1], [([0, 1], [2, 3]), ([2, 3], [0, 1])], settings=QUICK, seed=0)
    p = model.predict(features)
    assert ((p > 0) & (p < 1)).all()


# --- prediction -----------------------------------------------------------------------------------------------------


def test_one_row_scores_as_among_others(fitted):
    model, features, _, _ = fitted
    p = model.predict(features)
    assert p.dtype == np.float64
    assert len(np.unique(p)) > 20
    np.testing.assert_array_equal(np.concatenate([model.predict(features[i : i + 1]) for i in range(len(p))]), p)
    np.testing.assert_array_equal(model.predict(features[::-1])[::-1], p)
    many = pd.concat([features] * 40)
    np.testing.assert_array_equal(model.predict(many), np.tile(p, 40))
    assert model.predict(features[:0]).shape == (0,)


def test_a_row_of_nothing_still_scores(fitted):
    model, features, _, _ = fitted
    p = model.predict(features[:1] * np.nan)
    assert 0 < p[0] < 1


def test_unit_and_origin_of_a_feature_do_not_matter(fitted):
    model, features, labels, splits = fitted
    power_of_two = features * 2.0 ** np.arange(-15, 15)
    again = fit(power_of_two, labels, splits, settings=QUICK, seed=3)
    np.testing.assert_array_equal(again.predict(power_of_two), model.predict(features))
    shifted = features + 5.0
    again = fit(shifted, labels, splits, settings=QUICK, seed=3)
    np.testing.assert_allclose(again.predict(shifted), model.predict(features), atol=1e-6)


def test_columns_go_by_name(fitted):
    model, features, _, _ = fitted
    np.testing.assert_array_equal(model.predict(features[features.columns[::-1]]), model.predict(features))
    with pytest.raises(InvalidTable, match="lacks c03, c11"):
        model.predict(features.drop(columns=["c03", "c11"]))
    with pytest.raises(InvalidTable, match="unknown extra"):
        model.predict(features.assign(extra=1.0))
    with pytest.raises(InvalidTable, match="a column twice"):
        model.predict(pd.concat([features, features[["c00"]]], axis=1))
    with pytest.raises(InvalidTable, match="c04 hold infinite"):
        model.predict(features.assign(c04=-np.inf))


def test_inputs_are_left_as_they_were(fitted):
    model, features, labels, splits = fitted
    before = features.copy(deep=True)
    labels_before = labels.copy()
    fit(features, labels, splits[:2], settings=QUICK, seed=0)
    model.predict(features)
    pd.testing.assert_frame_equal(features, before)
    np.testing.assert_array_equal(labels, labels_before)


def test_tree_sum_is_scikit_learns_prediction():
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(300, 8)).round(1)  # ties with thresholds
    labels = (inputs[:, 0] + inputs[:, 1] * inputs[:, 2] + rng.normal(size=300) > 0.4).astype(int)
    reference = HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=0).fit(inputs, labels)
    trees = TreeSum.of(reference)
    unseen = rng.normal(size=(500, 8)).round(1) * 2
    np.testing.assert_array_equal(trees.predict(unseen), reference.predict_proba(unseen)[:, 1])
    np.testing.assert_array_equal(TreeSum.from_bytes(trees.to_bytes()).predict(unseen), trees.predict(unseen))


# --- determinism and files ------------------------------------------------------------------------------------------

FRESH = """
import sys, pathlib, pandas as pd, numpy as np
from deepfake_rppg.classifier import fit
from deepfake_rppg.settings import RppgSettings
folder = pathlib.Path(sys.argv[1])
rows = np.load(folder / "rows.npz")
features = pd.DataFrame(rows["values"], columns=rows["columns"])
splits = [(rows[f"train{k}"], rows[f"test{k}"]) for k in range(5)]
settings = RppgSettings.model_validate_json((folder / "settings.json").read_text())
model = fit(features, rows["labels"], splits, settings=settings, seed=3)
model.save(folder / "model")
np.save(folder / "p.npy", model.predict(features))
"""


def test_same_model_in_a_fresh_process_with_any_number_of_threads(fitted, tmp_path):
    model, features, labels, splits = fitted
    model.save(tmp_path / "here")
    rows = {"values": features.to_numpy(), "columns": features.columns.to_numpy(str), "labels": labels}
    for k, (train, test) in enumerate(splits):
        rows |= {f"train{k}": train, f"test{k}": test}
    np.savez(tmp_path / "rows.npz", **rows)
    (tmp_path / "settings.json").write_text(QUICK.model_dump_json())
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "4")
    path = os.pathsep.join([str(Path(classifier.__file__).parents[1]), *filter(None, sys.path)])
    subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path)],
        env={**os.environ, **threads, "PYTHONPATH": path, "PYTHONHASHSEED": "7"},
        check=True,
    )
    assert contents(tmp_path / "model") == contents(tmp_path / "here")
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), model.predict(features))


def test_fitting_takes_one_thread(monkeypatch):
    from threadpoolctl import threadpool_info

    threads = []

    def recorded(cls, *args, **kwargs):
        threads.extend(pool["num_threads"] for pool in threadpool_info())
        return original(*args, **kwargs)

    original = Boosters.fit
    monkeypatch.setattr(Boosters, "fit", classmethod(recorded))
    features, labels, person = people(n_people=6)
    fit(features, labels, by_person(labels, person, folds=3), settings=QUICK, seed=0)
    assert set(threads) == {1}


def test_seed_matters_and_may_be_any_whole_number(fitted):
    model, features, labels, splits = fitted
    other = fit(features, labels, splits, settings=QUICK, seed=2**63 + 1)
    assert (other.predict(features) != model.predict(features)).any()


def test_a_loaded_model_is_the_saved_one(fitted, tmp_path):
    model, features, _, _ = fitted
    model.save(tmp_path / "first")
    loaded = StackingModel.load(tmp_path / "first")
    np.testing.assert_array_equal(loaded.predict(features), model.predict(features))
    pd.testing.assert_series_equal(loaded.importance(), model.importance())
    loaded.save(tmp_path / "second")
    assert contents(tmp_path / "second") == contents(tmp_path / "first")
    assert set(contents(tmp_path / "first")) == {
        "stacking.json",
        "preparation.npz",
        "xgboost.ubj",
        "lightgbm.txt",
        "histogram.npz",
    }


class Bomb:
    """Creates a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def planted(kind, bomb):
    if kind == "pickle":
        return pickle.dumps(bomb)
    file = io.BytesIO()
    if kind == "joblib":
        joblib.dump(bomb, file)
    if kind == "object array":
        np.save(file, np.array([bomb], dtype=object), allow_pickle=True)
    if kind == "npz of objects":
        names = [*Preparation.__dataclass_fields__, *TreeSum.__dataclass_fields__]
        np.savez(file, **dict.fromkeys(names, np.array([bomb], dtype=object)))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["pickle", "joblib", "object array", "npz of objects"])
@pytest.mark.parametrize("name", ["preparation.npz", "xgboost.ubj", "lightgbm.txt", "histogram.npz"])
def test_a_planted_pickle_is_refused_even_with_a_matching_checksum(fitted, tmp_path, name, kind):
    model, *_ = fitted
    model.save(tmp_path / "model")
    evil = planted(kind, Bomb(tmp_path / "exploded"))
    (tmp_path / "model" / name).write_bytes(evil)
    manifest = tmp_path / "model" / "stacking.json"
    content = json.loads(manifest.read_text())
    content["sha256"][name] = hashlib.sha256(evil).hexdigest()
    manifest.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="can't be read") as refusal:
        StackingModel.load(tmp_path / "model")
    assert name in str(refusal.value)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["stacking.json", "preparation.npz", "xgboost.ubj", "lightgbm.txt", "histogram.npz"])
def test_a_missing_or_broken_off_file_is_named(fitted, tmp_path, name):
    model, *_ = fitted
    model.save(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="can't be read"):
        StackingModel.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UsageError, match=name):
        StackingModel.load(tmp_path)


def test_arrays_name_what_is_absent():
    with pytest.raises(ValueError, match="lacks b"):
        arrays.unpack(arrays.pack({"a": np.arange(3)}), ["a", "b"])


# --- exports --------------------------------------------------------------------------------------------------------


def test_exported_objects_reproduce_the_predictions(fitted, tmp_path):
    model, features, _, _ = fitted
    model.save(tmp_path / "model")
    exports.export(StackingModel.load(tmp_path / "model"), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaler = joblib.load(tmp_path / "rppg_scaler.joblib")
        selector = joblib.load(tmp_path / "rppg_selector.joblib")
        stacking = joblib.load(tmp_path / "best_rppg_ml_model.joblib")
        p = stacking.predict_proba(selector.transform(scaler.transform(features)))[:, 1]
    np.testing.assert_allclose(p, model.predict(features), rtol=0, atol=1e-12)
    assert stacking.classes_.tolist() == [0, 1]


def test_exported_objects_need_nothing_of_this_project(fitted, tmp_path):
    model, features, _, _ = fitted
    exports.export(model, tmp_path)
    features.to_parquet(tmp_path / "features.parquet")
    script = (
        "import sys, joblib, pandas, pathlib\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "a, b, c = [joblib.load(folder / name) for name in sys.argv[2:]]\n"
        "c.predict_proba(b.transform(a.transform(pandas.read_parquet(folder / 'features.parquet'))))\n"
        "assert not [name for name in sys.modules if name.startswith('deepfake')]\n"
    )
    names = [exports.SCALER_FILE, exports.SELECTOR_FILE, exports.CLASSIFIER_FILE]
    subprocess.run([sys.executable, "-c", script, str(tmp_path), *names], check=True)

"""Are these the published trees, kept, applied and explained as XGBoost itself would?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from scipy.special import logit

from deepfake_core import FusedModel, InvalidTable
from deepfake_core.contract.errors import InvalidSetting
from deepfake_core.contract.settings import Settings
from deepfake_core.plugins import ensemble, load_fuser
from deepfake_core.testing.fusers import joined_table
from deepfake_xgboost_meta.plugin import METACLASSIFIER, MetaSettings
from deepfake_xgboost_meta.trees import COLUMNS_FILE, TREES_FILE, Trees

SEED = 3
QUICK = MetaSettings(trees=30)
STREAMS = ("one", "two", "three")
FEATURES = [f"{name}_{what}" for name in STREAMS for what in ("p", "f00", "f01", "f02", "f03")]
SCORES = [f"{name}_p" for name in STREAMS]


@pytest.fixture
def oof() -> pd.DataFrame:
    """160 videos, a third of them fake, the third stream silent on every seventh."""
    table = joined_table(240)
    return table[(table["label"] == 0) | (table.index % 4 == 1)].head(160).reset_index(drop=True)


def learned(oof: pd.DataFrame, folder: Path, settings: Settings = QUICK) -> FusedModel:
    folder.mkdir()
    return load_fuser("xgboost_meta").fuse(oof, settings, folder, SEED)


def booster(model: FusedModel) -> xgb.Booster:
    found = xgb.Booster()
    found.load_model(model.dir / TREES_FILE)
    return found


def test_the_published_settings_come_first():
    info = load_fuser("xgboost_meta").info
    assert next(iter(info.presets)) == "paper" and info.needs_embeddings
    paper = load_fuser("xgboost_meta").settings("")
    assert (paper.trees, paper.depth, paper.learning_rate, paper.features) == (800, 7, 0.05, "all")


@pytest.mark.parametrize(("features", "columns"), [("all", FEATURES), ("scores", SCORES)])
def test_it_is_what_xgboost_s_own_classifier_learns(oof, tmp_path, features, columns):
    settings = MetaSettings(trees=40, features=features)
    model = learned(oof, tmp_path / "model", settings)
    reals, fakes = (oof["label"] == 0).sum(), (oof["label"] == 1).sum()
    reference = xgb.XGBClassifier(
        objective="binary:logistic",
        n_estimators=40,
        max_depth=7,
        learning_rate=0.05,
        tree_method="hist",
        scale_pos_weight=reals / fakes,
        random_state=SEED,
        n_jobs=1,
    ).fit(oof[columns].to_numpy(np.float32), oof["label"])
    new = joined_table(60, seed=1)
    expected = reference.predict_proba(new[columns].to_numpy(np.float32))[:, 1]
    p = load_fuser("xgboost_meta").predict(model, new[["video_id", *FEATURES]], settings)
    np.testing.assert_array_equal(p, expected.astype(np.float64))
    assert json.loads((model.dir / COLUMNS_FILE).read_text()) == columns
    assert booster(model).num_boosted_rounds() == 40


def test_classes_weigh_the_same_in_each_fit(oof, tmp_path):
    def weight(table: pd.DataFrame, name: str) -> float:
        settings = json.loads(booster(learned(table, tmp_path / name)).save_config())
        return float(settings["learner"]["objective"]["reg_loss_param"]["scale_pos_weight"])

    fakes = oof["label"] == 1
    assert weight(oof, "all") == pytest.approx((~fakes).sum() / fakes.sum())
    some = oof.drop(index=oof.index[fakes][::2]).reset_index(drop=True)
    assert weight(some, "some") == pytest.approx((~fakes).sum() / (some["label"] == 1).sum())


def test_silence_is_an_answer_of_its_own(tmp_path):
    """What no number could stand for: fakes are those that one stream says nothing of."""
    oof = joined_table(80)[["video_id", "label", "one_p"]].assign(one_p=0.5)
    oof.loc[oof["label"] == 1, "one_p"] = np.nan
    model = learned(oof, tmp_path / "model")
    new = pd.DataFrame({"video_id": ["a", "b"], "one_p": [np.nan, 0.5]})
    p = load_fuser("xgboost_meta").predict(model, new, QUICK)
    assert p[0] > 0.75 and p[1] < 0.25


def test_more_threads_make_the_same_model(oof, tmp_path):
    one, two = (
        learned(oof, tmp_path / name, MetaSettings(trees=10, threads=n)) for name, n in (("one", 1), ("two", 2))
    )
    assert (one.dir / TREES_FILE).read_bytes() == (two.dir / TREES_FILE).read_bytes()


def test_contributions_and_a_constant_are_the_log_odds(oof, tmp_path):
    fuser, model, new = load_fuser("xgboost_meta"), learned(oof, tmp_path / "model"), joined_table(60, seed=1)
    table = new[["video_id", *FEATURES]]
    added = fuser.explain(model, table, QUICK)
    rest = logit(fuser.predict(model, table, QUICK)) - added.sum(axis=1)
    assert np.ptp(rest) < 1e-4 and added.abs().to_numpy().max() > 0.5
    matrix = xgb.DMatrix(table[FEATURES].to_numpy(np.float32))
    bias = booster(model).predict(matrix, pred_contribs=True)[:, -1]
    np.testing.assert_allclose(rest, bias, atol=1e-4)


def test_what_a_tree_never_asks_adds_nothing(oof, tmp_path):
    oof["three_f01"] = 7.0
    model = learned(oof, tmp_path / "model")
    added = load_fuser("xgboost_meta").explain(model, oof[["video_id", *FEATURES]], QUICK)
    assert (added["three_f01"] == 0).all() and (added["one_p"] != 0).any()


def test_a_missing_column_is_named(oof, tmp_path):
    fuser, model = load_fuser("xgboost_meta"), learned(oof, tmp_path / "model")
    table = oof[["video_id", *FEATURES]].drop(columns=["two_f03", "three_p"])
    for ask in (fuser.predict, fuser.explain):
        with pytest.raises(InvalidTable, match=r"lacks the column\(s\) two_f03, three_p") as caught:
            ask(model, table, QUICK)
        assert "features=scores" in caught.value.hint


def test_columns_in_another_order_and_further_ones_change_nothing(oof, tmp_path):
    fuser, model = load_fuser("xgboost_meta"), learned(oof, tmp_path / "model")
    table = oof[["video_id", *FEATURES]]
    other = table[["video_id", *FEATURES[::-1]]].assign(four_p=0.5)
    np.testing.assert_array_equal(fuser.predict(model, other, QUICK), fuser.predict(model, table, QUICK))


def test_streams_without_embeddings_are_fused_by_their_scores(oof, tmp_path):
    model = learned(oof[["video_id", "label", *SCORES]], tmp_path / "model")
    assert Trees.read(model.dir).columns == tuple(SCORES)


def test_the_streams_of_the_two_layer_system():
    assert METACLASSIFIER.streams == ("resnet50", "xception_frames", "arcface_lite", "emotionnet_lite")
    assert ensemble("metaclassifier", METACLASSIFIER.streams) == METACLASSIFIER
    assert METACLASSIFIER.fuser == "xgboost_meta"


@pytest.mark.parametrize("overrides", ["features=embeddings", "trees=0", "learning_rate=0", "rounds=5"])
def test_settings_that_make_no_sense_are_refused(overrides):
    with pytest.raises(InvalidSetting):
        load_fuser("xgboost_meta").settings(overrides)

"""The fuse step with the meta-classifier: its table, its pictures, its model."""

from __future__ import annotations

import json
import shutil

import mlflow
import numpy as np
import pandas as pd
import pytest

from deepfake_core.contract import tables
from deepfake_core.contract.records import FusedModel
from deepfake_core.detector.detector import FUSER_DIR
from deepfake_core.detector.manifest import MANIFEST_FILE
from deepfake_core.plugins import installed, load_fuser
from deepfake_core.steps import fuse
from tests.conftest import toys_run

OVERRIDES = "trees=20"


@pytest.fixture(scope="module")
def index(tmp_path_factory, empty_tracking_store):
    """Both toys, run on an index; each has an embedding of two numbers."""
    with toys_run(tmp_path_factory, empty_tracking_store) as (path, _):
        yield str(path)


@pytest.fixture(scope="module")
def result(index, tmp_path_factory):
    out = tmp_path_factory.mktemp("result")
    return fuse.run("toys", index, fuser="xgboost_meta", overrides=OVERRIDES, register=False, out=out)


def test_meta_features_hold_every_video_and_what_each_stream_said(result):
    table = pd.read_csv(result.out / "exports/ensemble" / tables.META_FEATURES_FILE)
    columns = ["toy_p", "toy_f00", "toy_f01", "blurry_p", "blurry_f00", "blurry_f01"]
    assert list(table) == ["video_id", "label", "fold", "identity", *columns]
    joined = result.findings.joined.table
    assert list(table["video_id"]) == list(joined["video_id"]) and len(table) == 40
    np.testing.assert_allclose(table[columns], joined[columns], rtol=1e-6)


def test_single_encoders_and_the_meta_classifier_stand_side_by_side(result):
    metrics = pd.read_csv(result.out / "exports/ensemble" / tables.ENSEMBLE_METRICS_FILE).set_index("score")
    assert list(metrics.index) == ["toy", "blurry", "xgboost_meta", "P_final"]
    assert (metrics["scored"] == 40).all()
    assert metrics["auc"].between(metrics["auc_low"] - 1e-9, metrics["auc_high"] + 1e-9).all()
    text = (result.out / "report.md").read_text()
    gain = result.findings.differences.set_index("against").loc["toy"]
    assert f"{gain['difference']:.3f} [{gain['low']:.3f}, {gain['high']:.3f}]" in text
    assert "AUC of P_final minus its AUC" in text


def test_the_report_says_what_the_scores_are_made_of(result):
    text = (result.out / "report.md").read_text()
    for section in ("What the scores are made of", "The strongest columns", "A map of the videos"):
        assert f"## {section}" in text
    for row in result.findings.importance.itertuples():
        assert f"| {row.stream} | 3 | {row.importance:.3f} [{row.low:.3f}, {row.high:.3f}] | {row.share:.0%} |" in text
    names = [item.path for item in mlflow.artifacts.list_artifacts(run_id=result.run_id, artifact_path="figures")]
    assert {"figures/importance.png", "figures/strongest.png", "figures/map.png"} <= set(names)


def test_the_kept_model_is_what_all_videos_taught(result):
    assert sorted(path.name for path in (result.out / FUSER_DIR).iterdir()) == ["columns.json", "xgboost.ubj"]
    content = json.loads((result.out / MANIFEST_FILE).read_text())
    fuser = load_fuser(content["fuser"]["name"])
    settings = fuser.settings(OVERRIDES)
    assert settings.model_dump(mode="json") == content["fuser"]["settings"]
    table = result.findings.rows.table
    columns = ["video_id", *tables.input_columns(table)]
    p = fuser.predict(FusedModel(result.out / FUSER_DIR), table[columns], settings)
    np.testing.assert_array_equal(p, result.findings.found["xgboost_meta"].naive)


def test_best_chooses_among_all_and_leaves_nothing_of_a_model_that_was_there(result, index, tmp_path):
    shutil.copytree(result.out / FUSER_DIR, tmp_path / FUSER_DIR)
    findings = fuse.run("toy", index, register=False, out=tmp_path).findings
    assert sorted(findings.found) == [listing.name for listing in installed("fusers")]
    # Of a single stream all weighted means rank alike, and the first by name that needs no embeddings is taken.
    assert findings.nested.final.fuser == "auc_weighted"
    assert [path.name for path in (tmp_path / FUSER_DIR).iterdir()] == ["model.json"]
    # ... and what it adds to nothing is no question.
    assert "What each stream adds" not in (tmp_path / "report.md").read_text()
    assert "What each stream adds" in (result.out / "report.md").read_text()

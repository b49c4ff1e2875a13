"""The fuse step: from the runs of streams to files that say how good their fusion is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from deepfake_core.contract import tables
from deepfake_core.contract.errors import InvalidSetting, UnknownPlugin, UsageError
from deepfake_core.contract.records import FusedModel
from deepfake_core.data.index import make_index, read_index, write_index
from deepfake_core.detector.detector import FUSER_DIR
from deepfake_core.detector.manifest import Manifest
from deepfake_core.evaluation.calibration import Calibrator
from deepfake_core.evaluation.metrics import auc, decision_metrics
from deepfake_core.plugins import load_fuser
from deepfake_core.steps import fuse, stream
from tests.conftest import toys_run

FUSERS = "auc_weighted,logistic,mean,rank_mean,simplex"
"""What is chosen from where it doesn't matter what: those that are quick."""


@pytest.fixture(scope="module")
def world(tmp_path_factory, empty_tracking_store):
    """A home with both toys, and with both run on an index."""
    with toys_run(tmp_path_factory, empty_tracking_store) as made:
        yield made


@pytest.fixture(scope="module")
def toy_index(world) -> Path:
    return world[0]


@pytest.fixture(scope="module")
def runs(world) -> list[str]:
    return world[1]


@pytest.fixture(scope="module")
def result(world, tmp_path_factory):
    return fuse.run("toys", str(world[0]), fuser=FUSERS, out=tmp_path_factory.mktemp("result"))


def test_a_run_with_report_tables_figures_and_model(result, tmp_path):
    run = mlflow.get_run(result.run_id)
    tags = {key.removeprefix("deepfake."): value for key, value in run.data.tags.items()}
    assert (tags["step"], tags["ensemble"], tags["streams"], tags["fuser"]) == ("fuse", "toys", "toy,blurry", FUSERS)
    assert tags["finished"] == "True" and tags["chosen"] in result.findings.found
    final = result.findings.final
    assert run.data.metrics["auc"] == pytest.approx(final["auc"])
    assert run.data.metrics["optimism"] == pytest.approx(result.findings.optimism.optimism)
    assert run.data.metrics["coverage"] == 1
    folder = Path(mlflow.artifacts.download_artifacts(run_id=result.run_id, dst_path=str(tmp_path / "artifacts")))
    assert json.loads((folder / "leakage_certificate.json").read_text())["verdict"] == "clean"
    for name in (
        "roc",
        "auc",
        "decisions",
        "scores",
        "correlation",
        "reliability",
        "methods",
        "optimism",
        "stream_value",
        "importance",
        "strongest",
        "map",
    ):
        assert (folder / "figures" / f"{name}.png").stat().st_size > 5000
    assert (folder / "exports/ensemble/ensemble_evaluation_plots.png").stat().st_size > 20000
    assert (folder / "report.md").read_bytes() == (result.out / "report.md").read_bytes()


def test_predictions_hold_all_scores_and_how_each_was_made(result):
    table = pd.read_csv(result.out / "exports/ensemble" / tables.ENSEMBLE_PREDICTIONS_FILE)
    columns = ["video_id", "label", "fold", "P_toy", "P_blurry", *(f"P_{name}" for name in FUSERS.split(","))]
    assert list(table) == [*columns, "P_final", "pred_final", "method", "threshold"]
    assert len(table) == 40 and table["P_final"].between(0, 1).all()
    assert (table["pred_final"] == (table["P_final"] >= table["threshold"])).all()
    np.testing.assert_allclose(table["P_mean"], table[["P_toy", "P_blurry"]].mean(axis=1))
    choices = [choice.fuser for choice in result.findings.nested.choices]
    assert list(table["method"]) == [choices[fold] for fold in table["fold"]]


def test_metrics_are_those_of_the_predictions_inside_their_intervals(result):
    table = pd.read_csv(result.out / "exports/ensemble" / tables.ENSEMBLE_PREDICTIONS_FILE)
    metrics = pd.read_csv(result.out / "exports/ensemble" / tables.ENSEMBLE_METRICS_FILE).set_index("score")
    for score in metrics.index:
        column = score if score == "P_final" else f"P_{score}"
        assert metrics.loc[score, "auc"] == pytest.approx(auc(table["label"], table[column]))
    expected = decision_metrics(table["label"], table["pred_final"])
    for name, value in expected.items():
        row = metrics.loc["P_final"]
        assert row[name] == pytest.approx(value)
        assert row[f"{name}_low"] <= value <= row[f"{name}_high"]


def test_the_kept_model_scores_a_single_video(result):
    content = Manifest.read(result.out)
    fuser = load_fuser(content.fuser.name)
    row = pd.DataFrame({"video_id": ["new"], "toy_p": [0.9], "blurry_p": [0.7]})
    p = fuser.predict(FusedModel(result.out / FUSER_DIR), row, fuser.settings(""))
    calibrated = Calibrator.from_json(content.calibrator)(p)
    assert calibrated[0] > 0.5 and 0 < content.threshold < 1
    assert [part.name for part in content.streams] == ["toy", "blurry"]


def test_the_report_says_it_in_words_and_pictures(result):
    text = (result.out / "report.md").read_text()
    found = result.findings
    assert f"Nested AUC {found.optimism.nested:.3f}" in text
    assert f"would show {found.optimism.naive:.3f}: an optimism of {found.optimism.optimism:+.3f}" in text
    assert "| before |" in text and "| after |" in text
    for name in re.findall(r"\]\((figures/\w+\.png)\)", text):
        assert (result.out / name).exists()
    page = (result.out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == text.count("](figures/")
    assert "http" not in page.split("</style>")[1].replace("data:image", "")
    for row in found.values.itertuples():
        assert f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" in text


def test_the_same_twice(result, toy_index, tmp_path):
    again = fuse.run("toys", str(toy_index), fuser=FUSERS, out=tmp_path / "again", register=False)
    for name in ("report.md", "fused.parquet", "fuser/model.json"):
        assert (again.out / name).read_bytes() == (result.out / name).read_bytes()


def test_an_ensemble_may_have_a_fuser_of_its_own(runs, toy_index):
    found = fuse.run("averaged", str(toy_index), register=False).findings
    assert list(found.found) == ["mean"]
    named = fuse.run("averaged", str(toy_index), fuser="logistic", register=False).findings
    assert list(named.found) == ["logistic"]


def test_the_official_test_split_is_reported_apart(toy_index, tmp_path):
    index = read_index(toy_index)
    split = ["train"] * 10 + ["val"] * 4 + ["test"] * 6
    official = tmp_path / "official.csv"
    write_index(make_index([replace(v, split=split[int(v.identities[0][1:])]) for v in index.videos], "toy"), official)
    for name in ("toy", "blurry"):
        run = stream.run(name, str(official), folds_given="official", workers="1", refit=False).run_id
    assert mlflow.get_run(run).data.params["protocol"] == "official"
    found = fuse.run("toys", str(official), fuser=FUSERS, folds_given="official", register=False, out=tmp_path / "out")
    predictions = pd.read_csv(found.out / "exports/ensemble" / tables.ENSEMBLE_PREDICTIONS_FILE)
    test = predictions[predictions["video_id"].str.split("__").str[2].astype(int) >= 14]
    assert len(test) == 12 and (test["fold"] == 0).all()
    written = pd.read_csv(found.out / "exports/ensemble" / tables.OFFICIAL_METRICS_FILE).set_index("score")
    assert written.loc["P_final", "auc"] == pytest.approx(roc_auc_score(test["label"], test["P_final"]))
    assert written.loc["toy", "auc"] == pytest.approx(roc_auc_score(test["label"], test["P_toy"]))
    assert mlflow.get_run(found.run_id).data.metrics["official_auc"] == pytest.approx(written.loc["P_final", "auc"])
    assert "The official test split" in (found.out / "report.md").read_text()


def test_other_folds_have_no_official_part(result):
    assert not (result.out / "exports/ensemble" / tables.OFFICIAL_METRICS_FILE).exists()
    assert "official" not in (result.out / "report.md").read_text()


def test_one_fuser_with_settings(runs, toy_index):
    found = fuse.run("toys", str(toy_index), fuser="logistic", overrides="c=0.1", register=False).findings
    assert list(found.found) == ["logistic"]
    with pytest.raises(UsageError, match="several fusers"):
        fuse.run("toys", str(toy_index), fuser="mean,logistic", overrides="c=0.1")
    with pytest.raises(InvalidSetting, match="'d'"):
        fuse.run("toys", str(toy_index), fuser="logistic", overrides="d=0.1")
    with pytest.raises(UnknownPlugin, match="median"):
        fuse.run("toys", str(toy_index), fuser="median")


def test_streams_of_other_folds_are_refused(runs, toy_index):
    with pytest.raises(UsageError, match=r"'toy' hasn't been run on index .* with folds .*: its newest run has index"):
        fuse.run("toys", str(toy_index), folds_given="4")
    with pytest.raises(UsageError, match="has folds_digest"):
        fuse.run("toys", str(toy_index), folds_given="4", runs=runs)


def test_runs_can_be_named(runs, toy_index):
    result = fuse.run("toys", str(toy_index), fuser="mean", runs=runs[:1], register=False)
    assert result.findings.joined.streams == ("toy",)
    with pytest.raises(UsageError, match="two runs of stream 'toy'"):
        fuse.run("toys", str(toy_index), runs=[runs[0], runs[0]])
    with pytest.raises(UsageError, match="no run 'abc'"):
        fuse.run("toys", str(toy_index), runs=["abc"])
    with pytest.raises(UsageError, match="is no stream run"):
        fuse.run("toys", str(toy_index), runs=[result.run_id])


def test_an_unknown_rule_or_ensemble_is_an_error_at_once(toy_index):
    with pytest.raises(UsageError, match="rule"):
        fuse.run("toys", str(toy_index), threshold="best")
    with pytest.raises(UnknownPlugin, match=r"'toy_s' among the installed ensembles: .*toys"):
        fuse.run("toy_s", str(toy_index))
    with pytest.raises(UnknownPlugin, match="'tay' among the installed streams"):
        fuse.run("toy,tay", str(toy_index))


def test_a_file_of_anybody_stands_for_a_stream(runs, toy_index, tmp_path):
    index = pd.read_csv(toy_index)
    theirs = pd.DataFrame(
        {"video": index["video_id"], "true_label": index["label"], "P_CNN": 0.3 + 0.4 * index["label"]}
    )
    theirs.to_csv(tmp_path / "theirs.csv", index=False)
    given = {"theirs": tmp_path / "theirs.csv"}
    result = fuse.run("toy,theirs", str(toy_index), fuser="mean", predictions=given, out=tmp_path / "out")
    assert result.findings.joined.streams == ("toy", "theirs")
    assert "The scores of theirs came from files" in (result.out / "report.md").read_text()
    with pytest.raises(UsageError, match="given for theirs, not in the ensemble toy"):
        fuse.run("toy", str(toy_index), predictions=given)

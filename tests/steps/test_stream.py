"""The stream step: from an index to an out-of-fold table in one MLflow run, resumable and repeatable to the byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from deepfake_core.contract.errors import FoldsImpossible, HookFailed, LeakageFound, NoUsableVideo, UsageError
from deepfake_core.data.index import Index, read_index, write_index
from deepfake_core.steps import stream
from tests.conftest import write_toy_index


def artifacts(run_id: str, folder: Path) -> Path:
    return Path(mlflow.artifacts.download_artifacts(run_id=run_id, dst_path=str(folder)))


def children(run_id: str) -> dict[str, mlflow.entities.Run]:
    experiment = mlflow.get_experiment_by_name("deepfake").experiment_id
    found = mlflow.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'", output_format="list")
    return {run.info.run_name: run for run in found}


@pytest.fixture
def result(toy, toy_index):
    return stream.run(toy, str(toy_index), workers="1")


def test_run_holds_table_certificate_folds_and_figures(result, toy_index, tmp_path):
    index = read_index(toy_index)
    run = mlflow.get_run(result.run_id)
    assert run.info.status == "FINISHED"
    tags = {key.removeprefix("deepfake."): value for key, value in run.data.tags.items() if key.startswith("deepfake.")}
    assert tags["step"] == "stream"
    assert tags["stream"] == "toy"
    assert tags["preset"] == "demo"
    assert tags["plugin"] == "deepfake-toy 1.0"
    assert tags["index_digest"] == index.digest
    assert {"folds_digest", "settings_digest", "core_version"} <= set(tags)
    assert run.inputs.dataset_inputs[0].dataset.digest == index.digest
    assert run.data.metrics["auc"] == pytest.approx(result.metrics["auc"])

    folder = artifacts(result.run_id, tmp_path / "artifacts")
    oof = pd.read_parquet(folder / "oof.parquet")
    assert list(oof["video_id"]) == [video.video_id for video in index.videos]
    assert oof["p"].between(0, 1).all()
    assert list(oof.columns[-2:]) == ["f000", "f001"]
    assert json.loads((folder / "leakage_certificate.json").read_text())["verdict"] == "clean"
    assert json.loads((folder / "settings.json").read_text())["width"] == 0.2
    for name in ("roc", "fold_aucs", "score_distributions"):
        assert (folder / "figures" / f"{name}.png").stat().st_size > 5000
    exported = pd.read_csv(folder / "exports" / "toy" / "toy_predictions.csv")
    assert list(exported.columns) == ["video_id", "label", "P_toy", "fold"]
    assert (folder / "exports" / "toy" / "model.json").exists()
    assert {"folds.csv", "extracted.csv", "fold_metrics.csv", "master_dataset_index.csv"} <= {
        path.name for path in folder.iterdir()
    }


def test_each_fold_is_a_child_run_with_its_metrics(result):
    runs = children(result.run_id)
    assert set(runs) == {"fold 0", "fold 1", "fold 2", "fold 3", "fold 4", "refit"}
    for name, run in runs.items():
        assert ("auc" in run.data.metrics) == (name != "refit")
        history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "mean")
        assert [metric.step for metric in history] == [0, 1]


def test_scores_come_from_the_fold_that_held_the_video_out(result, toy_index):
    """The toy's model is the mean of the two class means: each score can be computed by hand."""
    oof = result.oof.set_index("video_id")
    number = {v.video_id: float(v.path.read_text().split()[0]) for v in read_index(toy_index).videos}
    from deepfake_core.steps.folds import draw

    for plan in draw(read_index(toy_index), "5", 42).plans:
        means = [np.mean([number[v.video_id] for v in plan.train if v.label == label]) for label in (0, 1)]
        for video in plan.held_out:
            expected = 1 / (1 + np.exp(-(number[video.video_id] - np.mean(means)) / 0.2))
            assert oof.loc[video.video_id, "p"] == pytest.approx(expected)
            assert oof.loc[video.video_id, "fold"] == plan.index


def test_two_runs_are_equal_to_the_byte(toy, toy_index, tmp_path):
    runs = [
        stream.run(toy, str(toy_index), workers=workers, reuse=reuse)
        for workers, reuse in (("1", True), ("2", False), ("1", True))
    ]
    found = {(artifacts(r.run_id, tmp_path / str(i)) / "oof.parquet").read_bytes() for i, r in enumerate(runs)}
    assert len(found) == 1


def test_seed_and_settings_change_what_they_should(toy, toy_index):
    base = stream.run(toy, str(toy_index), workers="1", refit=False)
    other = stream.run(toy, str(toy_index), workers="1", refit=False, overrides="width=0.5", seed=1)
    one, two = (mlflow.get_run(r.run_id).data.tags for r in (base, other))
    assert one["deepfake.index_digest"] == two["deepfake.index_digest"]
    assert one["deepfake.folds_digest"] != two["deepfake.folds_digest"]
    assert one["deepfake.settings_digest"] != two["deepfake.settings_digest"]
    assert not np.allclose(base.oof["p"], other.oof["p"])
    assert "refit" not in children(base.run_id)


def test_failed_fold_is_named_marked_and_leaves_the_others(toy, toy_index):
    with pytest.raises(HookFailed, match="planned failure") as caught:
        stream.run(toy, str(toy_index), workers="1", overrides="fail_in_fold=3")
    assert "deepfake-toy" in str(caught.value)
    failed = mlflow.search_runs(search_all_experiments=True, filter_string="attributes.status = 'FAILED'")
    assert failed["tags.deepfake.error"].str.contains("planned failure").any()


KILLED = """
import sys
from deepfake_core.steps import stream
stream.run("toy", sys.argv[1], workers="1", overrides="die_in_fold=3")
"""


def test_killed_in_fold_three_and_resumed_equals_an_uninterrupted_run(toy, toy_index, home, tmp_path, monkeypatch):
    """Fold 3 kills the process the first time it is trained; folds 0 to 2 are not trained again."""
    import importlib

    toy_stream = importlib.import_module("toy_stream")
    died = subprocess.run([sys.executable, "-c", KILLED, str(toy_index)], capture_output=True, check=False)
    assert died.returncode == 9
    kept = sorted((home / "home" / "store" / "entries" / "fold-toy").rglob("entry.json"))
    assert len(kept) == 3

    trained = []
    monkeypatch.setattr(toy_stream.os, "_exit", lambda code: trained.append("fold 3"))
    resumed = stream.run(toy, str(toy_index), workers="1", overrides="die_in_fold=3")
    assert trained == ["fold 3"]
    assert set(kept) <= set((home / "home" / "store" / "entries" / "fold-toy").rglob("entry.json"))
    fresh = stream.run(toy, str(toy_index), workers="1", overrides="die_in_fold=3", reuse=False)
    one, two = (artifacts(r.run_id, tmp_path / r.run_id) / "oof.parquet" for r in (resumed, fresh))
    assert one.read_bytes() == two.read_bytes()


def test_unusable_videos_keep_their_rows(toy, toy_index):
    videos = read_index(toy_index).videos
    videos[0].path.write_text("no face")
    videos[1].path.write_text("rubbish")
    videos[2].path.unlink()
    result = stream.run(toy, str(toy_index), workers="1")
    oof = result.oof
    assert list(oof["status"][:4]) == ["no_face", "decode_error", "missing", "ok"]
    assert oof["p"][:3].isna().all()
    assert oof["p"][3:].notna().all()
    assert json.loads(oof["quality"][0]) == {"detail": "0 of 10 frames"}
    assert len(oof) == len(videos)
    assert result.metrics["coverage"] == pytest.approx(37 / 40)


def test_too_few_usable_videos_name_the_fold(toy, toy_index):
    for video in read_index(toy_index).videos:
        if video.label == 1:
            video.path.write_text("no face")
    with pytest.raises(NoUsableVideo, match=r"toy, fold \d: \d+ of \d+ train videos are usable, 0 of them fake"):
        stream.run(toy, str(toy_index), workers="1")


def test_near_duplicate_footage_stops_before_training(toy, toy_index, monkeypatch):
    """Two people's videos with one perceptual hash."""
    from dataclasses import replace

    from deepfake_core.steps import extract

    original = extract.extract_all

    def with_hashes(*args, **kwargs):
        found = original(*args, **kwargs)
        return {i: replace(e, quality={"content_hash": "ab" * 64}) for i, e in found.items()}

    monkeypatch.setattr(extract, "extract_all", with_hashes)
    with pytest.raises(LeakageFound, match="near_duplicate"):
        stream.run(toy, str(toy_index), workers="1")
    failed = mlflow.search_runs(search_all_experiments=True, filter_string="attributes.status = 'FAILED'")
    folder = artifacts(failed["run_id"][0], Path("artifacts"))
    assert json.loads((folder / "leakage_certificate.json").read_text())["verdict"] == "leaking"


def test_given_folds_are_used(toy, toy_index, home):
    from deepfake_core.data import folds

    index = read_index(toy_index)
    drawn = folds.draw(index, count=3, seed=9)
    folds.write_folds(drawn, home / "folds.csv")
    result = stream.run(toy, str(toy_index), workers="1", folds_given=str(home / "folds.csv"))
    assert mlflow.get_run(result.run_id).data.tags["deepfake.folds_digest"] == drawn.digest
    assert dict(zip(result.oof["video_id"], result.oof["fold"], strict=True)) == drawn.fold


def test_leaking_folds_are_refused(toy, toy_index, home):
    """A folds.csv of somebody who dealt videos, not people: purging leaves no fake to train on."""
    index = read_index(toy_index)
    lines = [f"{v.video_id},{v.label},g" for v in index.videos]
    (home / "folds.csv").write_text("\n".join(["video_id,fold,group", *lines]))
    with pytest.raises(NoUsableVideo, match="0 of 0 train videos"):
        stream.run(toy, str(toy_index), workers="1", folds_given=str(home / "folds.csv"))


def test_index_with_one_class_or_too_few_people(toy, toy_index, home):
    index = read_index(toy_index)
    write_index(Index(tuple(v for v in index.videos if v.label == 0), "x"), home / "reals.csv")
    with pytest.raises(FoldsImpossible, match="all 20 videos are real"):
        stream.run(toy, str(home / "reals.csv"), workers="1")
    (home / "few").mkdir()
    write_toy_index(home / "few", home / "few.csv", people=3)
    with pytest.raises(FoldsImpossible, match="3 independent group"):
        stream.run(toy, str(home / "few.csv"), workers="1")
    with pytest.raises(UsageError, match="neither a file nor a data set"):
        stream.run(toy, "nothing", workers="1")


def test_environment_of_mlflow_run_is_taken_over(toy, toy_index, monkeypatch):
    """Inside `mlflow run` the step logs into the run that the runner made."""
    made = mlflow.MlflowClient().create_run("0")
    monkeypatch.setenv("MLFLOW_RUN_ID", made.info.run_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    result = stream.run(toy, str(toy_index), workers="1", refit=False)
    assert result.run_id == made.info.run_id
    assert "MLFLOW_RUN_ID" not in os.environ or os.environ["MLFLOW_RUN_ID"] == made.info.run_id

"""``deepfake evaluate``: a registered detector on people that it has never met, by the command people use."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from deepfake_core.cli import main
from deepfake_core.contract.errors import EXIT_PARTIAL, EXIT_REFUSED
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.index import make_index, read_index, write_index
from deepfake_core.detector import registry
from deepfake_core.detector.manifest import Manifest
from deepfake_core.steps import fuse
from tests.conftest import toys_run

MODEL = ("--model", f"models:/{registry.NAME}@challenger", "--workers", "1")


@pytest.fixture(scope="module")
def training(tmp_path_factory, empty_tracking_store):
    """The index that both toys were run on, fused and registered."""
    with toys_run(tmp_path_factory, empty_tracking_store) as (index, _):
        fuse.run("toys", str(index), fuser="logistic", out=tmp_path_factory.mktemp("out"))
        yield index


def write_other(folder: Path, *rows: tuple[str, str, int, float]) -> Path:
    """An index of new files from ``(data set, person, label, number)``."""
    videos = []
    for place, (dataset, person, label, number) in enumerate(rows):
        file = folder / f"{place}.mp4"
        file.write_text(f"{number}\n{dataset} {place}")
        method = "swap" if label else "real"
        videos.append(VideoRecord(f"{dataset}__{method}__{place}", file, label, dataset, method, (person,)))
    write_index(make_index(videos, "other"), folder / "other.csv")
    return folder / "other.csv"


def spread(dataset: str, shift: float = 0.0, people: int = 8) -> list[tuple[str, str, int, float]]:
    """Two clips of each of some people, fakes higher by 0.4, all shifted."""
    return [
        (dataset, f"{dataset}{person}", label, (person * 5 % people) / people + 0.4 * label + shift)
        for person in range(people)
        for label in (0, 1)
    ]


def evaluated(index: Path, out: Path, *more: str) -> tuple[int, str]:
    """Exit code and output."""
    result = CliRunner().invoke(main, ["evaluate", "--index", str(index), "--out", str(out), *MODEL, *more])
    return result.exit_code, result.output


def last_run() -> mlflow.entities.Run:
    return mlflow.search_runs(
        search_all_experiments=True,
        filter_string="tags.deepfake.step = 'evaluate'",
        order_by=["attributes.start_time DESC"],
        output_format="list",
    )[0]


def test_new_people_nothing_fitted_and_a_run_that_names_the_version(training, tmp_path):
    other = write_other(tmp_path, *spread("here"), *spread("there", shift=3.0))
    code, text = evaluated(other, tmp_path / "out")
    assert code == 0, text
    assert "P_final" in text and "shared with the videos it was made from: nothing" in text

    table = pd.read_csv(tmp_path / "out" / "evaluation_predictions.csv")
    assert list(table["video_id"]) == [video.video_id for video in read_index(other).videos]
    assert (table["status"] == "ok").all() and not table["overlap"].any()

    metrics = pd.read_csv(tmp_path / "out" / "evaluation_metrics.csv").set_index("score")
    assert list(metrics.index) == ["toy", "blurry", "P_final"]
    for name, column in (("toy", "toy_p"), ("P_final", "P_final")):
        found = metrics.loc[name]
        assert found["auc"] == pytest.approx(roc_auc_score(table["label"], table[column]))
        assert found["auc_low"] < found["auc"] < found["auc_high"]
        assert found["brier"] == pytest.approx(((table[column] - table["label"]) ** 2).mean())
    assert np.isnan(metrics.loc["toy", "accuracy"]), "a stream has no threshold"

    domains = pd.read_csv(tmp_path / "out" / "evaluation_data_sets.csv").query("score == 'P_final'").set_index("over")
    apart = [roc_auc_score(part["label"], part["P_final"]) for _, part in table.groupby("dataset")]
    assert domains.loc["mean", "auc"] == pytest.approx(np.mean(apart))
    assert domains.loc["pooled", "auc"] < domains.loc["mean", "auc"] - 0.1, (
        "the shift costs only where data sets are mixed"
    )

    run, version = last_run(), registry.version(registry.NAME, "challenger")
    tags = {key.removeprefix("deepfake."): value for key, value in run.data.tags.items()}
    assert (tags["model"], tags["model_version"], tags["model_run"]) == (registry.NAME, "1", version.run_id)
    assert tags["index_digest"] == read_index(other).digest and tags["overlap_videos"] == "0"
    assert run.inputs.dataset_inputs[0].dataset.digest == read_index(other).digest
    assert run.data.metrics["auc"] == pytest.approx(metrics.loc["P_final", "auc"])
    assert version.tags[f"evaluated.{read_index(other).digest}"] == run.info.run_id
    names = {item.path for item in mlflow.MlflowClient().list_artifacts(run.info.run_id)}
    assert {"report.md", "report.html", "figures", "evaluation_predictions.csv", "master_dataset_index.csv"} <= names


def test_threshold_and_band_are_the_detectors_own(training, tmp_path):
    """All scores are shifted towards fake: what was fitted to these videos would see no difference, what is frozen does."""
    other = write_other(tmp_path, *spread("here", shift=3.0))
    assert evaluated(other, tmp_path / "out")[0] == 0
    manifest = Manifest.read(registry.fetch(f"models:/{registry.NAME}/1", tmp_path / "model"))
    table = pd.read_csv(tmp_path / "out" / "evaluation_predictions.csv")
    low, high = manifest.band
    assert ((table["P_final"] >= manifest.threshold) == (table["pred_final"] == 1)).all()
    assert ((table["verdict"] == "fake") == (table["P_final"] > high)).all()
    assert ((table["verdict"] == "real") == (table["P_final"] < low)).all()
    found = pd.read_csv(tmp_path / "out" / "evaluation_decisions.csv").set_index(["dataset", "method", "label"])
    reals = table[table["label"] == 0]
    assert found.loc[("all", "all", "real"), "wrong"] == (reals["pred_final"] == 1).mean() == 1
    assert found.loc[("here", "real", "real"), "inconclusive"] == (reals["verdict"] == "inconclusive").mean()
    assert found.loc[("all", "all", "fake"), "wrong"] == 0


def test_a_video_of_the_training_data_is_found_by_id_person_and_content(training, tmp_path):
    rows = spread("here")
    known = read_index(training).videos
    other = read_index(write_other(tmp_path, *rows)).videos
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(known[5].path.read_bytes())
    videos = [
        *other,
        VideoRecord(known[0].video_id, other[0].path, 0, "x", "real", ("somebody",)),
        VideoRecord("x__real__1", other[1].path, 0, "x", "real", ("somebody", known[3].identities[0])),
        VideoRecord("x__real__2", copy, 0, "x", "real", ("nobody",)),
    ]
    path = tmp_path / "mixed.csv"
    write_index(make_index(videos, "mixed"), path)
    code, text = evaluated(path, tmp_path / "out")
    assert code == EXIT_REFUSED and "3 videos share" in text and "--allow-overlap" in text
    assert known[0].video_id in text and known[3].identities[0] in text and "x__real__2" in text
    assert not (tmp_path / "out" / "report.md").exists()
    listed = pd.read_csv(tmp_path / "out" / "evaluation_overlap.csv")
    assert dict(zip(listed["video_id"], listed["what"], strict=True)) == {
        known[0].video_id: "video_id",
        "x__real__1": "person",
        "x__real__2": "content",
    }

    code, text = evaluated(path, tmp_path / "out", "--allow-overlap")
    assert code == 0, text
    table = pd.read_csv(tmp_path / "out" / "evaluation_predictions.csv")
    assert set(table.loc[table["overlap"], "video_id"]) == set(listed["video_id"])
    tags = last_run().data.tags
    assert (tags["deepfake.overlap_videos"], tags["deepfake.allow_overlap"]) == ("3", "True")
    assert "the figures below are too good" in (tmp_path / "out" / "report.md").read_text()


def test_whom_a_detector_from_a_folder_has_met_is_known_by_its_index_digest(training, tmp_path, monkeypatch):
    folder = registry.fetch(f"models:/{registry.NAME}/1", tmp_path / "model")
    command = [
        "evaluate",
        "--index",
        str(training),
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "1",
        "--model",
        str(folder),
    ]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == EXIT_REFUSED and "40 videos share" in result.output
    manifest = Manifest.read(folder)
    elsewhere = manifest.trained_on.model_copy(update={"index_digest": "0" * 16})
    manifest.model_copy(update={"trained_on": elsewhere}).write(folder)
    result = CliRunner().invoke(main, command)
    assert result.exit_code == EXIT_REFUSED and "can't be found" in result.output
    result = CliRunner().invoke(main, [*command, "--allow-overlap"])
    assert result.exit_code == 0, result.output
    assert last_run().data.tags["deepfake.overlap_videos"] == "unknown"


def test_what_cannot_be_used_stays_and_the_exit_code_says_so(training, tmp_path):
    other = write_other(tmp_path, *spread("here"))
    (tmp_path / "0.mp4").write_text("rubbish")
    (tmp_path / "1.mp4").unlink()
    (tmp_path / "2.mp4").write_text("no face")
    code, text = evaluated(other, tmp_path / "out")
    assert code == EXIT_PARTIAL and "failed (4)" in text, "two files, two streams"
    table = pd.read_csv(tmp_path / "out" / "evaluation_predictions.csv")
    assert len(table) == 16
    assert list(table["status"][:4]) == ["decode_error", "missing", "no_face", "ok"]
    assert table["P_final"].isna().sum() == 3
    metrics = pd.read_csv(tmp_path / "out" / "evaluation_metrics.csv").set_index("score")
    assert metrics.loc["P_final", "coverage"] == 13 / 16 and metrics.loc["P_final", "scored"] == 13
    found = pd.read_csv(tmp_path / "out" / "evaluation_decisions.csv").iloc[0]
    assert (found["videos"], found["examined"], found["scored"]) == (16, 14, 13)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone(training, tmp_path, label):
    """What compares fakes with reals is undefined and says so; everything else is there."""
    other = write_other(tmp_path, *(row for row in spread("here") if row[2] == label))
    code, text = evaluated(other, tmp_path / "out")
    assert code == 0, text
    final = pd.read_csv(tmp_path / "out" / "evaluation_metrics.csv").set_index("score").loc["P_final"]
    assert np.isnan(final["auc"]) and np.isnan(final["balanced_accuracy"])
    assert 0 < final["brier"] < 1 and final["log_loss_low"] < final["log_loss"] < final["log_loss_high"]
    report = (tmp_path / "out" / "report.md").read_text()
    assert (
        "isn't defined" in report and "undefined" in report and "nan" not in report.lower().replace("inconclusive", "")
    )
    assert (tmp_path / "out" / "figures" / "roc.png").stat().st_size > 5000


def test_nothing_scored_at_all(training, tmp_path):
    other = write_other(tmp_path, *spread("here", people=2))
    for file in tmp_path.glob("*.mp4"):
        file.write_text("no face")
    code, text = evaluated(other, tmp_path / "out")
    assert code == 0, text
    assert (pd.read_csv(tmp_path / "out" / "evaluation_predictions.csv")["status"] == "no_face").all()

"""The run step: streams, then their fusion, as one MLflow run with a child for each."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract.errors import HookFailed
from deepfake_core.steps import run
from tests.conftest import index_again


def steps(run_id: str) -> list[str]:
    """Names of the child runs."""
    experiment = mlflow.get_run(run_id).info.experiment_id
    found = mlflow.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'", output_format="list")
    return sorted(child.info.run_name for child in found)


def newest(step: str) -> mlflow.entities.Run:
    return mlflow.search_runs(
        search_all_experiments=True, filter_string=f"tags.`deepfake.step` = '{step}'", output_format="list"
    )[0]


def test_streams_and_fusion_are_children_of_one_run(toys, toy_index):
    result = run.run(str(toy_index), ensemble=toys, workers="1", refit=False, fuser="mean", register=False)
    parent = newest("run")
    assert steps(parent.info.run_id) == ["fuse toys", "stream blurry", "stream toy"]
    assert parent.data.metrics["auc"] == pytest.approx(result.fused.findings.final["auc"])
    assert result.failed == ()


def test_finished_streams_are_taken_as_they_are(toys, toy_index):
    run.run(str(toy_index), ensemble="toy", workers="1", refit=False, fuser="mean", register=False)
    run.run(str(toy_index), ensemble=toys, workers="1", refit=False, fuser="mean", register=False)
    parent = newest("run")
    assert steps(parent.info.run_id) == ["fuse toys", "stream blurry"]
    assert parent.data.tags["deepfake.reused_streams"] == "toy"
    run.run(str(toy_index), ensemble=toys, workers="1", refit=False, fuser="mean", reuse=False, register=False)
    assert len(steps(newest("run").info.run_id)) == 3
    run.run(str(toy_index), ensemble=toys, workers="1", refit=False, fuser="mean", seed=7, register=False)
    assert len(steps(newest("run").info.run_id)) == 3


def test_what_was_finished_before_a_failure_is_kept(toys, toy_index, monkeypatch):
    real = run.stream.train

    def failing(plugin, *arguments, **options):
        if plugin.name == "blurry":
            raise HookFailed("planned.", hint="none.")
        return real(plugin, *arguments, **options)

    monkeypatch.setattr(run.stream, "train", failing)
    with pytest.raises(HookFailed):
        run.run(str(toy_index), ensemble=toys, workers="1", refit=False, fuser="mean", register=False)
    assert newest("run").info.status == "FAILED"
    monkeypatch.setattr(run.stream, "train", real)
    run.run(str(toy_index), ensemble=toys, workers="1", refit=False, fuser="mean", register=False)
    assert newest("run").data.tags["deepfake.reused_streams"] == "toy"


def test_the_command_prints_a_table_and_where_to_look(toys, toy_index):
    options = ["--index", str(toy_index), "--ensemble", toys, "--workers", "1", "--refit", "false", "--out", "found"]
    done = CliRunner().invoke(main, ["run", *options])
    assert done.exit_code == 0, done.output
    assert "P_final" in done.output and "nested AUC" in done.output and "optimism" in done.output
    report = done.output.split("report: ")[1].splitlines()[0]
    assert Path(report).read_text().startswith("<!doctype html>")
    again = CliRunner().invoke(main, ["fuse", *options[:4], "--fuser", "mean", "--missing", "model"])
    assert again.exit_code == 0, again.output


def test_a_broken_file_ends_with_exit_code_4_after_the_fusion(toys, toy_index):
    broken = Path(pd.read_csv(toy_index)["path"][0])
    broken.write_text("no number")
    options = ["--index", str(index_again(toy_index)), "--ensemble", toys, "--workers", "1", "--refit", "false"]
    done = CliRunner().invoke(main, ["run", *options])
    assert done.exit_code == 4, done.output
    assert "P_final" in done.output and "decode_error" in done.output


def test_coverage_below_the_gate_ends_with_exit_code_3(toys, toy_index):
    for path in pd.read_csv(toy_index)["path"][:6]:
        Path(path).write_text("no face")
    options = ["--index", str(index_again(toy_index)), "--ensemble", toys, "--workers", "1", "--refit", "false"]
    done = CliRunner().invoke(main, ["run", *options])
    assert done.exit_code == 3 and "--missing model" in done.output

"""`mlflow run .`: the entry points of the MLproject, by the project runner itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml

from deepfake_core.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project_run(home, toy, monkeypatch):
    """Runs an entry point as a user does; returns the finished MLflow run."""

    def run(entry: str, **parameters: object) -> mlflow.entities.Run:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        given = [text for key, value in parameters.items() for text in ("-P", f"{key}={value}")]
        command = ["mlflow", "run", str(ROOT), "-e", entry, "--env-manager", "local", *given]
        done = subprocess.run(
            command, cwd=home, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return mlflow.search_runs(["0"], "tags.deepfake.step != 'fold'", output_format="list")[0]

    return run


def test_stream_entry_point(project_run, toy_index, tmp_path):
    run = project_run("stream", name="toy", index=toy_index, overrides="width=0.3", workers=1)
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.project.entryPoint"] == "stream"
    assert run.data.params["overrides"] == "width=0.3"
    assert run.data.params["width"] == "0.3"
    children = mlflow.search_runs(["0"], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    assert len(children) == 6
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "artifacts")))
    assert len(pd.read_parquet(folder / "oof.parquet")) == 40
    assert json.loads((folder / "leakage_certificate.json").read_text())["verdict"] == "clean"


def test_index_then_folds_entry_points(project_run, toy_index, home):
    project_run("index", dataset="csv", root=toy_index, out=home / "master.csv", workers=1)
    run = project_run("folds", index=home / "master.csv", out=home / "folds.csv")
    assert run.data.tags["deepfake.step"] == "folds"
    names = {item.path for item in mlflow.MlflowClient().list_artifacts(run.info.run_id)}
    assert {"folds.csv", "leakage_certificate.json", "master_dataset_index.csv"} <= names


def test_extract_entry_point(project_run, toy_index):
    run = project_run("extract", name="toy", index=toy_index, workers=1)
    assert run.data.tags["deepfake.step"] == "extract"
    assert run.info.status == "FINISHED"


def test_entry_points_carry_the_parameters_and_defaults_of_the_commands():
    entry_points = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
    for name, entry in entry_points.items():
        command = main.commands["run" if name == "main" else name]  # the name that `mlflow run .` asks for
        options = {
            option.opts[0].removeprefix("--").replace("-", "_"): option
            for option in command.params
            if option.opts[0][:2] == "--"
        }
        parameters = {
            key: value for key, value in entry["parameters"].items() if key not in ("dataset", "root", "videos")
        }
        assert set(parameters) == set(options), name
        for key, declared in parameters.items():
            if "default" in declared and not options[key].required:
                assert str(declared["default"]).lower() == str(options[key].default).lower(), (name, key)

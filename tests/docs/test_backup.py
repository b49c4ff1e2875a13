"""The page on the tracking server: what is backed up by its commands is there again under another address."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from tests.docs.pages import ROOT, blocks
from tests.servers import mlflow_server

PAGE = (ROOT / "docs" / "tracking_server.md").read_text()
OPTIONS = ("--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "./artifacts", "--workers", "1")


def section(title: str) -> str:
    """The commands below a heading, but for those that start a server."""
    text = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)[1]
    return "\n".join(
        line for block in blocks(text) for line in block.splitlines() if not line.startswith("mlflow server")
    )


def bash(script: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-ec", script], env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Starts a server in the working directory; requests go to it."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}

    def start(folder: Path):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        return mlflow_server("server", *OPTIONS, answers_at="/health", env=env, log=folder / "server.log")

    yield start
    mlflow.set_tracking_uri("")


@pytest.mark.slow
def test_backup_and_restore(server, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    with server(here) as (url, _):
        mlflow.set_tracking_uri(url)
        with mlflow.start_run() as run:
            mlflow.log_metric("auc", 0.75)
            mlflow.log_text("kept", "note.txt")
        bash(section("Backup"))
    there.mkdir()
    (here / "backup").rename(there / "backup")
    (here / "artifacts").rename(here / "gone")
    os.chdir(there)
    bash(section("Restore"))
    with server(there) as (url, _):
        mlflow.set_tracking_uri(url)
        found = mlflow.get_run(run.info.run_id)
        assert found.data.metrics == {"auc": 0.75}
        assert mlflow.artifacts.load_text(f"{found.info.artifact_uri}/note.txt") == "kept"
        mlflow.delete_run(run.info.run_id)
        collecting = next(line for line in section("Clean up").splitlines() if line.startswith("mlflow gc"))
        bash(collecting.replace("http://127.0.0.1:5000", url).replace("--older-than 30d", ""))
        assert not any(path.is_file() for path in (there / "artifacts").rglob("*"))

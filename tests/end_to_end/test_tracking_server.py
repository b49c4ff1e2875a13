"""Streams, fusion, registry and verdicts with ``MLFLOW_TRACKING_URI`` at a server: on SQLite, and on PostgreSQL where it is."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import mlflow
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.detector import registry
from tests.servers import free_port, mlflow_server


@contextmanager
def server(backend: str, folder: Path) -> Iterator[str]:
    """An MLflow server that keeps runs in ``backend`` and hands out its artifacts itself."""
    options = ("--backend-store-uri", backend, "--artifacts-destination", str(folder / "artifacts"), "--workers", "1")
    env = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    with mlflow_server("server", *options, answers_at="/health", env=env, log=folder / "server.log") as (url, _):
        yield url


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL server of the test's own: its address for SQLAlchemy."""
    found = shutil.which("initdb") or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    if not found:
        pytest.skip("PostgreSQL isn't installed (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="MLflow talks to PostgreSQL through psycopg")
    programs, data, port = Path(found).resolve().parent, folder / "data", free_port()
    user = None
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("PostgreSQL doesn't run as root, and there is no user postgres")
        for each in (folder, *folder.parents):
            if each.stat().st_uid == os.getuid() and each.is_relative_to("/tmp") and each != Path("/tmp"):
                each.chmod(0o755)
        data.mkdir()
        shutil.chown(data, user)
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off"
    init = [programs / "initdb", "-D", data, "-A", "trust", "-U", "mlflow"]
    start = [programs / "pg_ctl", "-D", data, "-o", options, "-l", data / "log", "-w", "start"]
    subprocess.run(init, check=True, capture_output=True, user=user, cwd="/")
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, user=user, cwd="/")
    try:
        yield f"postgresql+psycopg://mlflow@127.0.0.1:{port}/postgres"
    finally:
        stop = [programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, check=True, capture_output=True, user=user, cwd="/")


def said(*command: object) -> str:
    """Output of a command that succeeds."""
    result = CliRunner().invoke(main, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_from_streams_to_a_verdict(store, home, toys, toy_index, tmp_path, monkeypatch):
    with ExitStack() as stack:
        folder = tmp_path / "server"
        folder.mkdir()
        backend = f"sqlite:///{folder}/server.db" if store == "sqlite" else stack.enter_context(postgresql(folder))
        url = stack.enter_context(server(backend, folder))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        mlflow.set_tracking_uri(url)
        said("run", "--index", toy_index, "--ensemble", toys, "--fuser", "mean", "--workers", "1", "--refit", "false")
        assert " challenger " in said("models")
        assert "version 1 is champion" in said("promote")
        text = said("predict", home / "videos" / "swap_3.mp4", "--workers", "1")
        assert "swap_3.mp4" in text and "toy 0." in text
        again = said(
            "run", "--index", toy_index, "--ensemble", toys, "--fuser", "mean", "--workers", "1", "--refit", "false"
        )
        assert "version 2" in again
        assert "version 2 is champion" in said("promote")
        assert "version 1 is champion again" in said("rollback")
        assert registry.version(registry.NAME, "champion").number == 1
        names = {
            item.path for item in mlflow.MlflowClient().list_artifacts(registry.version(registry.NAME, "1").run_id)
        }
        assert {"report.html", "detector.json"} <= names

"""What the doctor finds in a healthy place, and in each of the sick ones that it should know."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepfake_core import peek
from deepfake_core.cli import main
from deepfake_core.doctor import examination, libraries, network, packages, storing, tracking
from deepfake_core.doctor.examination import Check, examine
from deepfake_core.doctor.line import ok, problem, warning
from tests.conftest import TOY, install, use_site

NOWHERE = "http://127.0.0.1:9"
"""The discard port: nobody listens."""


class Answers(BaseHTTPRequestHandler):
    """Says what its server was told to say."""

    def do_GET(self):
        status, text, seconds = self.server.says
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() + seconds, usegmt=True))
        self.end_headers()
        self.wfile.write(text.encode())

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as made:
        made.says = (200, version("mlflow"), 0)
        made.url = f"http://127.0.0.1:{made.server_port}"
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_healthy_place_has_no_problem_and_is_left_as_it_was(home):
    before = files(home)
    found = CliRunner().invoke(main, ["doctor", "--offline", "--json"])
    lines = {line["name"]: line for line in json.loads(found.stdout)}
    assert {"python", "packages", "plugins", "video codecs", "GPU", "store", "disk", "tracking", "artifacts"} <= set(
        lines
    )
    assert "pretrained weights" not in lines, "offline"
    assert found.exit_code == (3 if any(line["status"] == "problem" for line in lines.values()) else 0)
    for name in ("python", "plugins", "video codecs", "store", "tracking", "artifacts"):
        assert lines[name]["status"] == "ok", lines[name]
    assert files(home) == before


@pytest.mark.parametrize(
    ("line", "code"),
    [(ok("x", "fine"), 0), (warning("x", "so so", next="look"), 0), (problem("x", "bad", next="mend it"), 3)],
)
def test_only_a_problem_makes_the_exit_code(monkeypatch, line, code):
    monkeypatch.setattr(examination, "checks", lambda: (Check("x", lambda _: line),))
    found = CliRunner().invoke(main, ["doctor"])
    assert found.exit_code == code
    assert line.found in found.output
    assert line.next in found.output


def test_a_check_that_fails_stops_no_other():
    lines = examine((Check("a", lambda _: 1 / 0), Check("b", lambda name: ok(name, "fine"), waits=True)))
    assert [line.status for line in lines] == ["problem", "ok"]
    assert "ZeroDivisionError" in lines[0].found


def test_waiting_checks_wait_side_by_side():
    def slow(name):
        time.sleep(0.5)
        return ok(name, "")

    start = time.perf_counter()
    examine(tuple(Check(str(n), slow, waits=True) for n in range(6)))
    assert time.perf_counter() - start < 2.0, "six times 0.5 s, one after the other, would be 3 s"


def test_a_missing_and_an_old_requirement_are_named(tmp_path, monkeypatch):
    folder = install(tmp_path / "s", distribution="deepfake-needy", modules={}, entry_points="")
    needs = "Requires-Dist: deepfake-core\nRequires-Dist: click>=99\nRequires-Dist: not-there\n"
    extra = 'Requires-Dist: only-with-extra ; extra == "more"\nRequires-Dist: not-here ; python_version < "3"\n'
    metadata = next(folder.glob("*.dist-info")) / "METADATA"
    metadata.write_text(metadata.read_text() + needs + extra)
    use_site(monkeypatch, folder)
    line = packages.requirements("packages")
    assert line.status == "problem"
    assert "deepfake-needy needs click>=99: " in line.found
    assert "deepfake-needy needs not-there: missing" in line.found
    assert "only-with-extra" not in line.found
    assert "not-here" not in line.found


def test_a_broken_plugin_is_a_problem(tmp_path, monkeypatch):
    source = (TOY / "toy_stream.py").read_text().replace("import json", "raise RuntimeError('planned')")
    points = "[deepfake_core.streams]\ntoy = toy_broken\n"
    use_site(
        monkeypatch,
        install(tmp_path / "s", distribution="deepfake-x", modules={"toy_broken.py": source}, entry_points=points),
    )
    line = packages.plugins("plugins")
    assert line.status == "problem"
    assert "RuntimeError: planned" in line.found


def test_what_differs_from_the_tested_versions_is_a_warning(tmp_path, monkeypatch):
    (tmp_path / "constraints.txt").write_text('# tested\nclick==0.1\nnumpy==0.1; python_version < "3"\nnobody-has==1\n')
    monkeypatch.setattr("deepfake_core.__file__", str(tmp_path / "deepfake_core" / "__init__.py"))
    line = packages.constraints("tested versions")
    assert line.status == "warning"
    assert f"click==0.1: {version('click')}" in line.found
    assert "numpy" not in line.found
    assert "nobody-has" not in line.found


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("raise ImportError('libGL.so.1: cannot open shared object file')", "libGL.so.1"),
    ],
)
def test_a_library_that_crashes_is_told_and_survived(monkeypatch, code, says):
    for name, check in (("_OPENCV", libraries.opencv), ("_CODECS", libraries.codecs), ("_GPU", libraries.gpu)):
        monkeypatch.setattr(libraries, name, code)
        monkeypatch.setattr(libraries, "find_spec", lambda _: True)
        line = check("x")
        assert line.status == "problem"
        assert says in line.found


def test_codecs_that_ffmpeg_lacks_are_named(monkeypatch):
    monkeypatch.setattr(
        libraries, "_CODECS", libraries._CODECS.replace("'vp9'", "'vp99'").replace("libx264", "libx999")
    )
    assert "can't decode vp99" in libraries.codecs("codecs").found
    monkeypatch.setattr(libraries, "_CODECS", libraries._CODECS.replace("'vp99'", "'vp9'"))
    line = libraries.codecs("codecs")
    assert line.status == "warning"
    assert "libx999" in line.found


def test_the_store_says_where_it_cannot_be(home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("DEEPFAKE_HOME", str(home / "file" / "inside"))
    line = storing.store("store")
    assert line.status == "problem"
    assert "DEEPFAKE_HOME" in line.next


@pytest.mark.parametrize(("what", "function"), [("atomic rename", "_renames"), ("locks", "_locks")])
def test_a_file_system_that_lacks_something_is_told(home, monkeypatch, what, function):
    monkeypatch.setattr(storing, function, lambda _: False)
    assert what in storing.store("store").found


def test_locks_that_keep_nobody_out_are_found(home, monkeypatch):
    import filelock

    class Open(filelock.FileLock):
        def _acquire(self):
            self._context.lock_file_fd = 0

        def _release(self):
            self._context.lock_file_fd = None

    assert storing._locks(home)
    monkeypatch.setattr(filelock, "FileLock", Open)
    assert not storing._locks(home)


@pytest.mark.parametrize(("gigabytes", "status"), [(0.5, "problem"), (5, "warning"), (500, "ok")])
def test_disk_space(home, monkeypatch, gigabytes, status):
    usage = type(shutil.disk_usage(home))(10**12, 0, int(gigabytes * 1e9))
    monkeypatch.setattr(storing.shutil, "disk_usage", lambda _: usage)
    assert storing.disk("disk").status == status


def test_the_store_uri_is_the_one_that_mlflow_would_use(tmp_path, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflow.set_tracking_uri(None)
    assert peek.store_uri() == mlflow.get_tracking_uri()
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    assert peek.store_uri() == mlflow.get_tracking_uri()
    (tmp_path / "mlruns" / "0" / "meta.yaml").write_text("")
    assert peek.store_uri() == mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    assert peek.store_uri() == mlflow.get_tracking_uri()


def test_the_newest_schema_is_the_one_that_mlflow_makes(empty_tracking_store):
    with sqlite3.connect(empty_tracking_store) as connection:
        ((made,),) = connection.execute("SELECT version_num FROM alembic_version")
    assert tracking.revisions()[1] == made


@pytest.mark.parametrize(
    ("revision", "says", "next_step"),
    [("451aebb31d03", "older MLflow", "mlflow db upgrade"), ("0123456789ab", "newer MLflow", "install the MLflow")],
)
def test_a_schema_of_another_mlflow_is_a_problem_and_stays(home, revision, says, next_step):
    """451aebb31d03 is the first of MLflow's migrations."""
    with sqlite3.connect(home / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    before = files(home)
    line = tracking.local("tracking")
    assert line.status == "problem"
    assert says in line.found
    assert next_step in line.next
    assert files(home) == before


def test_a_store_that_is_none(home, monkeypatch):
    (home / "mlflow.db").write_text("no data base, but long enough to be looked at as one")
    assert "is no MLflow data base" in tracking.local("tracking").found
    (home / "mlflow.db").unlink()
    assert "the first run makes it" in tracking.local("tracking").found
    assert not (home / "mlflow.db").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://user@host/mlflow")
    assert tracking.local("tracking").status == "warning"


@pytest.mark.parametrize(
    ("says", "status", "found"),
    [
        ((200, version("mlflow"), 0), "ok", version("mlflow")),
        ((200, "1.30.0", 0), "warning", "has MLflow 1.30.0"),
        ((401, "", 0), "warning", "401"),
        ((200, version("mlflow"), -4000), "warning", "clock"),
    ],
)
def test_a_tracking_server(server, monkeypatch, says, status, found):
    server.says = says
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    line = tracking.served("tracking")
    assert line.status == status
    assert found in line.found
    assert tracking.artifacts("artifacts").status == "ok"


def test_a_tracking_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    assert tracking.served("tracking").status == "problem"
    assert "tracking" not in {check.name for check in examination.checks() if not check.network}


def test_artifacts_in_a_bucket_need_its_driver(home, monkeypatch):
    with sqlite3.connect(home / "mlflow.db") as connection:
        connection.execute("UPDATE experiments SET artifact_location = 's3://bucket/mlflow'")
    monkeypatch.setattr(tracking, "find_spec", lambda _: None)
    line = tracking.artifacts("artifacts")
    assert line.status == "problem"
    assert line.next == "pip install boto3"
    monkeypatch.setattr(tracking, "find_spec", lambda _: True)
    assert tracking.artifacts("artifacts").status == "ok"


def test_weights_are_no_problem_offline(server, monkeypatch):
    monkeypatch.setattr(network, "find_spec", lambda _: True)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    assert network.weights("weights").status == "ok"
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    line = network.weights("weights")
    assert line.status == "warning"
    assert "weights=" in line.next
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert network.weights("weights").status == "warning"

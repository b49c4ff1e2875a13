"""The shell asks ``deepfake`` what can be typed next, and gets it, as click's protocol has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


def completions(line: str) -> list[str]:
    """What bash would offer after ``line``, whose last word is what is being typed."""
    words = line.split(" ")
    environment = {**os.environ, "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    environment["_DEEPFAKE_COMPLETE"] = "bash_complete"
    code = "from deepfake_core.cli import main; main(prog_name='deepfake')"
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert not found.stderr
    return [value for kind, _, value in (line.partition(",") for line in found.stdout.splitlines()) if kind == "plain"]


def test_names_of_plugins_are_completed(toys):
    assert completions("deepfake stream --name blu") == ["blurry"]
    assert {"all", "toys", "averaged", "toy"} <= set(completions("deepfake run --ensemble "))
    assert completions("deepfake run --ensemble toy,bl") == ["toy,blurry"]
    assert completions("deepfake run --ensemble toy,to") == [], "it is in the list"
    assert completions("deepfake fuse --fuser be") == ["best"]
    assert "folder" in completions("deepfake index f")
    assert completions("deepfake plugins show --kind ensemble aver") == ["averaged"]


def test_presets_are_those_of_the_stream_or_of_all_in_the_ensemble(toys):
    assert completions("deepfake stream --name toy --preset ") == ["paper", "demo"]
    assert completions("deepfake run --ensemble toys --preset d") == ["demo"]


def test_what_cannot_be_known_is_silence(toys):
    assert completions("deepfake stream --name nothing --preset ") == []
    assert completions("deepfake run --ensemble nothing --preset ") == []


def test_registered_models_are_completed_by_alias_and_version(home):
    import mlflow

    client = mlflow.MlflowClient()
    client.create_registered_model("deepfake-detector")
    for _ in range(2):
        client.create_model_version("deepfake-detector", source=(home / "model").as_uri())
    client.set_registered_model_alias("deepfake-detector", "champion", "1")
    assert completions("deepfake predict --model ") == [
        "models:/deepfake-detector@champion",
        "models:/deepfake-detector/2",
        "models:/deepfake-detector/1",
    ]
    assert completions("deepfake promote --version ") == ["champion", "2", "1"]
    assert completions("deepfake models --name d") == ["deepfake-detector"]


def test_registered_models_of_a_server_are_completed(monkeypatch, registry_server):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry_server)
    assert completions("deepfake promote --version ") == ["challenger", "7"]


def test_without_a_store_there_is_none_afterwards(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert completions("deepfake predict --model ") == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_for_each_shell_gives_its_script(shell):
    environment = {**os.environ, "_DEEPFAKE_COMPLETE": f"{shell}_source"}
    code = "from deepfake_core.cli import main; main(prog_name='deepfake')"
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert f"_DEEPFAKE_COMPLETE={shell}_complete" in found.stdout


def test_completing_names_imports_nothing_heavy():
    code = (
        "import sys, os\nos.environ |= {'_DEEPFAKE_COMPLETE': 'bash_complete', 'COMP_CWORD': '3',"
        " 'COMP_WORDS': 'deepfake stream --name '}\n"
        "from deepfake_core.cli import main\n"
        "try: main(prog_name='deepfake')\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    )
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'pydantic'", "'numpy'", "'mlflow'", "'pandas'", "'pluggy'"):
        assert heavy not in modules


@pytest.fixture
def registry_server():
    """Answers as MLflow's REST API does to a search for registered models."""
    model = {
        "name": "deepfake-detector",
        "aliases": [{"alias": "challenger", "version": "7"}],
        "latest_versions": [{"name": "deepfake-detector", "version": "7"}],
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"registered_models": [model]}).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

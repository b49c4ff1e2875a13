"""``mlflow models serve``: what it answers, what it refuses, and that a hostile file can't take it down."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deepfake_core.steps import predict
from tests.servers import mlflow_server


@pytest.fixture(scope="module")
def served(made, tmp_path_factory) -> Iterator[tuple[str, int]]:
    """A server of the registered model: its address, and its process."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "tmp").mkdir()
    command = ("models", "serve", "-m", made.version.uri, "--env-manager", "local")
    env = {**os.environ, "DEEPFAKE_VIDEO_ROOTS": str(made.videos), "TMPDIR": str(folder / "tmp")}
    with mlflow_server(*command, answers_at="/ping", env=env, log=folder / "log") as (url, process):
        yield f"{url}/invocations", process.pid
        left = [path for path in (folder / "tmp").rglob("*") if path.name.startswith(("deepfake-", "video-"))]
        assert left == [], "what callers sent, or what was made of it, is still there"


def asked(url: str, *videos: str, streams: str = "") -> list[dict]:
    """The server's answer on some videos."""
    body = {"dataframe_split": {"columns": ["video"], "data": [[video] for video in videos]}}
    if streams:
        body["params"] = {"streams": streams}
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)["predictions"]


def test_it_says_what_predict_says(served, made):
    path = str(made.videos / "swap_3.mp4")
    content = base64.b64encode(Path(path).read_bytes()).decode()
    by_path, sent = asked(served[0], path, f"data:video/mp4;base64,{content}")
    here = predict.run([path], made.version.uri, workers="1").verdicts[0]
    assert by_path["probability"] == pytest.approx(here.probability, abs=1e-6)
    assert sent["probability"] == pytest.approx(here.probability, abs=1e-6)
    assert (by_path["verdict"], sent["verdict"]) == (here.answer, here.answer)
    fewer = asked(served[0], path, streams="toy")[0]
    assert json.loads(fewer["streams"])[1]["status"] == "not_asked"


def test_it_refuses_what_isnt_allowed(served, made, tmp_path):
    outside = tmp_path / "real.mp4"
    outside.write_text("0.1")
    link = made.videos / "link.mp4"
    link.symlink_to(outside)
    try:
        rows = asked(served[0], str(outside), str(link), "https://example.org/a.mp4", "data:video/mp4;base64,%%%")
    finally:
        link.unlink()
    assert all(row["error"].startswith("refused") and row["probability"] is None for row in rows)


def test_a_decoder_that_is_killed_fails_its_request_only(served, made):
    """The process that looks at a video dies in the middle of a request."""
    url, pid = served
    slow, good = made.videos / "slow.mp4", made.videos / "swap_3.mp4"
    slow.write_text("slow")
    before = asked(url, str(good))[0]
    answers = []
    request = threading.Thread(target=lambda: answers.extend(asked(url, str(slow))))
    request.start()
    try:
        decoder = wait_for_decoder(pid)
        time.sleep(0.5)
        decoder.kill()
        request.join(60)
    finally:
        slow.unlink()
    assert answers and "crashed" in answers[0]["error"] and "SIGKILL" in answers[0]["error"]
    assert asked(url, str(good))[0] == before


def wait_for_decoder(pid: int) -> psutil.Process:
    """The process below the server that examines videos."""
    for _ in range(200):
        for child in psutil.Process(pid).children(recursive=True):
            if any("detector.bounded" in part for part in child.cmdline()):
                return child
        time.sleep(0.05)
    raise AssertionError("no process examines videos")

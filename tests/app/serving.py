"""The page's server as users start it, for tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError

PROGRAM = "from deepfake_core.cli import main; main()"


@contextmanager
def running(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """``deepfake app`` in a process: it, the page's address once it answers, and what was said until then."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "app", "--port", "0", *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        text, port = "", None
        while port is None:
            line = process.stderr.readline()
            assert line, f"it ended: {text}"
            text += line
            port = re.search(r"the page is at http://\S+:(\d+)", line)
        url = f"http://127.0.0.1:{port[1]}"
        _wait(url, process)
        yield process, url, text
    finally:
        process.kill()
        process.communicate()


def _wait(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (URLError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url}")

"""``deepfake app``: where it listens, what it says, and what it leaves."""

from __future__ import annotations

import signal
import socket
import sys

import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract.errors import EXIT_USAGE
from tests.app.serving import running


def said(*options: str) -> tuple[int, str]:
    """Exit code and output of a command that doesn't get as far as serving."""
    result = CliRunner().invoke(main, ["app", *options])
    return result.exit_code, result.output


def test_without_gradio_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    code, text = said("--port", "0")
    assert code == EXIT_USAGE and "pip install 'deepfake-core[app]'" in text


def test_a_port_in_use():
    pytest.importorskip("gradio")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, text = said("--port", str(taken.getsockname()[1]))
    assert code == EXIT_USAGE and "can't listen" in text and "--port 0" in text


def test_an_address_that_is_not_ours():
    pytest.importorskip("gradio")
    code, text = said("--host", "192.0.2.1", "--port", "0")  # RFC 5737: nobody's
    assert code == EXIT_USAGE and "can't listen at 192.0.2.1" in text


@pytest.mark.slow
@pytest.mark.parametrize(("host", "number"), [("127.0.0.1", signal.SIGTERM), ("0.0.0.0", signal.SIGINT)])
def test_nothing_is_left(home, tmp_path_factory, host, number):
    pytest.importorskip("gradio")
    temporary = tmp_path_factory.mktemp("temporary")
    with running("--host", host, TMPDIR=str(temporary)) as (server, _, text):
        assert ("no password" in text) == (host == "0.0.0.0")
        (folder,) = temporary.glob("deepfake-app-*")
        assert folder.stat().st_mode & 0o077 == 0
        server.send_signal(number)
        assert server.wait(20) == 0
    assert not list(temporary.iterdir())

"""How is the page served: to whom, within which bounds, and what is left when it ends? Nothing is."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_core.app import guard
from deepfake_core.app.desk import Desk
from deepfake_core.contract.errors import UsageError
from deepfake_core.detector.bounded import Examiner

if TYPE_CHECKING:
    import uvicorn

# Open pages listen for ever: when the server ends, they are left after so long.
_FAREWELL_S = 1


def serve(name: str, *, host: str, port: int, max_bytes: int, max_seconds: float, say: Callable[[str], None]) -> None:
    """Serves the page until it is interrupted.

    Args:
        name: of the registered model.
        host: address to listen at.
        port: to listen at; 0 for any that is free.
        max_bytes: that an upload may have.
        max_seconds: that a video may last.
        say: hears where the page is.

    Raises:
        UsageError: Gradio isn't installed, or nobody can listen there.
    """
    if importlib.util.find_spec("gradio") is None:
        raise UsageError("the page needs Gradio, which isn't installed.", hint="pip install 'deepfake-core[app]'")
    with (
        _ending_in_order(),
        tempfile.TemporaryDirectory(prefix="deepfake-app-") as folder,
        Examiner() as examiner,
        _listening(host, port) as listener,
    ):
        desk = Desk(name, max_seconds=max_seconds, scratch=Path(folder).resolve(), examiner=examiner)
        if not desk.versions():
            say(f"there is no detector called {name} yet; the page says how to make one.")
        local = guard.is_loopback(host)
        if not local:
            say(
                f"warning: at {host}, anybody who reaches this machine can use the page: there is no password and no encryption."
            )
        server = _server(desk, max_bytes=max_bytes, local=local)
        address = f"[{host}]" if ":" in host else host
        say(f"the page is at http://{address}:{listener.getsockname()[1]}; Ctrl-C ends it.")
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            say("ended.")


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Lets this process, asked to terminate, clean up first."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"can't listen at {host}, port {port}: {error.strerror or error}.",
            hint="choose another: --port 0 takes any that is free.",
        ) from error


def _server(desk: Desk, *, max_bytes: int, local: bool) -> uvicorn.Server:
    # Both are read when Gradio is imported.
    os.environ["GRADIO_TEMP_DIR"] = str(desk.uploads)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr
    import uvicorn
    from fastapi import FastAPI
    from starlette.middleware import Middleware

    from deepfake_core.app import layout, style

    app = FastAPI(openapi_url=None, middleware=[Middleware(guard.Guard, local=local)])
    gr.mount_gradio_app(
        app,
        layout.build(desk, max_bytes=max_bytes),
        path="/",
        max_file_size=max_bytes,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
        theme=style.theme(),
        css=style.CSS,
        head=style.SCRIPT,
    )
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_FAREWELL_S))

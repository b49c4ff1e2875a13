"""What is on the page, and which question does a click ask?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deepfake_core.app import answers, fragments
from deepfake_core.app.desk import Desk, Tell, preferred
from deepfake_core.data.generic import VIDEO_SUFFIXES

_WORKER = "examiner"
"""Both tabs share one worker: there is one process that opens videos."""

_WAITING = 20
"""Requests that may wait for it; a further one is told to come back."""

_UNUSED_S = 3600
"""Uploads that nobody asked about are removed after so long."""


def build(desk: Desk, *, max_bytes: int) -> Any:
    """The page.

    Args:
        desk: that answers.
        max_bytes: that an upload may have; said on the page, seen to by the server.

    Returns:
        Gradio's ``Blocks``.
    """
    import gradio as gr

    def selector() -> tuple[Any, Any]:
        versions = desk.versions()
        first = preferred(versions)
        choices = [(fragments.label(version), version.number) for version in versions]
        missing = fragments.html(fragments.nothing_registered(desk.name))
        return gr.Dropdown(choices=choices, value=first and first.number), gr.HTML(missing, visible=not versions)

    def one(upload: str | None, number: int | None, progress: Any = gr.Progress()) -> tuple[str, None]:  # noqa: B008
        return answers.one(desk, upload, number, _told(progress)), None

    def several(
        uploads: list[str] | None,
        number: int | None,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> Iterator[tuple[str, Any]]:
        for found in answers.several(desk, uploads, number, _told(progress)):
            yield found, gr.skip()
        yield gr.skip(), None

    with gr.Blocks(title="Real or fake?", analytics_enabled=False, delete_cache=(_UNUSED_S // 10, _UNUSED_S)) as page:
        gr.HTML(fragments.html(fragments.intro(max_bytes, desk.max_seconds)), apply_default_css=False)
        missing = gr.HTML(visible=False, apply_default_css=False)
        version = gr.Dropdown(label="Detector", interactive=True)
        with gr.Tab("One video"):
            video = gr.Video(label="Video", sources=["upload", "webcam"], height=300, buttons=[])
            gr.HTML(fragments.html(fragments.unplayable()), apply_default_css=False)
            ask = gr.Button("Examine it", variant="primary")
            answer = gr.HTML(apply_default_css=False, min_height=120)
        with gr.Tab("Several"):
            files = gr.File(label="Videos", file_count="multiple", file_types=sorted(VIDEO_SUFFIXES), height=240)
            ask_all = gr.Button("Examine them", variant="primary")
            table = gr.HTML(apply_default_css=False, min_height=120)
        alone = {"concurrency_limit": 1, "concurrency_id": _WORKER, "api_visibility": "private"}
        page.load(selector, outputs=[version, missing], api_visibility="private")
        ask.click(one, [video, version], [answer, video], show_progress_on=answer, **alone)
        ask_all.click(several, [files, version], [table, files], show_progress_on=table, **alone)
    return page.queue(max_size=_WAITING)


def _told(progress: Any) -> Tell:
    return lambda share, words: progress(share, desc=words)

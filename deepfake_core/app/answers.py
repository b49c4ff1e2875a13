"""What is shown for videos that were handed in? The story of a request, without the toolkit that draws the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from deepfake_core.app import fragments
from deepfake_core.app.desk import Asked, Desk, Looked, Tell, VideoTooLong
from deepfake_core.app.fragments import Download, Row
from deepfake_core.contract.errors import DeepfakeError
from deepfake_core.detector import page
from deepfake_core.detector import report as written
from deepfake_core.detector.report import About
from deepfake_core.detector.verdict import Verdict
from deepfake_core.steps.predict import Predicted, write

CSV = "text/csv;charset=utf-8"
HTML = "text/html;charset=utf-8"

_LOADING = "loading the detector"


def one(desk: Desk, upload: str | None, number: int | None, tell: Tell) -> str:
    """The report on one video, as HTML; the video is removed.

    Args:
        desk: that judges it.
        upload: path of the uploaded file; None if there is none.
        number: of the version that is asked; None if there is none.
        tell: hears how far it is.
    """
    if upload is None:
        return fragments.html(fragments.notice("There is no video yet.", "Drop or record one first."))
    with desk.handed_in([upload]) as (video,):
        if number is None:
            return fragments.html(fragments.nothing_registered(desk.name))
        tell(0.0, _LOADING)
        try:
            asked = desk.asked(number)
            looked = desk.look(video, asked, illustrated=True, tell=tell)
        except VideoTooLong as error:
            return fragments.html(
                fragments.notice(
                    "This video is too long.",
                    f"{page.visible(video.name)}: {error.detail}.",
                    f"Cut out the part in question, e.g. ffmpeg -ss 10 -t {desk.max_seconds:.0f} -i FILE -c copy part.mp4, or start the "
                    "page with a larger --max-seconds.",
                    bad=True,
                )
            )
        except DeepfakeError as error:
            return fragments.html(_broken(error))
        said = f"Examined by {_about(asked).name}. The video is removed."
        download = Download("Save the report", f"{_stem(video)}-report.html", HTML)
        return fragments.html(fragments.report(_report(desk, [looked], asked), said, download))


def several(desk: Desk, uploads: Sequence[str] | None, number: int | None, tell: Tell) -> Iterator[str]:
    """The table of verdicts, as HTML, anew with every video that is done; the videos are removed.

    Args:
        desk: that judges them.
        uploads: paths of the uploaded files; None or empty if there are none.
        number: of the version that is asked; None if there is none.
        tell: hears how far it is.
    """
    if not uploads:
        yield fragments.html(fragments.notice("There are no videos yet.", "Drop some first."))
        return
    with desk.handed_in(uploads) as videos:
        if number is None:
            yield fragments.html(fragments.nothing_registered(desk.name))
            return
        yield fragments.html(fragments.table([], len(videos), []))
        tell(0.0, _LOADING)
        try:
            asked = desk.asked(number)
            done: list[Looked] = []
            for place, video in enumerate(videos):
                done.append(_looked(desk, video, asked, _part(tell, place, len(videos))))
                if len(done) < len(videos):
                    yield fragments.html(fragments.table(_rows(done), len(videos), []))
        except DeepfakeError as error:
            yield fragments.html(_broken(error))
            return
        yield fragments.html(fragments.table(_rows(done), len(videos), _downloads(desk, done, asked)))


def _looked(desk: Desk, video: Path, asked: Asked, tell: Tell) -> Looked:
    try:
        return desk.look(video, asked, illustrated=False, tell=tell)
    except VideoTooLong as error:
        why, basis = f"{error.status}: {error.detail}", asked.detector.manifest.basis
        return Looked(Verdict.failed(page.visible(video.name), why, basis), [])


def _part(tell: Tell, place: int, count: int) -> Tell:
    """Tells how far a video among others is, as how far all are."""
    return lambda share, words: tell((place + share) / count, f"video {place + 1} of {count}: {words}")


def _rows(done: Sequence[Looked]) -> list[Row]:
    return [Row.of(looked.verdict) for looked in done]


def _broken(error: DeepfakeError) -> page.Node:
    return fragments.notice("The detector can't work here.", error.problem, error.hint, bad=True)


def _about(asked: Asked) -> About:
    return About(asked.detector.manifest, asked.version)


def _report(desk: Desk, done: Sequence[Looked], asked: Asked) -> str:
    """The page that ``deepfake predict --report`` writes."""
    with desk.workplace() as folder:
        path = folder / "report.html"
        written.write([looked.verdict for looked in done], [looked.panels for looked in done], _about(asked), path)
        return path.read_text(encoding="utf-8")


def _downloads(desk: Desk, done: Sequence[Looked], asked: Asked) -> list[Download]:
    """The files that ``deepfake predict`` writes."""
    found = Predicted(
        [looked.verdict for looked in done], asked.detector, asked.version, [looked.panels for looked in done]
    )
    with desk.workplace() as folder:
        table, report = folder / "verdicts.csv", folder / "report.html"
        write(found, json_path=None, csv_path=table, report=report)
        return [
            Download("Save as CSV", table.name, CSV, table.read_text(encoding="utf-8")),
            Download("Save the report", report.name, HTML, report.read_text(encoding="utf-8")),
        ]


def _stem(video: Path) -> str:
    return page.visible(video.stem)

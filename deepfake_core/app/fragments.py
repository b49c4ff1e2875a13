"""Which pieces of HTML does the page show? All are built as trees, so that a hostile file name stays a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from deepfake_core.data.pseudo import DEEPFAKES
from deepfake_core.detector import page, wording
from deepfake_core.detector.page import Node, el
from deepfake_core.detector.registry import Version
from deepfake_core.detector.verdict import Verdict
from deepfake_core.fusion.sections import between

FAILED = "couldn't be looked at"
"""Stands where a verdict would."""


@dataclass(frozen=True)
class Download:
    """A text that the browser saves by itself: it is in the page already, so the server keeps nothing for it.

    Attributes:
        words: on the button.
        file: name of the saved file.
        kind: media type.
        text: content; None for that of the report shown beside the button.
    """

    words: str
    file: str
    kind: str
    text: str | None = None


@dataclass(frozen=True)
class Row:
    """A video of several, in the table.

    Attributes:
        name: of the file.
        verdict: on it; None if there is none.
        problem: why there is none, or what limits it.
    """

    name: str
    verdict: Verdict | None
    problem: str

    @classmethod
    def of(cls, verdict: Verdict) -> Row:
        """What a verdict says; one of a video that couldn't be looked at is none."""
        if verdict.error is not None:
            return cls(verdict.video, None, verdict.error)
        return cls(verdict.video, verdict, "; ".join(verdict.reasons))

    @property
    def answer(self) -> str:
        """In one word, or a few."""
        return self.verdict.answer if self.verdict else FAILED


def html(node: Node) -> str:
    """A piece of HTML as text."""
    return ElementTree.tostring(node, encoding="unicode", method="html")


def label(version: Version) -> str:
    """A version as the selector shows it."""
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    auc = between(*version.auc, digits=2)
    measured = f"AUC {auc}" if version.basis == DEEPFAKES else f"AUC {auc} on {version.basis} only"
    return f"version {version.number}{aliases}, {measured}, {version.tags['ensemble']}, {version.created:%Y-%m-%d}"


def intro(max_bytes: int, max_seconds: float) -> Node:
    """What the page is, above everything."""
    return el(
        "header",
        el("h1", "Real or fake?"),
        el(
            "p",
            f"A video of up to {max_bytes >> 20} MB and {max_seconds:g} s is examined on the machine that serves this page, and "
            "removed from it as soon as the answer is there. The answer is one piece of evidence, no proof.",
        ),
        class_="df-intro",
    )


def unplayable() -> Node:
    """What is said below the place for a video."""
    return el("p", "A video that the browser can't play may still be examined.", class_="df-soft")


def notice(title: str, *words: str, bad: bool = False) -> Node:
    """A short message.

    Args:
        title: what is the matter.
        words: more about it, a paragraph each.
        bad: something went wrong.
    """
    lines = [el("p", line) for text in words for line in text.split("\n") if line]
    return el("div", el("strong", title), *lines, class_="df-notice df-bad" if bad else "df-notice", role="status")


def nothing_registered(name: str) -> Node:
    """What stands in place of a detector's name where there is none."""
    return notice(
        f"There is no detector called {name} yet.",
        "Make one: deepfake run trains and registers a detector on the demo data set, deepfake run --index my.csv on your videos. "
        "Then load this page again.",
        "If there is one elsewhere, start the page with its name (--name) and its registry (the variable MLFLOW_TRACKING_URI).",
    )


def report(text: str, said: str, download: Download) -> Node:
    """A report in a frame of its own, whose policy lets it run and load nothing."""
    frame = el(
        "iframe",
        srcdoc=text,
        title="Report",
        sandbox="allow-same-origin",  # so that the page can measure it; it runs no scripts
        onload="deepfakeFit(this)",
    )
    return el("div", _bar(said, [download]), frame, class_="df-result")


def table(rows: Sequence[Row], expected: int, downloads: Sequence[Download]) -> Node:
    """Verdicts on several videos, as far as they are there.

    Args:
        rows: those that are done.
        expected: how many there will be.
        downloads: what can be saved.
    """
    counts = Counter(row.answer for row in rows)
    order = ("fake", "real", "inconclusive", FAILED)
    said = ", ".join(f"{counts[answer]} {answer}" for answer in order if counts[answer])
    done = f"{len(rows)} of {expected} videos" if len(rows) < expected else _videos(expected)
    cells = [
        (
            el("div", row.name, class_="df-name"),
            el("span", row.answer, class_=f"df-answer df-{row.verdict.answer if row.verdict else 'failed'}"),
            _probability(row),
            wording.reach(row.verdict) if row.verdict else "–",
            row.problem,
        )
        for row in rows
    ]
    listed = page.table(("video", "answer", "P(fake)", "95 % range", "remarks"), cells)
    return el("div", _bar(f"{done}: {said}." if said else f"{done}.", downloads), listed, class_="df-result df-table")


def _videos(count: int) -> str:
    return "1 video" if count == 1 else f"{count} videos"


def _probability(row: Row) -> str:
    p = row.verdict.probability if row.verdict else None
    return "–" if p is None else wording.probability(p)


def _bar(said: str, downloads: Sequence[Download]) -> Node:
    buttons = [
        el(
            "button",
            download.words,
            type="button",
            onclick="deepfakeSave(this)",
            data_file=download.file,
            data_kind=download.kind,
            **({} if download.text is None else {"data_text": download.text}),
        )
        for download in downloads
    ]
    return el("div", el("span", said, role="status"), el("span", *buttons, class_="df-buttons"), class_="df-bar")

"""What is a person told about one video, or about several? One page that holds everything itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfake_core.contract.records import Panel
from deepfake_core.data.pseudo import DEEPFAKES, fake_word
from deepfake_core.detector import bars, page, wording
from deepfake_core.detector.manifest import Manifest
from deepfake_core.detector.page import Node, el
from deepfake_core.detector.registry import Version
from deepfake_core.detector.verdict import Band, Opinion, Verdict
from deepfake_core.fusion.sections import between

Panels = Sequence[tuple[str, Panel]]
"""Figures of one video, each with the stream that drew it."""


@dataclass(frozen=True)
class About:
    """Which detector is asked.

    Attributes:
        manifest: what is written down about it.
        version: of the registered model; None if it isn't registered.
    """

    manifest: Manifest
    version: Version | None

    @property
    def name(self) -> str:
        """``deepfake-detector, version 3 (champion)``, or what the manifest calls it."""
        if self.version is None:
            return self.manifest.title
        aliases = f" ({', '.join(self.version.aliases)})" if self.version.aliases else ""
        return f"{self.version.name}, version {self.version.number}{aliases}"


def write(verdicts: Sequence[Verdict], panels: Sequence[Panels], about: About, path: Path) -> None:
    """Writes the report: a summary where there are several videos, a section for each, and what is known of the detector.

    Args:
        verdicts: one or more.
        panels: for each verdict, figures to be shown, perhaps none; they are emptied once they are drawn.
        about: the detector.
        path: of the HTML file.
    """
    title = "What the detector says"
    body = [el("h1", title)]
    if len(verdicts) > 1:
        body.append(_summary(verdicts))
    for number, (verdict, drawn) in enumerate(zip(verdicts, panels, strict=True), 1):
        body.append(_section(number, verdict, drawn, about.manifest))
    body.append(_card(about))
    page.write(path, title, body)


def _summary(verdicts: Sequence[Verdict]) -> Node:
    rows = [
        (
            el("div", el("a", verdict.video, href=f"#video-{number}"), class_="name"),
            "couldn't be looked at" if verdict.error is not None else verdict.answer,
            "–" if verdict.probability is None else wording.probability(verdict.probability),
            wording.reach(verdict),
            verdict.error or "; ".join(verdict.reasons),
        )
        for number, verdict in enumerate(verdicts, 1)
    ]
    return page.table(("video", "answer", "P(fake)", "95 % range", "remarks"), rows)


def _section(number: int, verdict: Verdict, panels: Panels, manifest: Manifest) -> Node:
    heading = el("h2", verdict.video, class_="name")
    parts = _failed(verdict.error) if verdict.error is not None else _judged(verdict, panels, manifest)
    return el("section", heading, *parts, id=f"video-{number}")


def _failed(error: str) -> Iterator[Node]:
    yield el("p", "This file couldn't be looked at.", class_="answer")
    yield el("p", error)
    yield el("h3", "What to do")
    yield el("p", wording.REMEDY)


def _judged(verdict: Verdict, panels: Panels, manifest: Manifest) -> Iterator[Node]:
    yield el("p", wording.ANSWERS[verdict.answer], class_=f"answer {verdict.answer}")
    yield el("p", wording.estimate(verdict))
    yield bars.scale(verdict, Band(*manifest.band), manifest.threshold)
    more = el("a", "how to read it", href="#reading")
    yield el("p", "This is one piece of evidence, no proof: see ", more, ".", class_="soft")
    if verdict.reasons:
        yield el("h3", "Why it can't tell" if verdict.answer == "inconclusive" else "What limits this answer")
        yield el("ul", *(el("li", reason) for reason in verdict.reasons))
    yield from _opinions(verdict.opinions, manifest)
    for stream, panel in panels:
        yield el("h3", f"{panel.title} ({stream})")
        yield page.picture(panel.figure, title=f"{panel.title}, {stream}", caption=panel.caption)
    facts = wording.facts(verdict.opinions)
    if facts:
        yield el("h3", "What was measured on the video")
    for streams, found in facts.items():
        yield el("p", f"By {wording.listed(streams)}:", class_="soft")
        yield el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in found))


def _opinions(opinions: Sequence[Opinion], manifest: Manifest) -> Iterator[Node]:
    if not opinions:
        return
    shares = [opinion.share for opinion in opinions if opinion.share is not None]
    greatest = max(map(abs, shares), default=0.0)
    aucs = {part.name: part.auc for part in manifest.streams}
    header = [
        "stream",
        "P(fake) by itself",
        *(["adds to the answer"] if shares else []),
        f"its own {_auc(manifest)}",
        "status",
    ]
    rows = []
    for opinion in opinions:
        row: list[page.Content] = [opinion.stream]
        row.append("–" if opinion.p is None else _measure(wording.probability(opinion.p), bars.level(opinion.p)))
        if shares:
            share = opinion.share
            row.append("–" if share is None else _measure(f"{share:+.2g}", bars.signed(share, greatest)))
        row += [f"{aucs[opinion.stream]:.2f}" if opinion.stream in aucs else "–", wording.status(opinion)]
        rows.append(row)
    yield el("h3", "What each stream says")
    yield page.table(header, rows)
    note = "A stream's own P(fake) isn't calibrated: compare it with that stream's for other videos, not with other streams'. "
    if shares:
        note += (
            f"What it adds to the answer is in the unit of {manifest.fuser.name}, the fusion: to the right towards fake, to the left towards "
            "real, the longest bar is the largest. "
        )
    yield el(
        "p",
        note + f"Its own {_auc(manifest)} says how good it has been alone: 1 is faultless, 0.5 is guessing.",
        class_="soft",
    )


def _measure(number: str, bar: Node) -> Node:
    return el("div", el("span", number), bar, class_="measure")


def _auc(manifest: Manifest) -> str:
    return "AUC" if manifest.basis == DEEPFAKES else f"AUC on {manifest.basis}"


def _card(about: About) -> Node:
    manifest, learned, measured = about.manifest, about.manifest.trained_on, about.manifest.measured
    fake = fake_word(manifest.basis)
    models = {"refit": "refitted on all videos", "folds": "each trained without the people of one fold"}
    rows = [
        ("model", about.name),
        ("made", f"{manifest.created:%Y-%m-%d} with deepfake-core {manifest.core_version}"),
        ("learned from", manifest.material),
        ("data sets", wording.listed(learned.datasets)),
        ("training data digest", learned.index_digest),
        (
            _auc(manifest),
            f"{between(measured.auc, measured.low, measured.high)}: shown a {fake} and a real video of people that it hadn't seen, it gave the {fake} "
            f"the higher score in {100 * measured.auc:.0f} of 100 pairs; 50 would be guessing. Brackets are a 95 % interval.",
        ),
        (f"{_auc(manifest)} of each stream", ", ".join(f"{part.name} {part.auc:.3f}" for part in manifest.streams)),
        ("fusion", manifest.fuser.name),
        ("models of each stream", f"{len(manifest.members)}, {models[manifest.inference]}"),
        ("doesn't decide", f"from {manifest.band[0]:.2f} to {manifest.band[1]:.2f}"),
        ("threshold", f"{manifest.threshold:.2f}, by the rule {manifest.rule}"),
    ]
    return el(
        "section",
        el("h2", "How to read this", id="reading"),
        el("ul", *(el("li", caution) for caution in wording.cautions(manifest))),
        el("h2", "About the detector"),
        page.table((), [(el("span", name, class_="soft"), value) for name, value in rows]),
    )

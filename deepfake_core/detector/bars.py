"""How is a probability drawn, and what a stream adds to it? As bars that fit any width and any paper."""

from __future__ import annotations

from deepfake_core.detector.page import Node, el
from deepfake_core.detector.verdict import Band, Verdict
from deepfake_core.detector.wording import probability

NARROW = 0.14
"""Part of the scale that is too narrow for a word."""


def scale(verdict: Verdict, band: Band, threshold: float) -> Node:
    """P(fake) from 0 to 1: what counts as real, as undecided, as fake; the threshold; and the verdict with its range.

    Places are shares of the width, while letters keep their size.
    """
    zones = (("real", 0.0, band.low), ("undecided", band.low, band.high), ("fake", band.high, 1.0))
    classes = {"real": "fill-real", "undecided": "fill-open", "fake": "fill-fake"}
    parts: list[Node] = []
    for name, low, high in zones:
        parts.append(_box(low, high, y=34, height=16, class_=classes[name], opacity="0.35"))
        if high - low >= NARROW:
            parts.append(_text((low + high) / 2, 46, name))
    parts.append(el("line", x1=_at(threshold), x2=_at(threshold), y1="50", y2="60", class_="ink"))
    parts.append(_text(threshold, 72, f"threshold {threshold:.2f}", class_="faint"))
    parts += [_text(0, 72, "0", class_="faint"), _text(1, 72, "1", class_="faint")]
    said = f"undecided from {band.low:.2f} to {band.high:.2f}, threshold {threshold:.2f}"
    if verdict.probability is not None:
        p = verdict.probability
        if verdict.low is not None and verdict.high is not None:
            parts.append(_box(verdict.low, verdict.high, y=24, height=3, class_="ink"))
        parts.append(el("circle", cx=_at(p), cy="25.5", r="6", class_="ink"))
        parts.append(_text(p, 14, probability(p)))
        said = f"probability of a fake {probability(p)}, {said}"
    return el("svg", *parts, height="76", role="img", aria_label=said)


def level(p: float) -> Node:
    """A stream's P(fake) as a dot on a rail from 0 to 1."""
    colour = "fill-fake" if p >= 0.5 else "fill-real"
    rail = _box(0, 1, y=7, height=3, class_="rail")
    dot = el("circle", cx=_at(0.03 + 0.94 * p), cy="8.5", r="5", class_=colour)
    return el("svg", rail, dot, height="17", role="img", aria_label=probability(p))


def signed(share: float, greatest: float) -> Node:
    """What a stream adds: from the middle to the right towards fake, to the left towards real.

    Args:
        share: what it adds.
        greatest: largest share of any stream, up or down; fills half the width.
    """
    reach = 0.5 * abs(share) / greatest if greatest else 0.0
    low, high = (0.5, 0.5 + reach) if share >= 0 else (0.5 - reach, 0.5)
    bar = _box(low, high, y=3, height=11, class_="fill-fake" if share >= 0 else "fill-real")
    middle = el("line", x1="50%", x2="50%", y1="0", y2="17", class_="ink")
    return el("svg", bar, middle, height="17", role="img", aria_label=f"{share:+.2g}")


def _at(share: float) -> str:
    return f"{100 * share:.2f}%"


def _box(low: float, high: float, *, y: int, height: int, **attributes: str) -> Node:
    return el("rect", x=_at(low), width=_at(high - low), y=str(y), height=str(height), **attributes)


def _text(place: float, y: int, words: str, **attributes: str) -> Node:
    """Words in the middle about a place, or inwards of it near the ends."""
    anchor = "start" if place < NARROW / 2 else "end" if place > 1 - NARROW / 2 else "middle"
    return el("text", words, x=_at(place), y=str(y), text_anchor=anchor, **attributes)

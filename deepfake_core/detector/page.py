"""How does a page come about that holds everything itself, and shows a hostile text as a text?

Elements are built as a tree and written by the standard library, which escapes all text and attributes: no part of a
page is ever pasted together from strings. The page runs no script and loads nothing, and its own policy forbids both.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Node = ElementTree.Element
Content = Node | str

DPI = 110
"""Of figures, which are 9 inches wide and shown at 960 pixels or less."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

STYLE = """
:root { color-scheme: light dark; --ink: #222; --soft: #5c5c5c; --line: #d9d9d9; --ground: #fff; --card: #f6f6f4;
  --real: #2a7f9e; --fake: #c8553d; --open: #8a8a8a }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e3; --soft: #a8a8a4; --line: #44443f; --ground: #1b1b1a;
  --card: #262624; --real: #58b0d0; --fake: #e5806a; --open: #9a9a96 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word }
h1 { font-size: 1.6rem } h2 { font-size: 1.3rem; margin: 2.4rem 0 .8rem } h3 { font-size: 1.05rem; margin: 2rem 0 .4rem }
a { color: inherit } p { margin: .5rem 0 } ul { margin: .4rem 0; padding-left: 1.3rem }
h2:first-child { margin-top: 0 } section { margin-top: 3rem; padding-top: 1.5rem; border-top: 2px solid var(--line) }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--soft); font-weight: 600; white-space: nowrap } td:last-child { min-width: 8rem }
.wide { overflow-x: auto } .name { min-width: 11rem; overflow-wrap: anywhere }
.measure { display: flex; gap: .8rem; min-width: 8rem } .measure span { min-width: 3.6em; white-space: nowrap }
dl { columns: 2; column-gap: 2.5rem; margin: .2rem 0 1rem; font-size: .92rem }
dl div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line);
  padding: .2rem 0; break-inside: avoid }
dd { flex: none; max-width: 60%; margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
@media (max-width: 40rem) { dl { columns: 1 } }
svg { display: block; width: 100% } svg text { font: 12px system-ui, sans-serif; fill: var(--ink) }
figure { margin: .6rem 0 1.6rem } figcaption { font-size: .88rem; color: var(--soft); margin-top: .4rem }
figure img { display: block; max-width: 100%; background: #fff; border-radius: 4px }
.answer { font-size: 1.25rem; font-weight: 650; border-left: .5rem solid var(--open); padding: .5rem .9rem;
  background: var(--card) }
.answer.real { border-color: var(--real) } .answer.fake { border-color: var(--fake) }
.soft { color: var(--soft); font-size: .92rem }
.fill-real { fill: var(--real) } .fill-fake { fill: var(--fake) } .fill-open { fill: var(--open) }
.ink { fill: var(--ink); stroke: var(--ink) } .rule { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 3 3 }
.rail { fill: var(--line) } svg text.faint { fill: var(--soft) }
@page { size: A4; margin: 16mm 14mm }
@media print {
  :root { color-scheme: light; --ink: #222; --soft: #5c5c5c; --line: #d9d9d9; --ground: #fff; --card: #f6f6f4;
    --real: #2a7f9e; --fake: #c8553d; --open: #8a8a8a }
  body { font-size: 10.5pt; max-width: none; margin: 0; padding: 0; print-color-adjust: exact }
  section { break-before: page; border: 0; margin: 0; padding: 0 } h1 + section { break-before: auto }
  h2, h3 { break-after: avoid } figure, tr, svg, .answer { break-inside: avoid } a { text-decoration: none }
  .wide { overflow: visible } .name { min-width: 8rem }
}
"""


def el(tag: str, *content: Content, **attributes: str) -> Node:
    """An element: its texts are shown as they are, whatever they hold.

    Args:
        tag: its name.
        content: texts and elements in their order.
        attributes: by name; a trailing underscore is dropped (``class_``), others within become hyphens.
    """
    named = {name.rstrip("_").replace("_", "-"): visible(text) for name, text in attributes.items()}
    node = ElementTree.Element(tag, named)
    last: Node | None = None
    for part in content:
        if not isinstance(part, str):
            node.append(part)
            last = part
        elif last is None:
            node.text = (node.text or "") + visible(part)
        else:
            last.tail = (last.tail or "") + visible(part)
    return node


def visible(text: str) -> str:
    r"""A text with its control characters, unpaired surrogates and marks of writing direction spelt out, as ``\u202e``."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode() for sign in text
    )


def table(header: Sequence[Content], rows: Sequence[Sequence[Content]]) -> Node:
    """A table; on a narrow screen it scrolls by itself."""
    head = el("thead", el("tr", *(el("th", cell, scope="col") for cell in header)))
    body = el("tbody", *(el("tr", *(el("td", cell) for cell in row)) for row in rows))
    return el("div", el("table", head, body), class_="wide")


def picture(figure: Figure, *, title: str, caption: str) -> Node:
    """A figure inside the page, with its caption; the figure is emptied, for nobody else needs its memory."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    figure.clear()
    source = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return el("figure", el("img", src=source, alt=title), el("figcaption", caption))


def write(path: Path, title: str, body: Sequence[Node]) -> None:
    """Writes the page."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width"),
        el("title", title),
        el("style", STYLE),
    )
    page = el("html", head, el("body", *body), lang="en")
    text = ElementTree.tostring(page, encoding="unicode", method="html")
    path.write_text(f"<!doctype html>\n{text}\n", encoding="utf-8")

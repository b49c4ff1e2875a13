"""What does someone want to read who only wants to know how good it is? A page of Markdown, and the same as HTML."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, perhaps a table, perhaps a figure.

    Attributes:
        title: of the section.
        text: paragraphs.
        table: cells as they are printed.
        figure: file name of a figure beside the report.
    """

    title: str
    text: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    figure: str | None = None


@dataclass(frozen=True)
class Report:
    """A title and sections."""

    title: str
    sections: Sequence[Section] = field(default_factory=tuple)

    def markdown(self, figures: str) -> str:
        """As Markdown that refers to the figures in a folder beside it."""
        parts = [f"# {self.title}"]
        for section in self.sections:
            parts.append(f"## {section.title}")
            parts += section.text
            if section.table is not None:
                parts.append(_markdown_table(section.table))
            if section.figure:
                parts.append(f"![{section.title}]({figures}/{section.figure}.png)")
        return "\n\n".join(parts) + "\n"

    def html(self, figures: Path) -> str:
        """As one self-contained page, with the figures of that folder inside."""
        parts = [f"<h1>{html.escape(self.title)}</h1>"]
        for section in self.sections:
            parts.append(f"<h2>{html.escape(section.title)}</h2>")
            parts += [f"<p>{html.escape(text)}</p>" for text in section.text]
            if section.table is not None:
                parts.append(section.table.to_html(index=False, border=0, justify="left"))
            if section.figure:
                parts.append(
                    f'<img alt="{html.escape(section.title)}" src="{_inline(figures / f"{section.figure}.png")}">'
                )
        body = "\n".join(parts)
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(self.title)}</title>\n'
            f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
        )


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.2rem }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums }
th, td { padding: 0.25rem 0.9rem 0.25rem 0; border-bottom: 1px solid #ddd; text-align: left; white-space: nowrap }
img { max-width: 100%; margin-top: 0.8rem }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } img, table { break-inside: avoid } }
"""


def _markdown_table(table: pd.DataFrame) -> str:
    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join(
        [line(table.columns), line(["---"] * len(table.columns)), *(line(row) for row in table.to_numpy())]
    )


def _inline(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()

"""How are plugins shown in a terminal? As tables of at most 110 columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from deepfake_core.contract.records import BEST
from deepfake_core.plugins.catalogue import Entry
from deepfake_core.plugins.describing import Setting, description, differing

WIDTH = 110
_GAP = "  "
_NARROWEST = 6
_PRESETS_ABREAST = 5


def listed(catalogue: Sequence[Entry]) -> str:
    """All plugins, one a line, and what is wrong with those that are broken."""
    rows = [
        (
            entry.kind,
            entry.listing.name,
            entry.status,
            entry.listing.plugin_id,
            ", ".join(entry.presets),
            str(entry.origin),
        )
        for entry in catalogue
    ]
    header = ("kind", "name", "status", "distribution", "presets", "origin")
    wrong = [f"{e.status}: {e.reason}\nhint: {e.hint}" for e in catalogue if e.status != "ok"]
    return "\n".join([*table(header, rows, width=None), *dict.fromkeys(wrong)])


def shown(entry: Entry) -> str:
    """One plugin in full."""
    content, listing = description(entry), entry.listing
    lines = (
        [f"{entry.kind} {listing.name}", f"  {entry.summary}"] if entry.summary else [f"{entry.kind} {listing.name}"]
    )
    facts = {"distribution": listing.plugin_id, "origin": str(entry.origin), "target": listing.target}
    if content["hooks"]:
        facts["hooks"] = ", ".join(content["hooks"])
    if "streams" in content:
        facts["streams"] = ", ".join(content["streams"])
        facts["fuser"] = "best: chosen among all that are installed" if content["fuser"] == BEST else content["fuser"]
    facts |= {key.replace("_", " "): _text(value) for key, value in content.get("info", {}).items()}
    width = max(map(len, facts))
    for key, value in facts.items():
        lines += _hanging(f"  {key:<{width}}  ", value)
    declared = [Setting(**each) for each in content.get("settings", ())]
    if declared:
        rows = [(each.name, each.type, _text(each.default), each.bounds, each.meaning) for each in declared]
        lines += ["", "settings", *table(("name", "type", "default", "bounds", "meaning"), rows)]
    if content["presets"]:
        lines += ["", *_presets(declared, content["presets"])]
    return "\n".join(lines)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = WIDTH) -> list[str]:
    """Lines of a table; where it is wider than ``width``, the widest columns are narrowed and their cells wrapped."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    if width is not None:
        room = width - len(_GAP) * (len(widths) - 1)
        while sum(widths) > room and max(widths) > _NARROWEST:
            widths[widths.index(max(widths))] -= 1
    return [line for row in (header, *rows) for line in _lines(row, widths)]


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [
        textwrap.wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(row, widths, strict=True)
    ]
    height = max(map(len, cells))
    padded = [cell + [""] * (height - len(cell)) for cell in cells]
    return [
        _GAP.join(f"{part:<{width}}" for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip(*padded, strict=True)
    ]


def _presets(declared: Sequence[Setting], presets: dict[str, dict[str, Any]]) -> list[str]:
    rows = differing(list(declared), presets)
    default = next(iter(presets))
    if not rows:
        return [f"presets: {', '.join(presets)}; all settings have their defaults"]
    lines = [f"presets ({default} is the first); settings that differ from the default (*) or among them"]
    names = list(presets)
    for start in range(0, len(names), _PRESETS_ABREAST):
        abreast = names[start : start + _PRESETS_ABREAST]
        cells = [
            (row.name, _text(row.default), *(_marked(presets[name][row.name], row.default) for name in abreast))
            for row in rows
        ]
        lines += table(("name", "default", *abreast), cells)
    return lines


def _marked(value: Any, default: Any) -> str:
    return _text(value) if value == default else f"{_text(value)} *"


def _text(value: Any) -> str:
    """A value as one types it after ``name=``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, dict):
        return json.dumps(value)
    return "none" if value is None else str(value)


def _hanging(start: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False
    ) or [start.rstrip()]

"""How is an audit read on a terminal?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from deepfake_core.audit.findings import SEVERITIES, Finding, Report

SHOWN = 40
"""Parts shown per finding; the JSON holds all."""

HEADINGS = dict(zip(SEVERITIES, ("LEAKS", "FAULTS", "WARNINGS", "NOTES"), strict=True))


def text(report: Report) -> str:
    """What was read, how it was divided, the scores' figures, and the findings, worst first."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield "READ"
    for read in report.inputs:
        columns = ", ".join(role if role == name else f"{role}={name}" for role, name in read["columns"].items())
        unused = f"; not used: {', '.join(read['unused'])}" if read["unused"] else ""
        yield f"  {read['file']}: {read['rows']} rows; {columns}{unused}"
    yield "  people from: " + ", ".join(f"{origin} {count}" for origin, count in report.people.items())
    if report.sides:
        yield "DIVIDED"
    for side in report.sides:
        yield (
            f"  {side['file']}: by {side['rule']}, {side['held_out']} held out"
            + (f" in {side['parts']} folds" if side["parts"] > 1 else "")
            + f", {side['train']} train"
            + (" at least" if side["parts"] > 1 else "")
            + f"; fakes {_percent(side['prevalence']['lowest'])} to {_percent(side['prevalence']['highest'])}"
        )
    if report.scores:
        yield "SCORES"
        yield from _table(
            ("file, column", "rows", "AUC", "F1 best", "cross-fitted", "accuracy best", "cross-fitted"),
            [
                (
                    f"{s['file']}, {s['column']}",
                    str(s["rows"]),
                    _number(s["auc"]),
                    _number(s["f1_best"]),
                    _number(s["f1_crossfitted"]),
                    _number(s["accuracy_best"]),
                    _number(s["accuracy_crossfitted"]),
                )
                for s in report.scores
            ],
        )
    if report.joins:
        yield "JOINED"
        yield from _table(
            ("files", "rows as they are", "videos by the index", "of the index"),
            [
                (" + ".join(j["files"]), str(j["rows_as_shipped"]), str(j["ids_by_index"]), _percent(j["covers_index"]))
                for j in report.joins
            ],
        )
    for severity in SEVERITIES:
        found = [finding for finding in report.findings if finding.severity == severity]
        if found:
            yield HEADINGS[severity]
        for finding in found:
            yield from _finding(finding)
    counts = ", ".join(f"{sum(f.severity == s for f in report.findings)} {s}(s)" for s in SEVERITIES)
    yield f"{'leaking' if report.leaking else 'no leak found'}: {counts}"


def _finding(finding: Finding) -> Iterator[str]:
    where = finding.file + (f", {finding.subset}" if finding.subset else "")
    yield f"  {finding.kind}  {where}"
    yield f"    {finding.what}"
    if finding.parts:
        keys = list(finding.parts[0])
        yield from (
            f"    {line}" for line in _table(keys, [[_cell(k, part) for k in keys] for part in finding.parts[:SHOWN]])
        )
        if len(finding.parts) > SHOWN:
            yield f"      … ({len(finding.parts)} in all)"
    if finding.named:
        yield f"    e.g. {', '.join(finding.named)}"
    yield f"    do: {finding.do}"


def _table(head: Any, rows: Any) -> Iterator[str]:
    """Lines of a table whose first column is text and whose others are numbers."""
    widths = [max(len(str(line[i])) for line in (head, *rows)) for i in range(len(head))]
    for line in (head, *rows):
        cells = [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True)]
        yield f"  {line[0]:<{widths[0]}}  {'  '.join(cells)}"


def _cell(key: str, part: Mapping[str, Any]) -> str:
    """A share counts videos of unknown people as sharing nobody: it is a lower bound where there are any."""
    if key != "share":
        return str(part[key])
    if not part["known"]:
        return "unknown"
    return ("" if part["known"] == part["held_out"] else ">= ") + _percent(part[key])


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"

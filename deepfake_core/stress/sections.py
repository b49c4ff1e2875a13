"""What does the report of a stress test say, section by section, to anyone who reads it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.fusion.report import Report, Section
from deepfake_core.fusion.results import FINAL
from deepfake_core.stress import results
from deepfake_core.stress.findings import Findings
from deepfake_core.stress.sweep import CONTROL, KINDS
from deepfake_core.unseen.sections import cell

if TYPE_CHECKING:
    import pandas as pd

FIGURE = "stress"

WORDS = {"auc": "AUC", "log_loss": "log loss"}


def report(findings: Findings) -> Report:
    """All sections, the answer first."""
    return Report(
        "How much loss of quality does the detector bear?",
        (_answer(findings), _levels(findings), _streams(findings), _limits(findings)),
    )


def in_short(findings: Findings) -> list[str]:
    """What breaks first, and what the final score loses most by, in a few sentences."""
    table = findings.table
    metric = results.measure_of(table)
    said = []
    if metric == "log_loss":
        said.append("AUC isn't defined here: no level has scores of both classes. Losses are told by the log loss.")
    final = table[(table["score"] == FINAL) & ~table["kind"].isin((results.CLEAN, CONTROL))]
    change = final[f"{metric}_change"]
    if change.notna().any():
        worst = final.loc[change.idxmin() if metric == "auc" else change.idxmax()]
        said.append(
            f"The final score loses most by {_named(worst)}: its {WORDS[metric]} changes by {cell(worst, f'{metric}_change')}."
        )
    for name in dict.fromkeys((metric, "log_loss")):
        losses = results.mild_losses(table, name)
        if losses:
            ranked = ", then ".join(f"{stream} ({value:+.3f})" for stream, value in losses)
            said.append(
                f"How much worse the {WORDS[name]} of each stream gets, mean over the mildest level of each kind: {ranked}."
            )
    said += [_broken(each, metric) for each in results.first_to_break(table)]
    return said or ["No score could be compared."]


def _named(row: pd.Series) -> str:
    return f"{KINDS[row['kind']].title} ({row['shown']})"


def _broken(found: results.Break, metric: str) -> str:
    row, change = found.row, cell(found.row, f"{metric}_change")
    if found.loss <= 0:
        return f"{_named(row)}: no stream loses; {row['score']} comes nearest to it, {change}."
    if np.isnan(found.p):
        sure = "how surely can't be told"
    else:
        sure = "surely a loss" if found.p <= results.SURE else "not surely a loss"
    return f"{_named(row)}: {row['score']} breaks first, {change}, {sure}."


def _answer(findings: Findings) -> Section:
    clean = findings.clean
    fakes, people = int(clean.label.sum()), len(np.unique(clean.group))
    whole = (
        f"{len(clean.label)} videos of {findings.source}, {fakes} of them fake, in {people} groups of people who appear together, by {findings.name}. "
        "Changes are those against the same videos as they are, with 95 % intervals by resampling the groups of people; a loss is called "
        "sure if its p value, corrected for all comparisons (Holm), is at most 0.05."
    )
    return Section("In short", (*in_short(findings), whole), figure=FIGURE)


def _levels(findings: Findings) -> Section:
    import pandas as pd

    final = findings.table[findings.table["score"] == FINAL]
    rows = [
        {
            "kind": "as they are" if row["kind"] == results.CLEAN else KINDS[row["kind"]].title,
            "level": "" if row["kind"] == results.CLEAN else row["shown"],
            "scored": row["scored"],
            "AUC": cell(row, "auc"),
            "its change": _change(row, "auc"),
            "log loss": cell(row, "log_loss"),
            "change of it": _change(row, "log_loss"),
            "Brier score": f"{row['brier']:.3f}",
            "inconclusive": f"{row['inconclusive']:.1%}",
        }
        for _, row in final.iterrows()
    ]
    text = (
        f"The final score. The row “{KINDS[CONTROL].title}” tells what reading and writing the files does by itself: changes no larger than its "
        "own mean nothing. H.264 is written as platforms deliver it; every other kind is written nearly losslessly.",
    )
    return Section("Level by level", text, pd.DataFrame(rows))


def _change(row: pd.Series, metric: str) -> str:
    return "" if row["kind"] == results.CLEAN else cell(row, f"{metric}_change")


def _streams(findings: Findings) -> Section:
    import pandas as pd

    metric = results.measure_of(findings.table)
    streams = findings.clean.streams
    rows = []
    for (kind, _), part in findings.table.groupby(["kind", "level"], sort=False):
        by_score = part.set_index("score")
        row = by_score.iloc[0]
        plain = kind == results.CLEAN
        rows.append(
            {"kind": "as they are" if plain else KINDS[str(kind)].title, "level": "" if plain else row["shown"]}
            | {name: _stream_cell(by_score.loc[name], metric) for name in streams}
        )
    text = (
        f"{WORDS[metric]} of each stream on the videos as they are; below, its change, and where it scores fewer videos than there are, how many.",
    )
    return Section("Stream by stream", text, pd.DataFrame(rows))


def _stream_cell(row: pd.Series, metric: str) -> str:
    shown = cell(row, metric) if row["kind"] == results.CLEAN else cell(row, f"{metric}_change")
    return shown if row["scored"] == row["videos"] else f"{shown}, {row['scored']} scored"


def _limits(findings: Findings) -> Section:
    overlap = findings.overlap
    if overlap is None:
        met = "Whether the detector was made from some of these videos isn't known. If so, the videos as they are look too easy, and losses differ."
    elif overlap.shared:
        met = (
            f"{len(overlap.videos)} of these videos share an id, a person or content with those that the detector was made from: it has seen them "
            "as they are, and neither level nor loss is what new people would show."
        )
    else:
        met = f"None of these videos shares an id, a person or content with the {overlap.compared} that the detector was made from."
    failed = findings.failures
    read = (
        f"{len(failed)} examinations failed; see the statuses in stress_predictions.csv."
        if failed
        else "Every file could be read and written."
    )
    return Section("What limits this", (met, read))

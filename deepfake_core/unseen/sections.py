"""What does the report of an evaluation say, section by section, to anyone who reads it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract.tables import score_columns
from deepfake_core.data.pseudo import DEEPFAKES, fake_word
from deepfake_core.detector.wording import listed
from deepfake_core.evaluation.metrics import auc
from deepfake_core.fusion.report import Report, Section
from deepfake_core.fusion.results import FINAL
from deepfake_core.fusion.sections import between
from deepfake_core.unseen.findings import Findings

if TYPE_CHECKING:
    import pandas as pd


def report(findings: Findings) -> Report:
    """All sections, the answer first."""
    return Report(
        "How good is the detector on videos that it wasn't made from?",
        (
            _answer(findings),
            _never_met(findings),
            _scores(findings),
            _decisions(findings),
            _domains(findings),
            _methods(findings),
            _calibration(findings),
            _coverage(findings),
        ),
    )


def cell(row: pd.Series, metric: str, digits: int = 3) -> str:
    """``0.912 [0.880, 0.941]``; ``undefined`` where the metric is."""
    if np.isnan(row[metric]):
        return "undefined"
    return between(row[metric], row[f"{metric}_low"], row[f"{metric}_high"], digits)


def _answer(findings: Findings) -> Section:
    answers, final, made = findings.answers, findings.final, findings.manifest.measured
    on_deepfakes = findings.manifest.basis == DEEPFAKES
    fakes, people = int(answers.label.sum()), len(np.unique(answers.group))
    whole = (
        f"{len(answers.label)} videos of {findings.source}, {fakes} of them fake, in {people} groups of people who appear together; "
        f"{final['scored']} got a score."
    )
    if np.isnan(final["auc"]):
        ranked = "The scored videos are all of one class, or there are none: AUC and what else compares fakes with reals isn't defined."
    else:
        ranked = (
            f"Shown a fake and a real video of these, it gives the fake the higher score in {100 * final['auc']:.0f} of 100 pairs (AUC "
            f"{cell(final, 'auc')}). 50 of 100 would be guessing. Out of fold, on people of the data that it was made from, the AUC was "
            f"{between(made.auc, made.low, made.high)}"
            + ("." if on_deepfakes else f", but on {findings.manifest.basis}: it was made from real videos alone.")
        )
    frozen = (
        f"Nothing was fitted to these videos: models, fusion, calibration, the threshold ({findings.manifest.threshold:.3f}) and the band "
        f"({findings.manifest.band[0]:.3f} to {findings.manifest.band[1]:.3f}) are those of {findings.name}. Brackets are 95 % intervals by "
        "resampling the groups of people."
    )
    return Section("In short", (ranked, *_said(findings), whole, frozen), figure="roc")


def _said(findings: Findings) -> list[str]:
    """What the decisions come to, for each class that is there."""
    rows = findings.decisions.set_index(["dataset", "method", "label"])
    found = []
    for label, other in (("real", "fake"), ("fake", "real")):
        if ("all", "all", label) in rows.index:
            row = rows.loc[("all", "all", label)]
            found.append(
                f"Of {row['scored']:.0f} scored {label} videos the threshold calls a share of {cell(row, 'wrong')} {other}. With the band it says "
                f"nothing of {cell(row, 'inconclusive')} of the {label} videos; of the {row['decided']:.0f} that it decides, {cell(row, 'wrong_decided')} "
                "are wrong."
            )
    return found


def _never_met(findings: Findings) -> Section:
    title, overlap = "Has it met these people before?", findings.overlap
    if overlap is None:
        return Section(
            title,
            (
                "Not known: the index that the detector was made from couldn't be found. If it has, the figures are too good.",
            ),
        )
    text = [f"Compared with the {overlap.compared} videos that it was made from, these share: {overlap}."]
    if overlap.shared:
        answers = findings.answers
        clear = ~answers.table["video_id"].isin(overlap.videos).to_numpy(bool)
        text.append(
            f"{int((~clear).sum())} videos are concerned, and --allow-overlap was given: the figures below are too good. On the "
            f"{int(clear.sum())} others the AUC is {auc(answers.label[clear], answers.final.p[clear]):.3f}."
        )
    text.append(
        "People are compared by name and files by content: somebody under another name, or a copy that was encoded anew, isn't found."
        + (f" The content of {overlap.unhashed} videos isn't known." if overlap.unhashed else "")
    )
    return Section(title, tuple(text))


def _scores(findings: Findings) -> Section:
    import pandas as pd

    names = ("auc", "average_precision", "eer", "tpr_at_5_fpr", "balanced_accuracy", "f1", "brier", "log_loss")
    table = pd.DataFrame(
        [
            {
                "score": row["score"],
                "videos": row["scored"],
                **{
                    name: "" if row["kind"] == "stream" and name in ("balanced_accuracy", "f1") else cell(row, name)
                    for name in names
                },
            }
            for _, row in findings.metrics.iterrows()
        ]
    )
    text = (
        "Streams: the mean over their models, as they put it, neither calibrated nor decided. P_final: fused and calibrated, decided at the "
        "threshold.",
    )
    return Section("All scores", text, table, "auc")


def _decisions(findings: Findings) -> Section:
    import pandas as pd

    table = pd.DataFrame(
        [
            {
                "data set": row["dataset"],
                "method": row["method"],
                "label": row["label"],
                "videos": row["videos"],
                "wrong at the threshold": cell(row, "wrong"),
                "inconclusive": cell(row, "inconclusive"),
                "decided": row["decided"],
                "wrong among the decided": cell(row, "wrong_decided"),
            }
            for _, row in findings.decisions.iterrows()
        ]
    )
    text = (
        "The threshold decides every scored video. The band decides fewer: it is made so that, of videos like those the detector was made "
        "from, at most one in ten of each class is decided wrongly. Videos that couldn't be looked at are in neither share.",
    )
    return Section("Decisions", text, table, "scores")


def _domains(findings: Findings) -> Section:
    import pandas as pd

    names = {"pooled": "all pooled", "mean": "mean over data sets"}
    table = pd.DataFrame(
        [
            {
                "score": row["score"],
                "over": names.get(row["over"], row["dataset"]),
                "fakes": row["fakes"],
                "reals": row["reals"],
                "AUC": cell(row, "auc"),
            }
            for _, row in findings.domains.iterrows()
        ]
    )
    text = (
        "Pooled, a fake of one data set is also compared with real videos of another; in the mean, only with those of its own. Pooled lower: the "
        "scores shift between data sets, so that one threshold doesn't fit all. Pooled higher: telling data sets apart passes for telling "
        "fakes apart. Data sets without one of the classes have no AUC.",
    )
    return Section("Across data sets", text, table)


def _methods(findings: Findings) -> Section:
    table = findings.methods.drop(columns=["auc_low", "auc_high"])
    table["auc"] = [cell(row, "auc") for _, row in findings.methods.iterrows()]
    table["auc_all_reals"] = ["undefined" if np.isnan(value) else f"{value:.3f}" for value in table["auc_all_reals"]]
    text = (
        "AUC of the fakes made by each method against the real videos of the same data set, and against all of them.",
    )
    return Section("By method", text, table, "methods")


def _calibration(findings: Findings) -> Section:
    import pandas as pd

    answers, learned = findings.answers, findings.manifest.trained_on
    known = ~np.isnan(answers.final.p)
    table = pd.DataFrame([{name: cell(findings.final, name) for name in ("brier", "log_loss", "ece")}])
    text = [
        "Whether a score of 0.8 means that 80 of 100 such videos are fake; lower is better. The calibration is the one that the detector "
        "carries. The expected calibration error (ece) has no interval: few videos raise it."
    ]
    if known.any():
        text.append(
            f"On average it says {answers.final.p[known].mean():.3f}; {answers.label[known].mean():.3f} of the scored videos are fake, of those it was made "
            f"from {learned.fakes / learned.videos:.3f} were {fake_word(findings.manifest.basis)}s. Where these shares differ, probabilities can't fit both."
        )
    return Section("Calibration", tuple(text), table, "reliability")


def _coverage(findings: Findings) -> Section:
    import pandas as pd

    answers, metrics = findings.answers, findings.metrics.set_index("score")
    status = {FINAL: "status", **{name: f"{name}_status" for name in answers.streams}}
    table = pd.DataFrame(
        [
            {
                "score": name,
                "scored": cell(metrics.loc[name], "coverage"),
                "statuses": ", ".join(f"{n} {s}" for s, n in answers.table[status[name]].value_counts().items()),
            }
            for name in (*answers.streams, FINAL)
        ]
    )
    text = [f"{len(answers.failures)} examinations failed." if answers.failures else "Every file could be read."]
    whole = answers.table[score_columns(answers.table)].notna().all(axis=1).to_numpy()
    lacking = ~whole & ~np.isnan(answers.final.p)
    if lacking.any():
        p = answers.final.p
        text.append(
            f"{int(lacking.sum())} videos got their final score without {listed([n for n in answers.streams if metrics.loc[n, 'coverage'] < 1])}: "
            f"AUC {auc(answers.label[lacking], p[lacking]):.3f}; with all streams {auc(answers.label[whole], p[whole]):.3f}."
        )
    return Section("Who was scored", tuple(text), table)

"""What is written about a fusion: predictions, metrics, figures, and a report that anyone can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract import tables
from deepfake_core.fusion import figures
from deepfake_core.fusion.crossfit import CrossFitted, Rows
from deepfake_core.fusion.joining import Joined
from deepfake_core.fusion.report import Report, Section
from deepfake_core.fusion.results import FINAL, Optimism, Score
from deepfake_core.fusion.selection import Nested
from deepfake_core.runlog import FIGURES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Findings:
    """Everything that was measured about one fusion; see ``results`` for the tables.

    Attributes:
        joined: the streams side by side.
        foreign: those whose scores came from files of anybody.
        rows: the videos that were fused.
        found: cross-fitted scores by fuser.
        nested: choices and final scores.
        rule: of the threshold.
        columns: all scores, the final one last.
        metrics: one row per score.
        differences: the final score against each other.
        values: what each stream adds.
        errors: correlation of the streams' errors.
        optimism: naive, cross-fitted, nested.
        calibration: before and after.
        methods: by data set and method.
    """

    joined: Joined
    foreign: tuple[str, ...]
    rows: Rows
    found: Mapping[str, CrossFitted]
    nested: Nested
    rule: str
    columns: list[Score]
    metrics: pd.DataFrame
    differences: pd.DataFrame
    values: pd.DataFrame
    errors: pd.DataFrame
    optimism: Optimism
    calibration: pd.DataFrame
    methods: pd.DataFrame

    @cached_property
    def final(self) -> pd.Series:
        """The final score's row of the metrics."""
        return self.metrics[self.metrics["score"] == FINAL].iloc[0]

    @property
    def headline(self) -> dict[str, float]:
        """The numbers that runs are compared by."""
        numbers = {name: float(value) for name, value in self.final.items() if isinstance(value, float | int)}
        found = self.optimism
        return {
            **numbers,
            "auc_nested": found.nested,
            "auc_naive": found.naive,
            "auc_crossfitted_best": found.crossfitted,
            "optimism": found.optimism,
            "coverage": self.joined.coverage["fused"],
        }


def write(findings: Findings, out: Path) -> None:
    """Writes all files into ``out``."""
    exports = out / tables.EXPORTS_DIR / "ensemble"
    exports.mkdir(parents=True, exist_ok=True)
    (out / FIGURES).mkdir(exist_ok=True)
    _fused_table(findings).to_parquet(out / tables.FUSED_FILE, index=False)
    _predictions(findings).to_csv(exports / tables.ENSEMBLE_PREDICTIONS_FILE, index=False)
    findings.metrics.to_csv(exports / tables.ENSEMBLE_METRICS_FILE, index=False)
    panels = _panels(findings)
    sheet = figures.sheet([panels[name] for name in ("roc", "auc", "decisions", "scores", "correlation")])
    sheet.savefig(exports / tables.ENSEMBLE_PLOTS_FILE, dpi=110)
    for name, panel in panels.items():
        figures.single(panel).savefig(out / FIGURES / f"{name}.png", dpi=110)
    found = _report(findings)
    (out / "report.md").write_text(found.markdown(FIGURES), encoding="utf-8")
    (out / "report.html").write_text(found.html(out / FIGURES), encoding="utf-8")


def _fused_table(findings: Findings) -> pd.DataFrame:
    """One row per video of the index: who it is, the streams' scores and statuses, the final score; NaN without one."""
    joined = findings.joined
    names = [*tables.JOINED.names, *(f"{name}_{what}" for name in joined.streams for what in ("p", "status"))]
    final = findings.rows.table[["video_id"]].assign(
        p=findings.nested.p,
        raw=findings.nested.raw,
        decision=findings.nested.decision,
        threshold=findings.nested.threshold,
    )
    return joined.table[names].merge(final, on="video_id", how="left", validate="one_to_one")


def _predictions(findings: Findings) -> pd.DataFrame:
    """The published system's table: all scores, the final one, the decision, and how it was made."""
    import pandas as pd

    rows, nested = findings.rows, findings.nested
    scores = {f"P_{score.name}": score.p for score in findings.columns[:-1]}
    chosen = np.array([choice.fuser for choice in nested.choices])[rows.fold]
    table = pd.DataFrame(
        {
            "video_id": rows.table["video_id"],
            "label": rows.label,
            "fold": rows.fold,
            **scores,
            FINAL: nested.p,
            "pred_final": nested.decision,
            "method": chosen,
            "threshold": nested.threshold,
        }
    )
    return findings.joined.table[["video_id"]].merge(table, on="video_id", how="inner", validate="one_to_one")


def _panels(findings: Findings) -> dict[str, figures.Panel]:
    rows, nested, columns = findings.rows, findings.nested, findings.columns
    return {
        "roc": partial(figures.roc, rows=rows, columns=columns),
        "auc": partial(figures.auc_bars, metrics=findings.metrics),
        "decisions": partial(figures.confusion, rows=rows, nested=nested),
        "scores": partial(figures.distributions, rows=rows, nested=nested),
        "correlation": partial(figures.correlation, rows=rows, columns=columns),
        "reliability": partial(figures.calibration, rows=rows, nested=nested),
        "methods": partial(figures.methods, table=findings.methods),
        "optimism": partial(figures.optimism_bars, found=findings.optimism),
        "stream_value": partial(figures.values, table=findings.values),
    }


def _report(findings: Findings) -> Report:
    return Report(
        "How good is the ensemble?",
        (
            _answer(findings),
            _scores(findings),
            _choice(findings),
            _values(findings),
            _calibration(findings),
            _by_method(findings),
            _coverage(findings),
        ),
    )


def between(value: float, low: float, high: float, digits: int = 3) -> str:
    """``0.912 [0.880, 0.941]``; without brackets where there is no interval."""
    if np.isnan(low):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _cell(row: pd.Series, metric: str) -> str:
    return between(row[metric], row[f"{metric}_low"], row[f"{metric}_high"])


def _answer(findings: Findings) -> Section:
    row, rows = findings.final, findings.rows
    fakes, people = int(rows.label.sum()), len(np.unique(rows.group))
    best = findings.metrics[findings.metrics["kind"] == "stream"].sort_values("auc").iloc[-1]
    gain = findings.differences.set_index("against").loc[best["score"]]
    sure = "surely" if gain["low"] > 0 or gain["high"] < 0 else "not surely"
    return Section(
        "In short",
        (
            f"Shown a fake and a real video of people that it has never seen, the ensemble gives the fake the higher score in "
            f"{100 * row['auc']:.0f} of 100 pairs (AUC {_cell(row, 'auc')}). 50 of 100 would be guessing.",
            f"With its threshold it decides {100 * row['balanced_accuracy']:.0f} % of videos rightly, both classes counted "
            f"alike ({_cell(row, 'balanced_accuracy')}); of 100 real videos, its score lets through 95 while it finds "
            f"{100 * row['tpr_at_5_fpr']:.0f} of 100 fakes.",
            f"Its AUC differs from that of the best single stream, {best['score']}, by "
            f"{between(gain['difference'], gain['low'], gain['high'])}: {sure} a difference.",
            f"Measured on {len(rows.label)} videos, {fakes} of them fake, in {people} groups of people who appear together. No video was "
            "scored, and no fusion, calibration or threshold chosen for it, by anything that had seen anyone in it"
            + ("" if not findings.foreign else ", as far as is known (see the end)")
            + ". Brackets are 95 % intervals by resampling these groups.",
        ),
        figure="roc",
    )


def _scores(findings: Findings) -> Section:
    import pandas as pd

    metrics = ("auc", "average_precision", "eer", "balanced_accuracy", "f1", "brier")
    table = pd.DataFrame(
        [
            {
                "score": row["score"],
                "kind": row["kind"],
                "videos": row["scored"],
                **{name: _cell(row, name) for name in metrics},
            }
            for _, row in findings.metrics.iterrows()
        ]
    )
    text = (
        "Streams and fusions are cross-fitted; their thresholds, too. P_final is the score that is used: the fusion chosen "
        "inside each fold, calibrated.",
    )
    return Section("All scores", text, table, "auc")


def _choice(findings: Findings) -> Section:
    import pandas as pd

    found, nested = findings.optimism, findings.nested
    table = pd.DataFrame(
        [
            {
                "videos of": f"fold {k}",
                "fuser": choice.fuser,
                "AUC outside the fold": f"{choice.aucs[choice.fuser]:.3f}",
                "calibration": choice.calibrator.kind,
                "threshold": f"{choice.threshold:.3f}",
            }
            for k, choice in enumerate(nested.choices)
        ]
        + [
            {
                "videos of": "the detector",
                "fuser": nested.final.fuser,
                "AUC outside the fold": f"{nested.final.aucs[nested.final.fuser]:.3f}",
                "calibration": nested.final.calibrator.kind,
                "threshold": f"{nested.final.threshold:.3f}",
            }
        ]
    )
    return Section(
        "What was chosen, and what choosing costs",
        (
            f"Nested AUC {found.nested:.3f}. Had the {len(findings.found)} fusions been fitted and compared on the very videos they are "
            f"judged by, as is common, the best ({found.naive_fuser}) would show {found.naive:.3f}: an optimism of {found.optimism:+.3f}. "
            f"Cross-fitted, but chosen by its result here: {found.crossfitted:.3f}.",
            f"Thresholds follow the rule {findings.rule}.",
        ),
        table,
        "optimism",
    )


def _values(findings: Findings) -> Section:
    import pandas as pd

    table = pd.DataFrame(
        [
            {
                "stream": row["stream"],
                "AUC with it minus AUC without": between(row["value"], row["low"], row["high"]),
                **{
                    f"error correlation with {other}": f"{findings.errors.loc[row['stream'], other]:.2f}"
                    for other in findings.errors
                },
            }
            for _, row in findings.values.iterrows()
        ]
    )
    text = ("An interval that holds 0 says that on these videos it isn't sure whether the stream helps.",)
    return Section("What each stream adds", text, table, "stream_value")


def _calibration(findings: Findings) -> Section:
    import pandas as pd

    table = pd.DataFrame(
        [
            {"calibration": row["calibration"], **{name: _cell(row, name) for name in ("brier", "log_loss", "ece")}}
            for _, row in findings.calibration.iterrows()
        ]
    )
    text = ("Whether a score of 0.8 means that 80 of 100 such videos are fake; lower is better. Cross-fitted.",)
    return Section("Calibration", text, table, "reliability")


def _by_method(findings: Findings) -> Section:
    table = findings.methods.copy()
    for name in ("auc", "auc_all_reals"):
        table[name] = table[name].map("{:.3f}".format)
    text = (
        "AUC of the fakes made by each method against the real videos of the same data set, and against all of them.",
    )
    return Section("By method", text, table, "methods")


def _coverage(findings: Findings) -> Section:
    import pandas as pd

    joined = findings.joined
    table = pd.DataFrame(
        [
            {
                "stream": name,
                "scored": f"{joined.coverage[name]:.1%}",
                "statuses": ", ".join(f"{n} {s}" for s, n in joined.table[f"{name}_status"].value_counts().items()),
            }
            for name in joined.streams
        ]
    )
    how = (
        "videos that a stream abstained on get no fused score"
        if joined.missing == "drop"
        else "videos that a stream abstained on are fused from the others"
    )
    text = [
        f"{joined.usable.sum()} of {len(joined.table)} videos get a fused score ({joined.coverage['fused']:.1%}); {how}."
    ]
    if findings.foreign:
        text.append(
            f"The scores of {', '.join(findings.foreign)} came from files. Whether what made them had seen the people in these videos "
            "isn't known here: only the fusion is kept apart. deepfake audit may tell more."
        )
    if joined.missing == "model":
        text += [_apart(findings)]
    return Section("Who was scored", tuple(text), table)


def _apart(findings: Findings) -> str:
    """AUC of the final score on videos with all streams, and on those without some."""
    from deepfake_core.evaluation.metrics import auc

    rows = findings.rows
    whole = rows.table[[tables.score_column(name) for name in findings.joined.streams]].notna().all(axis=1).to_numpy()
    found = [
        f"on {part.sum()} videos {name} AUC {auc(rows.label[part], findings.nested.p[part]):.3f}"
        for name, part in (("with all streams", whole), ("without some", ~whole))
        if part.any()
    ]
    return "P_final: " + "; ".join(found) + "."

"""What does the report of a fusion say, section by section, to anyone who reads it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract import tables
from deepfake_core.data.pseudo import CAUTION, DEEPFAKES, fake_word, metric_name
from deepfake_core.fusion.findings import Findings
from deepfake_core.fusion.report import Report, Section

if TYPE_CHECKING:
    import pandas as pd


def report(findings: Findings) -> Report:
    """All sections, the answer first."""
    question = "How good is the ensemble" + ("?" if findings.basis == DEEPFAKES else f" on {findings.basis}?")
    return Report(
        question,
        (
            _answer(findings),
            scores(findings),
            *_official(findings),
            _choice(findings),
            *_values(findings),
            *_explained(findings),
            calibration(findings),
            by_method(findings),
            coverage(findings),
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
    people = len(np.unique(rows.group))
    best = findings.metrics[findings.metrics["kind"] == "stream"].sort_values("auc").iloc[-1]
    gain = findings.differences.set_index("against").loc[best["score"]]
    fake, aucs = fake_word(findings.basis), _auc_word(findings)
    sure = "surely" if gain["low"] > 0 or gain["high"] < 0 else "not surely"
    return Section(
        "In short",
        (
            *(() if findings.basis == DEEPFAKES else (CAUTION,)),
            f"Shown a {fake} and a real video of people that it has never seen, the ensemble gives the {fake} the higher score in "
            f"{100 * row['auc']:.0f} of 100 pairs ({aucs} {_cell(row, 'auc')}). 50 of 100 would be guessing.",
            f"With its threshold it decides {100 * row['balanced_accuracy']:.0f} % of videos rightly, both classes counted "
            f"alike ({_cell(row, 'balanced_accuracy')}); of 100 real videos, its score lets through 95 while it finds "
            f"{100 * row['tpr_at_5_fpr']:.0f} of 100 {fake}s.",
            f"Its {aucs} differs from that of the best single stream, {best['score']}, by "
            f"{between(gain['difference'], gain['low'], gain['high'])}: {sure} a difference.",
            f"Measured on {_measured_on(findings)}, in {people} groups of people who appear together. No video was "
            "scored, and no fusion, calibration or threshold chosen for it, by anything that had seen anyone in it"
            + ("" if not findings.foreign else ", as far as is known (see the end)")
            + ". Brackets are 95 % intervals by resampling these groups.",
        ),
        figure="roc",
    )


def _auc_word(findings: Findings) -> str:
    return "AUC" if findings.basis == DEEPFAKES else f"AUC on {findings.basis}"


def _measured_on(findings: Findings) -> str:
    label = findings.rows.label
    fakes = int(label.sum())
    if findings.basis == DEEPFAKES:
        return f"{len(label)} videos, {fakes} of them fake"
    return f"{len(label) - fakes} real videos and {fakes} pseudo-fakes of them"


def scores(findings: Findings) -> Section:
    """Every score with its metrics."""
    pairs = findings.differences.itertuples()
    gains = {pair.against: between(pair.difference, pair.low, pair.high) for pair in pairs}
    table = _shown(findings, findings.metrics)
    table["AUC of P_final minus its AUC"] = table["score"].map(gains).fillna("")
    text = (
        "Streams and fusions are cross-fitted; their thresholds, too. P_final is the score that is used: the fusion chosen "
        "inside each fold, calibrated. Differences are paired: on the videos that both have scored.",
    )
    return Section("All scores", text, table, "auc")


def _shown(findings: Findings, table: pd.DataFrame) -> pd.DataFrame:
    """A row per score, as a reader wants it."""
    import pandas as pd

    metrics = ("auc", "average_precision", "eer", "balanced_accuracy", "f1", "brier")
    return pd.DataFrame(
        [
            {
                "score": row["score"],
                "kind": row["kind"],
                "videos": row["scored"],
                **{metric_name(name, findings.basis): _cell(row, name) for name in metrics},
            }
            for _, row in table.iterrows()
        ]
    )


def _official(findings: Findings) -> tuple[Section, ...]:
    if findings.official is None:
        return ()
    text = (
        "The test split of the data set's authors, alone: the figures to hold against published ones on the same split. No model and no fusion saw a "
        "test video. Streams are those trained on the train split, with the validation split for early stopping where it has both classes; the table above has all videos.",
    )
    return (Section("The official test split", text, _shown(findings, findings.official)),)


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


def _values(findings: Findings) -> list[Section]:
    import pandas as pd

    if findings.values.empty:  # a stream alone adds everything
        return []
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
    return [Section("What each stream adds", text, table, "stream_value")]


def _explained(findings: Findings) -> list[Section]:
    import pandas as pd

    explanation = findings.explanation
    videos = len(explanation.rows.label)
    parts = {"its score alone": "score", "its embedding alone": "embedding"}
    scores_only = (findings.importance["embedding"] == 0).all()
    table = pd.DataFrame(
        [
            {
                "stream": row["stream"],
                "columns": row["columns"],
                "moves a score by": between(row["importance"], row["low"], row["high"]),
                "share": f"{row['share']:.0%}",
                **({} if scores_only else {name: f"{row[what]:.3f}" for name, what in parts.items()}),
            }
            for _, row in findings.importance.iterrows()
        ]
    )
    found = [
        Section(
            "What the scores are made of",
            (
                f"How far each stream moves the score of {explanation.fuser} up or down, on average over {videos} videos, in the unit "
                "of that fuser. Each video is explained by a fit that had not seen anyone in it. A stream can move scores a lot and "
                "yet add little to the AUC, where another says the same.",
            ),
            table,
            "importance",
        ),
        Section(
            "The strongest columns",
            (
                "One point per video, right of 0 where the column raised the score; red where its value is high among the videos, blue "
                "where it is low, grey where the stream abstained.",
            ),
            figure="strongest",
        ),
    ]
    if findings.video_map is not None:
        text = (
            f"{len(findings.video_map)} videos, neighbours in the streams' scores and embeddings near to each other (t-SNE); distances between "
            "groups and their sizes mean nothing. Embeddings of different folds come from different models: where folds "
            "lie apart, it is the models that differ, not the videos.",
        )
        found.append(Section("A map of the videos", text, figure="map"))
    return found


def calibration(findings: Findings) -> Section:
    """Whether probabilities hold."""
    import pandas as pd

    table = pd.DataFrame(
        [
            {"calibration": row["calibration"], **{name: _cell(row, name) for name in ("brier", "log_loss", "ece")}}
            for _, row in findings.calibration.iterrows()
        ]
    )
    text = ("Whether a score of 0.8 means that 80 of 100 such videos are fake; lower is better. Cross-fitted.",)
    return Section("Calibration", text, table, "reliability")


def by_method(findings: Findings) -> Section:
    """How well each forgery method is told from real videos."""
    table = findings.methods.drop(columns=["auc_low", "auc_high"])
    table["auc"] = [_cell(row, "auc") for _, row in findings.methods.iterrows()]
    table["auc_all_reals"] = table["auc_all_reals"].map("{:.3f}".format)
    table = table.rename(columns={name: metric_name(name, findings.basis) for name in ("auc", "auc_all_reals")})
    text = (
        "AUC of the fakes made by each method against the real videos of the same data set, and against all of them.",
    )
    return Section("By method", text, table, "methods")


def coverage(findings: Findings) -> Section:
    """Which videos got a score."""
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

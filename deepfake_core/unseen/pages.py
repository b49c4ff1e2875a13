"""What is written about an evaluation: predictions, metrics, figures, report."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deepfake_core.fusion.figures import Panel, single
from deepfake_core.runlog import FIGURES
from deepfake_core.unseen import figures, sections
from deepfake_core.unseen.findings import Findings
from deepfake_core.unseen.overlap import Overlap

PREDICTIONS_FILE = "evaluation_predictions.csv"
METRICS_FILE = "evaluation_metrics.csv"
DECISIONS_FILE = "evaluation_decisions.csv"
DOMAINS_FILE = "evaluation_data_sets.csv"
METHODS_FILE = "evaluation_methods.csv"
RELIABILITY_FILE = "evaluation_reliability.csv"
OVERLAP_FILE = "evaluation_overlap.csv"


def write(findings: Findings, out: Path) -> None:
    """Writes all files into ``out``."""
    (out / FIGURES).mkdir(parents=True, exist_ok=True)
    shared = findings.overlap.videos if findings.overlap else frozenset()
    predictions = findings.answers.table
    predictions.assign(overlap=predictions["video_id"].isin(shared)).to_csv(out / PREDICTIONS_FILE, index=False)
    tables = {
        METRICS_FILE: findings.metrics,
        DECISIONS_FILE: findings.decisions,
        DOMAINS_FILE: findings.domains,
        METHODS_FILE: findings.methods,
        RELIABILITY_FILE: findings.reliability,
    }
    for name, table in tables.items():
        table.to_csv(out / name, index=False)
    for name, panel in _panels(findings).items():
        single(panel).savefig(out / FIGURES / f"{name}.png", dpi=110)
    found = sections.report(findings)
    (out / "report.md").write_text(found.markdown(FIGURES), encoding="utf-8")
    (out / "report.html").write_text(found.html(out / FIGURES), encoding="utf-8")


def write_overlap(overlap: Overlap | None, out: Path) -> Path:
    """Writes what is shared with the videos that the detector was made from; returns where. Unknown, there is no such file."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / OVERLAP_FILE
    if overlap is None:
        path.unlink(missing_ok=True)
    else:
        overlap.table().to_csv(path, index=False)
    return path


def _panels(findings: Findings) -> dict[str, Panel]:
    manifest, answers = findings.manifest, findings.answers
    return {
        "roc": partial(figures.roc, answers=answers),
        "auc": partial(figures.auc_bars, metrics=findings.metrics),
        "scores": partial(figures.scores, answers=answers, threshold=manifest.threshold, band=manifest.band),
        "reliability": partial(figures.calibration, table=findings.reliability),
        "methods": partial(figures.methods, table=findings.methods),
    }

"""What is written about a stress test: predictions, one table, one figure, report."""

from __future__ import annotations

from pathlib import Path

from deepfake_core.runlog import FIGURES
from deepfake_core.stress import figures, sections
from deepfake_core.stress.findings import Findings
from deepfake_core.stress.results import CLEAN

PREDICTIONS_FILE = "stress_predictions.csv"
METRICS_FILE = "stress_metrics.csv"


def write(findings: Findings, out: Path) -> None:
    """Writes all files into ``out``."""
    import pandas as pd

    (out / FIGURES).mkdir(parents=True, exist_ok=True)
    tables = [findings.clean.table.assign(kind=CLEAN, level=0.0)]
    tables += [
        answers.table.assign(kind=corruption.kind, level=corruption.level)
        for corruption, answers in findings.corrupted.items()
    ]
    pd.concat(tables, ignore_index=True).to_csv(out / PREDICTIONS_FILE, index=False)
    findings.table.to_csv(out / METRICS_FILE, index=False)
    figures.sweeps(findings.table).savefig(out / FIGURES / f"{sections.FIGURE}.png", dpi=110)
    found = sections.report(findings)
    (out / "report.md").write_text(found.markdown(FIGURES), encoding="utf-8")
    (out / "report.html").write_text(found.html(out / FIGURES), encoding="utf-8")

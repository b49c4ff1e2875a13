"""What is written about a fusion: predictions, metrics, meta features, figures, report."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract import tables
from deepfake_core.data.pseudo import DEEPFAKES, metric_name
from deepfake_core.fusion import figures, sections
from deepfake_core.fusion.findings import Findings
from deepfake_core.fusion.meta_features import meta_features
from deepfake_core.fusion.results import FINAL
from deepfake_core.runlog import FIGURES

if TYPE_CHECKING:
    import pandas as pd


def write(findings: Findings, out: Path) -> None:
    """Writes all files into ``out``."""
    exports = out / tables.EXPORTS_DIR / "ensemble"
    exports.mkdir(parents=True, exist_ok=True)
    (out / FIGURES).mkdir(exist_ok=True)
    _fused_table(findings).to_parquet(out / tables.FUSED_FILE, index=False)
    _predictions(findings).to_csv(exports / tables.ENSEMBLE_PREDICTIONS_FILE, index=False)
    metrics = findings.metrics.rename(columns=partial(metric_name, on=findings.basis))
    metrics.to_csv(exports / tables.ENSEMBLE_METRICS_FILE, index=False)
    if findings.official is not None:
        findings.official.to_csv(exports / tables.OFFICIAL_METRICS_FILE, index=False)
    meta_features(findings.joined).to_csv(exports / tables.META_FEATURES_FILE, index=False)
    panels = _panels(findings)
    sheet = figures.sheet([panels[name] for name in ("roc", "auc", "decisions", "scores", "correlation")])
    sheet.savefig(exports / tables.ENSEMBLE_PLOTS_FILE, dpi=110)
    for name, panel in panels.items():
        figures.single(panel).savefig(out / FIGURES / f"{name}.png", dpi=110)
    figures.strongest(findings.explanation).savefig(out / FIGURES / "strongest.png", dpi=110)
    if findings.video_map is not None:
        figures.video_map(findings.video_map).savefig(out / FIGURES / "map.png", dpi=110)
    found = sections.report(findings)
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
    panels: dict[str, figures.Panel] = {
        "roc": partial(figures.roc, rows=rows, columns=columns),
        "auc": partial(figures.auc_bars, metrics=findings.metrics),
        "decisions": partial(figures.confusion, rows=rows, nested=nested),
        "scores": partial(figures.distributions, rows=rows, nested=nested),
        "correlation": partial(figures.correlation, rows=rows, columns=columns),
        "reliability": partial(figures.calibration, rows=rows, nested=nested),
        "methods": partial(figures.methods, table=findings.methods),
        "optimism": partial(figures.optimism_bars, found=findings.optimism),
        **({} if findings.values.empty else {"stream_value": partial(figures.values, table=findings.values)}),
        "importance": partial(figures.importance, table=findings.importance),
    }
    if findings.basis == DEEPFAKES:
        return panels
    return {name: partial(figures.noted, panel=panel, note=f"on {findings.basis}") for name, panel in panels.items()}

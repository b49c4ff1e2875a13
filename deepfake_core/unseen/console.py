"""How does an evaluation look on a terminal?"""

from __future__ import annotations

from deepfake_core.unseen.findings import Findings
from deepfake_core.unseen.sections import cell


def text(findings: Findings) -> str:
    """One line per score, then decisions, data sets, and what is shared with the training videos."""
    lines = [f"{'score':<20} {'scored':>6}  {'AUC [95 % interval]':<22} {'log loss':<22} Brier score"]
    for _, row in findings.metrics.iterrows():
        lines.append(
            f"{row['score']:<20} {row['scored']:>6}  {cell(row, 'auc'):<22} {cell(row, 'log_loss'):<22} {cell(row, 'brier')}"
        )
    for _, row in findings.decisions[findings.decisions["dataset"] == "all"].iterrows():
        lines.append(
            f"{row['label'] + ':':<5} {row['videos']} videos; wrong at the threshold {cell(row, 'wrong')}; inconclusive "
            f"{cell(row, 'inconclusive')}; wrong among the {row['decided']} decided {cell(row, 'wrong_decided')}"
        )
    final = findings.domains[findings.domains["score"] == "P_final"].set_index("over")
    if "mean" in final.index:
        lines.append(
            f"AUC pooled {cell(final.loc['pooled'], 'auc')}; mean over data sets {cell(final.loc['mean'], 'auc')}"
        )
    shared = "unknown" if findings.overlap is None else str(findings.overlap)
    lines.append(f"shared with the videos it was made from: {shared}")
    return "\n".join(lines)

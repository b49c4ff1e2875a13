"""How does a stress test look on a terminal?"""

from __future__ import annotations

from deepfake_core.fusion.results import FINAL
from deepfake_core.stress import results, sections
from deepfake_core.stress.findings import Findings
from deepfake_core.unseen.sections import cell


def text(findings: Findings) -> str:
    """One line per level of the final score, then what breaks first."""
    lines = [
        f"{'corruption':<10} {'level':<16} {'scored':>6}  {'AUC [95 % interval]':<22} {'its change':<24} change of log loss"
    ]
    for _, row in findings.table[findings.table["score"] == FINAL].iterrows():
        clean = row["kind"] == results.CLEAN
        changes = ("", "") if clean else (cell(row, "auc_change"), cell(row, "log_loss_change"))
        lines.append(
            f"{row['kind']:<10} {row['shown']:<16} {row['scored']:>6}  {cell(row, 'auc'):<22} {changes[0]:<24} {changes[1]}".rstrip()
        )
    return "\n".join([*lines, *sections.in_short(findings)])

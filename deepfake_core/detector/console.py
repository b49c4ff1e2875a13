"""How do verdicts and versions look on a terminal?"""

from __future__ import annotations

from collections.abc import Sequence

from deepfake_core.data.pseudo import CAUTION, DEEPFAKES
from deepfake_core.detector.registry import Version
from deepfake_core.detector.verdict import Band, Verdict

LONGEST = 60


def table(verdicts: Sequence[Verdict], band: Band) -> str:
    """One line per video with what its streams say; under it what limits the verdict."""
    width = min(LONGEST, max(len(each.video) for each in verdicts))
    lines = [f"{'video':<{width}}  {'verdict':<12}  {'P(fake)':<19}  streams"]
    for each in verdicts:
        name = each.video if len(each.video) <= width else "…" + each.video[1 - width :]
        opinions = ", ".join(f"{o.stream} {o.status if o.p is None else f'{o.p:.2f}'}" for o in each.opinions)
        answer = "failed" if each.error else each.answer
        lines.append(f"{name:<{width}}  {answer:<12}  {_probability(each):<19}  {opinions or each.error}")
        lines += [f"{'':<{width}}  {reason}" for reason in each.reasons]
    lines.append(f"inconclusive: P(fake) from {band.low:.3f} to {band.high:.3f}, or too few streams")
    if any(each.basis != DEEPFAKES for each in verdicts):
        lines.append(CAUTION)
    return "\n".join(lines)


def _probability(verdict: Verdict) -> str:
    if verdict.probability is None:
        return "-"
    if verdict.low is None or verdict.high is None:
        return f"{verdict.probability:.3f}"
    return f"{verdict.probability:.3f} [{verdict.low:.2f}, {verdict.high:.2f}]"


def versions(name: str, found: Sequence[Version]) -> str:
    """One line per version."""
    if not found:
        return f"{name} has no versions yet: `deepfake run` makes the first."
    lines = [f"{'version':<8} {'alias':<22} {'AUC [95 % interval]':<25} {'coverage':<9} {'made':<17} run"]
    for each in found:
        auc, low, high = each.auc
        shown = f"{auc:.3f} [{low:.3f}, {high:.3f}]" if each.basis == DEEPFAKES else f"none ({each.basis} {auc:.3f})"
        lines.append(
            f"{each.number:<8} {', '.join(each.aliases):<22} {shown:<25} {float(each.tags['coverage']):<9.1%} "
            f"{each.created:%Y-%m-%d %H:%M}  {each.run_id}"
        )
    return "\n".join(lines)

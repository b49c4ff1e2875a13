"""May a version be used for real? The gate before the alias ``champion``, and the way back."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from deepfake_core.contract import tables
from deepfake_core.contract.errors import EXIT_REFUSED, DeepfakeError, UsageError
from deepfake_core.data.certificate import CLEAN
from deepfake_core.data.pseudo import CAUTION, DEEPFAKES
from deepfake_core.detector import references, registry
from deepfake_core.detector.manifest import Manifest
from deepfake_core.detector.registry import CHALLENGER, CHAMPION, Version
from deepfake_core.evaluation.comparison import paired_difference
from deepfake_core.evaluation.resampling import Resamples

MARGIN = 0.005
"""By so much AUC a new champion may be below the old one."""

MIN_COVERAGE = 0.95


class PromotionRefused(DeepfakeError):
    """The gate has a reason against a version."""

    exit_code = EXIT_REFUSED


@dataclass(frozen=True)
class Check:
    """One thing that the gate looks at.

    Attributes:
        name: of it.
        passed: whether it speaks for the version.
        found: what was found.
    """

    name: str
    passed: bool
    found: str


def gate(candidate: Version, champion: Version | None, *, margin: float, min_coverage: float) -> list[Check]:
    """Looks at a version.

    Args:
        candidate: the version that is to be champion.
        champion: the one that is now, if any.
        margin: AUC by which the candidate may be worse.
        min_coverage: least share of videos with a fused score.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = registry.fetch(candidate.uri, Path(scratch) / "candidate")
        manifest = Manifest.read(folder)
        checks = [_certificate(folder, manifest), _coverage(manifest, min_coverage)]
        if manifest.basis != DEEPFAKES:
            checks.append(Check("basis", True, CAUTION))
        if champion is not None and champion.number != candidate.number:
            checks.append(
                _comparison(folder, registry.fetch(champion.uri, Path(scratch) / "champion"), champion, margin)
            )
        wrong = references.check(candidate.uri, folder)
        checks.append(Check("references", not wrong, "; ".join(wrong) or "a fresh process scores them as recorded"))
    return checks


def _certificate(folder: Path, manifest: Manifest) -> Check:
    try:
        content = json.loads((folder / tables.CERTIFICATE_FILE).read_text())
        digests = content["index_digest"], content["folds_digest"]
        verdict = content["verdict"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Check("certificate", False, f"can't be read: {type(error).__name__}: {error}")
    if digests != (manifest.trained_on.index_digest, manifest.trained_on.folds_digest):
        return Check("certificate", False, "is of another index or other folds")
    return Check(
        "certificate", verdict == CLEAN, f"{verdict}: nobody on both sides of a fold" if verdict == CLEAN else verdict
    )


def _coverage(manifest: Manifest, least: float) -> Check:
    found = manifest.measured.coverage
    return Check(
        "coverage", found >= least, f"{found:.1%} of the videos have a score, at least {least:.0%} are asked for"
    )


def _comparison(candidate: Path, champion: Path, old: Version, margin: float) -> Check:
    """On the videos that both have scored out of fold; the burden of proof is the newcomer's."""
    import pandas as pd

    new, current = (Manifest.read(folder) for folder in (candidate, champion))
    if new.basis != current.basis:
        return Check(
            "comparison",
            False,
            f"it was measured on {new.basis}, the champion, version {old.number}, on {current.basis}: their AUCs say different "
            "things; deepfake evaluate compares them, on one index that has deepfakes",
        )
    if new.trained_on.index_digest != current.trained_on.index_digest:
        return Check(
            "comparison", False, f"the champion, version {old.number}, was made on another index: nothing compares them"
        )
    one, other = (pd.read_parquet(folder / tables.FUSED_FILE) for folder in (candidate, champion))
    both = one.merge(other[["video_id", "p"]], on="video_id", suffixes=("", "_champion")).dropna(
        subset=["p", "p_champion"]
    )
    label = both["label"].to_numpy(np.int64)
    draws = Resamples.draw(label, both["group"].to_numpy(str))
    found = paired_difference(draws, label, both["p"], both["p_champion"])
    text = (
        f"AUC{'' if new.basis == DEEPFAKES else f' on {new.basis}'} {found.estimate:+.3f} [{found.low:+.3f}, {found.high:+.3f}] against version {old.number} on {len(both)} videos, "
        f"at worst {-margin:+.3f} is asked for"
    )
    return Check("comparison", bool(found.estimate >= -margin), text)


def promote(
    name: str,
    which: str,
    *,
    margin: float = MARGIN,
    min_coverage: float = MIN_COVERAGE,
    force: bool = False,
    reason: str = "",
) -> tuple[Version, Sequence[Check]]:
    """Makes a version the champion, if nothing speaks against it.

    Args:
        name: of the registered model.
        which: number of the version, or its alias.
        margin: see ``gate``.
        min_coverage: see ``gate``.
        force: make it champion whatever the gate finds; the tags say so.
        reason: why; needed with ``force``.

    Raises:
        PromotionRefused: names what speaks against it.
        UsageError: no such version; it is champion already; or force without a reason.
    """
    if force and not reason.strip():
        raise UsageError("--force needs a reason.", hint='say why: --force --reason "…"; it is kept with the version.')
    candidate, champion = registry.version(name, which), registry.find(name, CHAMPION)
    if champion is not None and champion.number == candidate.number:
        raise UsageError(f"version {candidate.number} of {name} is champion already.", hint="see `deepfake models`.")
    checks = gate(candidate, champion, margin=margin, min_coverage=min_coverage)
    against = [check for check in checks if not check.passed]
    if against and not force:
        raise PromotionRefused(
            f"version {candidate.number} of {name} is not promoted: "
            + "; ".join(f"{check.name}: {check.found}" for check in against)
            + ".",
            hint='--force --reason "…" promotes it all the same, and is recorded.',
        )
    tags = {
        "promoted_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "gate": "; ".join(f"{check.name} {'ok' if check.passed else 'against'}: {check.found}" for check in checks),
        "previous_champion": champion.number if champion else "",
    }
    if against:
        tags |= {"forced": True, "forced_reason": reason}
    registry.tag(candidate, tags)
    registry.move(CHAMPION, candidate)
    if CHALLENGER in candidate.aliases:
        registry.drop(CHALLENGER, name)
    return registry.version(name, str(candidate.number)), checks


def rollback(name: str, reason: str = "") -> tuple[Version, Version]:
    """Makes the previous champion champion again.

    Returns:
        The new champion, and the one that was.

    Raises:
        UsageError: there is no champion, or none before it.
    """
    current = registry.find(name, CHAMPION)
    if current is None:
        raise UsageError(f"model {name!r} has no champion.", hint="promote one: deepfake promote.")
    before = current.tags.get("previous_champion", "")
    previous = registry.find(name, before) if before else None
    if previous is None:
        raise UsageError(
            f"version {current.number} of {name} had no champion before it.", hint="promote another: deepfake promote."
        )
    registry.tag(
        current,
        {"rolled_back_at": datetime.now(timezone.utc).isoformat(timespec="seconds"), "rolled_back_reason": reason},
    )
    registry.move(CHAMPION, previous)
    return registry.version(name, before), current

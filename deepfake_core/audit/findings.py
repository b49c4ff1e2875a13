"""What did the audit find, how bad is it, and what follows for the exit code?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from deepfake_core.contract.errors import EXIT_REFUSED

LEAK, FAULT, WARNING, NOTE = "leak", "fault", "warning", "note"
SEVERITIES = (LEAK, FAULT, WARNING, NOTE)
"""A leak lets a model see what it is tested on; a fault makes a figure wrong; a warning makes it doubtful."""

NAMED = 5
"""Examples shown per finding."""

OWN_IDS = "write the index's own video_id, not the bare file name."
KINDS: Mapping[str, tuple[str, str]] = {
    "identity_leak": (
        LEAK,
        "name everybody of a video in the index's identities, and draw folds from it: deepfake folds.",
    ),
    "content_leak": (LEAK, "keep one video of each file, and draw the folds again."),
    "video_on_both_sides": (LEAK, "give every video one fold."),
    "label_in_scores": (LEAK, "give the model's own scores."),
    "duplicate_ids": (FAULT, "make ids of data set, method and file name: a bare file name stands for several videos."),
    "empty_ids": (FAULT, "name the video of each row."),
    "label_conflict": (FAULT, "find the true label; every metric with these videos is wrong."),
    "repeated_content": (FAULT, "keep one video of each file, or give the copies a common identity."),
    "identities_incomplete": (FAULT, "name everybody involved, the person swapped in too."),
    "unknown_ids": (FAULT, "use the index that these videos come from."),
    "ambiguous_ids": (FAULT, OWN_IDS),
    "ids_of_other_style": (FAULT, OWN_IDS),
    "join_empty": (FAULT, OWN_IDS),
    "without_fold": (FAULT, "draw the folds again from this index."),
    "fold_conflict": (FAULT, "give the folds with which these models were trained."),
    "no_scores": (FAULT, "score the videos."),
    "constant_scores": (FAULT, "check that the model was loaded and that its input isn't blank."),
    "scores_inverted": (WARNING, "give P(fake), not P(real)."),
    "scores_out_of_range": (FAULT, "give P(fake) between 0 and 1: logits need a sigmoid."),
    "people_unknown": (WARNING, "add an identities column (a;b), for DFDC an original column, or give --identity."),
    "repeated_names": (WARNING, "compare the files' hashes (sha256 column), and name the same people alike."),
    "prevalence_shift": (WARNING, "balance the folds by label, data set and method; a threshold doesn't carry over."),
    "threshold_optimism": (WARNING, "choose the threshold on videos that aren't evaluated."),
    "train_unknown": (WARNING, "give the folds: --folds folds.csv, or a fold column."),
    "join_loses_rows": (WARNING, "report the join's coverage beside every metric of the ensemble."),
    "missing_scores": (WARNING, "report coverage beside every metric."),
    "one_class": (WARNING, "score videos of both classes."),
    "unscored_videos": (NOTE, "report coverage beside every metric; without folds, these videos count as train."),
}
"""Every kind of finding: how bad it is, and what to do about it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        kind: one of ``KINDS``.
        what: a sentence.
        file: file, or files, that it concerns.
        counts: numbers by stable name; shares are fractions of 1.
        examples: video ids or names; the first few are kept.
        subset: data set and method, or score column, where it concerns one only.
        parts: the same counts by part, each row with a ``subset``.
    """

    kind: str
    what: str
    file: str
    counts: Mapping[str, float]
    examples: Iterable[object] = ()
    subset: str | None = None
    parts: tuple[Mapping[str, Any], ...] = ()

    @property
    def severity(self) -> str:
        """One of ``SEVERITIES``."""
        return KINDS[self.kind][0]

    @property
    def do(self) -> str:
        """What to do about it."""
        return KINDS[self.kind][1]

    @property
    def named(self) -> list[str]:
        """The first few examples."""
        return [str(name) for name in islice(self.examples, NAMED)]


@dataclass(frozen=True)
class Report:
    """Everything one audit says.

    Attributes:
        inputs: per file what was read and under which columns.
        people: how many videos' people are known, and from where.
        sides: per train/held-out division its rule and sizes.
        scores: per file and score column its figures.
        joins: per pair of prediction files how many rows meet.
        findings: by severity, worst first.
    """

    inputs: tuple[Mapping[str, Any], ...]
    people: Mapping[str, int]
    sides: tuple[Mapping[str, Any], ...]
    scores: tuple[Mapping[str, Any], ...]
    joins: tuple[Mapping[str, Any], ...]
    findings: tuple[Finding, ...]

    @property
    def leaking(self) -> bool:
        """Whether any finding is a leak."""
        return any(finding.severity == LEAK for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """3 if anything leaks, 0 otherwise: faults and warnings don't change it."""
        return EXIT_REFUSED if self.leaking else 0

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values with stable keys; what can't be computed is null."""
        found = {severity: sum(f.severity == severity for f in self.findings) for severity in SEVERITIES}
        content = {
            "audit": 1,
            "verdict": "leaking" if self.leaking else "no leak found",
            "exit_code": self.exit_code,
            "found": found,
            "inputs": self.inputs,
            "people": self.people,
            "sides": self.sides,
            "scores": self.scores,
            "joins": self.joins,
            "findings": [
                {
                    "kind": f.kind,
                    "severity": f.severity,
                    "what": f.what,
                    "where": {"file": f.file, "subset": f.subset},
                    "counts": f.counts,
                    "examples": f.named,
                    "parts": f.parts,
                    "do": f.do,
                }
                for f in self.findings
            ],
        }
        return {key: _plain(value) for key, value in content.items()}

    def write(self, path: Path) -> None:
        """Writes the report as JSON."""
        import json

        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, otherwise in the order in which they were found."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Proves that nobody, no piece of footage, and nothing that the protocol leaves out, stands on both sides of a fold.

The certificate is computed from the lists of videos that each model saw and scored, not from how they were drawn, so it
would also catch a fault in the drawing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfake_core.contract.errors import LeakageFound
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.folds import Folds, Plan
from deepfake_core.data.identities import content
from deepfake_core.data.index import Index
from deepfake_core.data.near_duplicates import near_duplicates
from deepfake_core.data.separation import Protocol, left_out, withheld

CLEAN, LEAKING = "clean", "leaking"
NAMED = 20
"""Leaks are counted in full and named up to this number."""


@dataclass(frozen=True)
class Leak:
    """One thing that stands on both sides.

    Attributes:
        kind: ``identity``, ``content`` (equal sha256), ``near_duplicate`` (nearly equal face track), ``video`` (listed twice),
            or ``left_out`` (what the protocol keeps from the fold's model).
        sides: which two parts of the fold, e.g. ``train/held_out``.
        what: the person, the two videos, or e.g. ``method:Deepfakes``.
    """

    kind: str
    sides: str
    what: str


@dataclass(frozen=True)
class Certificate:
    """The certificate's content, as ``leakage_certificate.json`` holds it."""

    content: Mapping[str, Any]

    @property
    def clean(self) -> bool:
        """Whether nothing leaks."""
        return bool(self.content["verdict"] == CLEAN)

    def write(self, path: Path) -> None:
        """Writes the JSON file."""
        path.write_text(json.dumps(self.content, indent=2, sort_keys=True) + "\n")

    def require_clean(self) -> None:
        """Refuses to go on with leaking folds.

        Raises:
            LeakageFound: names the first leaks of the first leaking fold.
        """
        for fold in self.content["folds"]:
            if fold["leaks"]:
                named = "; ".join(f"{leak['kind']} in {leak['sides']}: {leak['what']}" for leak in fold["named"][:5])
                raise LeakageFound(
                    f"fold {fold['fold']} leaks in {fold['leaks']} place(s): {named}.",
                    hint="give videos that show the same person or footage a common identity in the index, "
                    "and draw the folds again.",
                )


def certify(
    index: Index,
    folds: Folds,
    plans: Sequence[Plan],
    *,
    seed: int,
    content_hashes: Mapping[str, str] | None = None,
) -> Certificate:
    """Checks every plan and writes down what was found.

    Args:
        index: the videos.
        folds: where they are held out.
        plans: one per fold.
        seed: of folds and stop splits, for the record.
        content_hashes: perceptual hashes of face tracks by ``video_id``, where a stream measured them.
    """
    pairs = near_duplicates(content_hashes or {})
    entries = []
    for plan in plans:
        leaks = (
            *find_leaks({"train": plan.train, "stop": plan.stop, "held_out": plan.held_out}, pairs),
            *_left_in(plan, folds.protocol),
        )
        entries.append(
            {
                "fold": plan.index,
                "left_out": sorted(_left_out(plan.held_out, folds.protocol)),
                "train": len(plan.train),
                "stop": len(plan.stop),
                "held_out": len(plan.held_out),
                "purged": len(plan.purged),
                "shared_identities": sum(leak.kind == "identity" for leak in leaks),
                "shared_content": sum(leak.kind in ("content", "near_duplicate", "video") for leak in leaks),
                "leaks": len(leaks),
                "named": [vars(leak) for leak in leaks[:NAMED]],
            }
        )
    scored = [video.video_id for plan in plans for video in plan.held_out]
    complete = sorted(scored) == sorted(video.video_id for video in index.videos)
    return Certificate(
        {
            "certificate": 1,
            "protocol": folds.protocol,
            "index_digest": index.digest,
            "folds_digest": folds.digest,
            "seed": seed,
            "videos": len(index.videos),
            "people": len({name for video in index.videos for name in video.identities}),
            "groups": len(set(folds.group.values())),
            "held_out_once": complete,
            "content_checked": {
                "sha256": sum(content(video) is not None for video in index.videos),
                "perceptual": len(content_hashes or {}),
            },
            "folds": entries,
            "verdict": CLEAN if complete and not any(entry["leaks"] for entry in entries) else LEAKING,
        }
    )


def find_leaks(
    sides: Mapping[str, Sequence[VideoRecord]], near_pairs: Iterable[tuple[str, str]] = ()
) -> tuple[Leak, ...]:
    """Everything that two of the given sets of videos share: people, contents, near-duplicates, the videos themselves."""
    leaks: list[Leak] = []
    names = list(sides)
    near_pairs = list(near_pairs)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            where = f"{first}/{second}"
            a, b = sides[first], sides[second]
            ids_a, ids_b = {v.video_id for v in a}, {v.video_id for v in b}
            leaks += [Leak("video", where, video_id) for video_id in sorted(ids_a & ids_b)]
            persons = {p for v in a for p in v.identities} & {p for v in b for p in v.identities}
            leaks += [Leak("identity", where, person) for person in sorted(persons)]
            holder = {sha256: v.video_id for v in a if (sha256 := content(v))}
            leaks += [
                Leak("content", where, f"{holder[sha256]} = {v.video_id}")
                for v in b
                if (sha256 := content(v)) and sha256 in holder
            ]
            leaks += [
                Leak("near_duplicate", where, f"{x} ~ {y}")
                for x, y in near_pairs
                if (x in ids_a and y in ids_b) or (x in ids_b and y in ids_a)
            ]
    return tuple(leaks)


def _left_out(videos: Sequence[VideoRecord], protocol: Protocol) -> set[str]:
    return {named for video in videos if (named := left_out(video, protocol))}


def _left_in(plan: Plan, protocol: Protocol) -> list[Leak]:
    """What the model saw of a method, data set or split that the protocol keeps from it."""
    leaks = []
    for side, videos in (("train", plan.train), ("stop", plan.stop)):
        seen = _left_out(videos, protocol) & _left_out(plan.held_out, protocol)
        seen |= _left_out([video for video in videos if withheld(video, protocol)], protocol)
        leaks += [Leak("left_out", f"{side}/held_out", named) for named in sorted(seen)]
    return leaks

"""How many rows are left when prediction files are joined, as they are and once their ids are understood?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_core.audit.findings import Finding
from deepfake_core.audit.sides import Placed
from deepfake_core.audit.videos import Videos, label_conflict

ENOUGH = 0.95
"""Share of the smaller file's videos that a join should keep."""


def check_joins(videos: Videos, files: Sequence[Placed]) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The join of every two files, and of all if there are more."""
    rows, found = [], []
    groups = list(combinations(files, 2)) + ([tuple(files)] if len(files) > 2 else [])
    for group in groups:
        facts, wrong = _join(videos, group)
        rows.append(facts)
        found += wrong
    for placed in files:
        if placed.matching.by_stem:
            found.append(_foreign_style(videos, placed))
    return rows, found


def _join(videos: Videos, group: Sequence[Placed]) -> tuple[dict[str, Any], list[Finding]]:
    tables = [placed.predictions.table for placed in group]
    counts = [table["video_id"].value_counts() for table in tables]
    common = set.intersection(*(set(count.index) for count in counts)) - {""}
    product = sum(int(np.prod([count[name] for count in counts])) for name in common)
    resolved = set.intersection(*(set(placed.row[placed.row >= 0]) for placed in group))
    smaller = min(len(count) for count in counts)
    source = " + ".join(placed.source for placed in group)
    facts: dict[str, Any] = {
        "files": [placed.source for placed in group],
        "smallest_file_ids": smaller,
        "rows_as_shipped": product,
        "ids_as_shipped": len(common),
        "ids_by_index": len(resolved),
        "share_as_shipped": len(common) / smaller,
        "share_by_index": len(resolved) / smaller,
        "covers_index": len(resolved) / len(videos.ids),
    }
    found = _label_conflicts(videos, group, source)
    if facts["share_as_shipped"] >= ENOUGH:
        return facts, found
    found.append(
        Finding(
            "join_loses_rows" if common else "join_empty",
            f"joined on their ids as they are, {product} rows are left of {smaller} ids in the smaller file; "
            f"once ids are found in the index, {len(resolved)} videos.",
            source,
            {key: value for key, value in facts.items() if key != "files"},
            tuple(f"{Path(p.source).name}: {t['video_id'].iloc[0]}" for p, t in zip(group, tables, strict=True)),
        )
    )
    return facts, found


def _label_conflicts(videos: Videos, group: Sequence[Placed], source: str) -> list[Finding]:
    if len(group) > 2:
        return []
    label = []
    for placed in group:
        known = np.full(len(videos.ids), np.nan)
        at = placed.row >= 0
        known[placed.row[at]] = placed.predictions.table["label"].to_numpy(dtype=np.float64)[at]
        label.append(known)
    both = ~np.isnan(label[0]) & ~np.isnan(label[1])
    differs = both & (label[0] != label[1])
    names = [str(name) for name in videos.ids[differs]]
    return [label_conflict(source, names, int(both.sum()))] if names else []


def _foreign_style(videos: Videos, placed: Placed) -> Finding:
    found = placed.matching
    ids = len(found.pairs) + len(found.ambiguous) + len(found.absent)
    examples = [f"{own} is {other}" for own, other in found.pairs.items() if own != other]
    return Finding(
        "ids_of_other_style",
        f"{found.exact} of {ids} ids are the index's; {found.by_stem} more match one video by their end, "
        f"{len(found.ambiguous)} several, {len(found.absent)} none.",
        placed.source,
        {
            "ids": ids,
            "exact": found.exact,
            "by_stem": found.by_stem,
            "ambiguous": len(found.ambiguous),
            "absent": len(found.absent),
        },
        tuple(examples),
    )

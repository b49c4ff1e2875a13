"""What do the train and held-out sides of a division share, and do they hold fakes in equal shares?"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_core.audit.findings import NAMED, Finding
from deepfake_core.audit.naming import NAME_PATTERNS, NUMBERED
from deepfake_core.audit.sides import Side
from deepfake_core.audit.videos import FROM_NAME, Videos

SIGNIFICANT = 0.01
SMALL_H, SMALL_V = 0.2, 0.1
"""Effects below these are called small (Cohen 1988, ISBN 978-0-8058-0283-2)."""

CHANCE = 1e-6
"""Probability below which as many equal pairs of numbers aren't chance."""

LEAST_NAMES = 5
"""Data sets of fewer names aren't compared, and fewer pairs are no evidence."""


def check_side(videos: Videos, side: Side) -> tuple[dict[str, Any], list[Finding]]:
    """Shared people, shared files and the shift of the fake share of one division, with its sizes."""
    meeting, person = _shared(side, *videos.links[:2])
    with_content = np.flatnonzero(videos.content >= 0)
    copied = np.unique(_shared(side, with_content, videos.content[with_content])[0])
    prevalence = compare_prevalence(videos, side)
    facts = {
        "file": side.source,
        "rule": side.rule,
        "parts": len(side.parts),
        "held_out": int(side.held_out.sum()),
        "train": min(int(part.train.sum()) for part in side.parts),
        "shared_people_videos": len(np.unique(meeting)),
        "shared_content_videos": len(copied),
        "prevalence": vars(prevalence),
    }
    found = []
    if len(meeting):
        found.append(_identity_leak(videos, side, meeting, person))
    if len(copied):
        found.append(_content_leak(videos, side, copied))
    if prevalence.p_value < SIGNIFICANT and prevalence.effect >= (SMALL_H if len(side.parts) == 1 else SMALL_V):
        found.append(_shift(side, prevalence))
    return facts, found


def check_content(videos: Videos) -> list[Finding]:
    """Files that the index lists more than once."""
    codes, count = np.unique(videos.content[videos.content >= 0], return_counts=True)
    again = codes[count > 1]
    if not len(again):
        return []
    among = np.flatnonzero(np.isin(videos.content, again))
    low, high = np.full(codes[-1] + 1, np.inf), np.full(codes[-1] + 1, -np.inf)
    np.minimum.at(low, videos.content[among], np.nan_to_num(videos.label[among], nan=np.inf))
    np.maximum.at(high, videos.content[among], np.nan_to_num(videos.label[among], nan=-np.inf))
    mixed = int((low[again] < high[again]).sum())
    return [
        Finding(
            "repeated_content",
            f"{len(among)} videos are copies of one another, {len(again)} files in all"
            + (f"; {mixed} of them are both real and fake." if mixed else "."),
            videos.source,
            {"videos": len(among), "files": len(again), "files_of_both_labels": mixed},
            videos.ids[among],
        )
    ]


def check_names(videos: Videos) -> tuple[dict[str, str], list[Finding]]:
    """File names that two data sets share, and whether the data sets number the same people.

    Two data sets that number swaps independently rarely form the same pairs. With ``a`` and ``b`` pairs of ``n`` numbers
    in use, ``a*b / (n*(n-1))`` names are expected in common; far more than that (Poisson, below one in a million) means one
    numbering. Neighbouring numbers don't count, for anybody may number swaps 1_2, 2_3.

    Returns:
        Families whose people are those of another (``{"Custom": "ffpp"}``), and the findings.
    """
    by_family: dict[str, set[str]] = defaultdict(set)
    for stem, family in zip(videos.stem, videos.family, strict=True):
        by_family[family].add(stem)
    known = {pattern.family for pattern in NAME_PATTERNS}
    holders: dict[str, list[str]] = defaultdict(list)
    for family in sorted(by_family, key=lambda name: (name not in known, name)):
        if len(by_family[family]) >= LEAST_NAMES:
            for stem in by_family[family]:
                holders[stem].append(family)
    common: dict[tuple[str, str], list[str]] = defaultdict(list)
    for stem, families in holders.items():
        for pair in combinations(families, 2):
            common[pair].append(stem)
    by_name = {family for family, origin in zip(videos.family, videos.origin, strict=True) if origin == FROM_NAME}
    same: dict[str, str] = {}
    found = []
    for (first, second), names in sorted(common.items()):
        pairs, expected, p = _pair_evidence(by_family[first], by_family[second])
        one_numbering = pairs >= LEAST_NAMES and p < CHANCE
        if one_numbering and second in by_name - known:
            same.setdefault(second, same.get(first, first))
        found.append(_repeated_names(videos, (first, second), names, (pairs, expected), one_numbering, second in same))
    return same, found


@dataclass(frozen=True)
class Prevalence:
    """The share of fakes in train and held-out videos (one part), or in the folds (several).

    Attributes:
        lowest, highest: smallest and largest share of the groups compared.
        effect: Cohen's h of two groups, Cramér's V of several folds.
        p_value: chi-squared test of equal shares; too small where videos of one person come in bunches.
    """

    lowest: float
    highest: float
    effect: float
    p_value: float


def compare_prevalence(videos: Videos, side: Side) -> Prevalence:
    """Compares the share of fakes; NaN where a group is empty or all labels are equal."""
    groups = [part.held_out for part in side.parts]
    if len(groups) == 1:
        groups.append(side.parts[0].train)
    counts = np.array(
        [[(videos.label[group] == label).sum() for label in (0, 1)] for group in groups], dtype=np.float64
    )
    if (counts.sum(axis=0) == 0).any() or (counts.sum(axis=1) == 0).any():
        return Prevalence(math.nan, math.nan, math.nan, math.nan)
    from scipy.stats import chi2_contingency

    share = counts[:, 1] / counts.sum(axis=1)
    tested = chi2_contingency(counts, correction=False)
    if len(side.parts) == 1:
        effect = abs(float(np.diff(2 * np.arcsin(np.sqrt(share)))[0]))
    else:
        effect = math.sqrt(float(tested.statistic) / counts.sum())
    return Prevalence(float(share.min()), float(share.max()), effect, float(tested.pvalue))


def _shared(side: Side, row: NDArray[np.int64], key: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Held-out videos with a key (person, file) that stands in their part's train too: rows and keys, one per meeting."""
    rows, keys = [], []
    for part in side.parts:
        trained = np.zeros(int(key.max(initial=-1)) + 1, dtype=bool)
        trained[key[part.train[row]]] = True
        hit = part.held_out[row] & trained[key]
        rows.append(row[hit])
        keys.append(key[hit])
    return np.concatenate(rows), np.concatenate(keys)


def _identity_leak(videos: Videos, side: Side, meeting: NDArray[np.int64], person: NDArray[np.int64]) -> Finding:
    known, shared = np.zeros((2, len(videos.ids)), dtype=bool)
    known[videos.links[0]] = True
    shared[meeting] = True
    held_out = side.held_out
    counts = _counts(*((held_out & mask).sum() for mask in (held_out, known, shared)))
    subsets, which = np.unique(videos.subset[held_out].astype(str), return_inverse=True)
    per_subset = [np.bincount(which, mask[held_out], len(subsets)) for mask in (held_out, known, shared)]
    return Finding(
        "identity_leak",
        f"{counts['shared']} of {counts['held_out']} held-out videos ({counts['share']:.1%}) show somebody who is in train too.",
        side.source,
        counts | {"people": len(np.unique(person))},
        [f"{videos.ids[i]} ({videos.links[2][code]})" for i, code in islice(zip(meeting, person, strict=True), NAMED)],
        parts=tuple(
            {"subset": str(name), **_counts(*numbers)} for name, *numbers in zip(subsets, *per_subset, strict=True)
        ),
    )


def _counts(held_out: float, known: float, shared: float) -> dict[str, float]:
    """Held-out videos, those of known people, those that share somebody, and their share; NaN where nobody is known."""
    share = float(shared / held_out) if known else math.nan
    return {"held_out": int(held_out), "known": int(known), "shared": int(shared), "share": share}


def _content_leak(videos: Videos, side: Side, copied: NDArray[np.int64]) -> Finding:
    total, count = int(side.held_out.sum()), len(copied)
    return Finding(
        "content_leak",
        f"{count} of {total} held-out videos ({count / total:.1%}) are files that train holds too.",
        side.source,
        {"held_out": total, "shared": count, "share": count / total},
        videos.ids[copied],
    )


def _shift(side: Side, found: Prevalence) -> Finding:
    what = "train and held-out videos" if len(side.parts) == 1 else "folds"
    return Finding(
        "prevalence_shift",
        f"{what} differ in their share of fakes: {found.lowest:.1%} to {found.highest:.1%} "
        f"(effect {found.effect:.2f}, p {found.p_value:.1g}).",
        side.source,
        vars(found),
    )


def _pair_evidence(first: set[str], second: set[str]) -> tuple[int, float, float]:
    """Pair names in common, how many chance would give, and how likely chance gives that many."""
    from scipy.stats import poisson

    pairs = [{stem for stem in stems if _is_swap(stem)} for stems in (first, second)]
    numbers = {number for stem in pairs[0] | pairs[1] for number in stem.split("_")}
    if not pairs[0] or not pairs[1]:
        return 0, 0.0, 1.0
    observed = len(pairs[0] & pairs[1])
    expected = len(pairs[0]) * len(pairs[1]) / (len(numbers) * (len(numbers) - 1))
    return observed, expected, float(poisson.sf(observed - 1, expected))


def _is_swap(stem: str) -> bool:
    found = NUMBERED.fullmatch(stem)
    return bool(found and found[2] and abs(int(found[1]) - int(found[2])) > 1)


def _repeated_names(
    videos: Videos, families: tuple[str, str], names: list[str], evidence: tuple[int, float], same: bool, merged: bool
) -> Finding:
    shown = [name or "(no data set)" for name in families]
    pairs, expected = evidence
    text = f"{len(names)} file names stand in both {shown[0]} and {shown[1]}"
    if same:
        text += f"; {pairs} are pairs of numbers where chance gives {expected:.1f}: the two number the same people"
        text += ", and are counted so" if merged else ""
    counts = {"names": len(names), "pairs": pairs, "pairs_by_chance": expected, "one_numbering": int(same)}
    return Finding(
        "repeated_names", f"{text}.", videos.source, counts, sorted(names), subset=f"{shown[0]} / {shown[1]}"
    )

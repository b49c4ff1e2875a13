"""Which videos are held out together, and what each fold's model may see: purged, stratified, identity-disjoint.

The two-identity reading: a face swap involves two people, and both count. A video trains fold k's model only if
nobody in it appears in any video that fold k holds out. Folds that hold out a method, a data set or a test split are
drawn in ``protocols``; what their models may see is said here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract import tables
from deepfake_core.contract.errors import FoldsImpossible, InvalidTable
from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.contract.settings import digest
from deepfake_core.data.dealing import deal
from deepfake_core.data.identities import clear_of, units
from deepfake_core.data.index import Index, read_csv, write_csv
from deepfake_core.data.separation import KFOLD, OFFICIAL, PROTOCOLS, VAL, Protocol, ties, withheld

if TYPE_CHECKING:
    import pandas as pd

STOP_PARTS = 8
"""The inner stop split is one part in eight of a fold's train videos."""


@dataclass(frozen=True)
class Folds:
    """The fold of every video of an index.

    Attributes:
        fold: number by ``video_id``, from 0.
        group: identity group by ``video_id``: what is resampled together in confidence intervals.
        protocol: what a fold's model is kept from seeing, besides the people it holds out.
    """

    fold: dict[str, int]
    group: dict[str, str]
    protocol: Protocol = KFOLD

    @property
    def count(self) -> int:
        """Number of folds K."""
        return max(self.fold.values()) + 1

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits over all assignments, and the protocol unless it is ``kfold``."""
        assigned: list[object] = [[i, self.fold[i], self.group[i]] for i in sorted(self.fold)]
        return digest(assigned if self.protocol == KFOLD else [self.protocol, *assigned])

    def table(self) -> pd.DataFrame:
        """The folds as a table in the schema ``tables.FOLDS``."""
        import pandas as pd

        rows = [(video_id, fold, self.group[video_id], self.protocol) for video_id, fold in self.fold.items()]
        return pd.DataFrame(rows, columns=tables.FOLDS.names)


@dataclass(frozen=True)
class Plan:
    """What one fold's model trains on and is tested on. Nobody in ``held_out`` appears in ``train`` or ``stop``.

    Attributes:
        index: fold number; None for the refit on everything, which holds nothing out.
        train: videos to fit on.
        stop: videos for early stopping and thresholds; nobody in them appears in ``train``.
        held_out: videos this fold's model scores.
        purged: videos nobody may use here, because they touch a person of ``held_out`` or ``stop``, or because the protocol
            leaves them out.
    """

    index: int | None
    train: tuple[VideoRecord, ...]
    stop: tuple[VideoRecord, ...]
    held_out: tuple[VideoRecord, ...]
    purged: tuple[VideoRecord, ...]


Divided = tuple[tuple[VideoRecord, ...], tuple[VideoRecord, ...], tuple[VideoRecord, ...]]
"""Videos in three parts."""


def draw(index: Index, *, count: int = 5, seed: int = 42) -> Folds:
    """Draws folds: balanced by label x data set x method, whole components where they fit, purged where they don't.

    Args:
        index: the videos.
        count: number of folds K, at least 2.
        seed: breaks ties; the same index and seed give the same folds, whatever the order of the rows.

    Raises:
        FoldsImpossible: one class only, one identity, fewer groups than folds, or a fold left without one class to train on.
    """
    labels = {video.label for video in index.videos}
    if labels != {REAL, FAKE}:
        only = "real" if labels == {REAL} else "fake"
        raise FoldsImpossible(
            f"{index.source}: all {len(index.videos)} videos are {only}.",
            hint="add videos of the other class to the index.",
        )
    if count < 2:
        raise FoldsImpossible(f"{count} fold(s) asked for.", hint="ask for at least 2 folds.")
    return completed(
        index,
        parts(index.videos, count, seed, index.source),
        KFOLD,
        largest=len(index.videos) / count,
        hint="ask for fewer folds, or add videos of people who appear with nobody else.",
    )


def parts(videos: Sequence[VideoRecord], count: int, seed: int, source: str) -> dict[str, int]:
    """Deals videos into ``count`` parts, by ``video_id``: balanced, and with as few people as possible in more than one.

    Raises:
        FoldsImpossible: fewer independent groups than parts.
    """
    ordered = sorted(videos, key=lambda v: v.video_id)
    divided = units(ordered, largest=len(ordered) / count)
    if len(divided) < count:
        everybody = {name for video in ordered for name in video.identities}
        raise FoldsImpossible(
            f"{source}: {len(ordered)} videos of {len(everybody)} people form {len(divided)} independent group(s), "
            f"fewer than {count} folds.",
            hint="ask for fewer folds, or add videos of other people.",
        )
    dealt = deal(divided, _strata(ordered), count, seed)
    return {ordered[row].video_id: int(k) for unit, k in zip(divided, dealt, strict=True) for row in unit.videos}


def completed(index: Index, fold: Mapping[str, int], protocol: Protocol, *, largest: float, hint: str) -> Folds:
    """Folds with their groups, once it is clear that each has both classes to train on.

    Args:
        index: the videos.
        fold: number by ``video_id``.
        protocol: under which it was drawn.
        largest: number of videos up to which a component is one group.
        hint: what to do if a fold can't be trained.

    Raises:
        FoldsImpossible: one can't.
    """
    ordered = sorted(index.videos, key=lambda v: v.video_id)
    group = {ordered[row].video_id: unit.group for unit in units(ordered, largest) for row in unit.videos}
    ids = [video.video_id for video in index.videos]
    folds = Folds({i: fold[i] for i in ids}, {i: group[i] for i in ids}, protocol)
    for k in range(folds.count):
        train, purged = _purge(index.videos, {i for i in ids if fold[i] == k}, protocol)
        if not _both_classes(train):
            raise FoldsImpossible(
                f"{index.source}: fold {k} is left with {len(train)} train videos of one class or none ({len(purged)} are purged "
                f"because they touch a held-out person{'' if protocol == KFOLD else ', or are left out by the protocol'}).",
                hint=hint,
            )
    return folds


def plan(index: Index, folds: Folds, k: int, *, seed: int = 42) -> Plan:
    """What fold ``k`` trains on, stops on, holds out and purges.

    Args:
        index: the videos.
        folds: drawn from the same videos.
        k: fold number.
        seed: of the stop split.
    """
    kept, purged, held_out = trainable(index, folds, k)
    official = _official_stop(kept) if folds.protocol == OFFICIAL else None
    train, stop, lost = official or _cut_stop(kept, seed + k)
    return Plan(k, train, stop, held_out, (*purged, *lost))


def trainable(index: Index, folds: Folds, k: int) -> Divided:
    """What fold ``k``'s model may see, what is purged for its sake, and what it holds out; each in the index's order."""
    ids = {video_id for video_id, fold in folds.fold.items() if fold == k}
    kept, purged = _purge(index.videos, ids, folds.protocol)
    return kept, purged, tuple(video for video in index.videos if video.video_id in ids)


def refit_plan(index: Index, *, seed: int = 42) -> Plan:
    """The plan of the model that is refitted on everything: only a stop split is set aside."""
    train, stop, lost = _cut_stop(index.videos, seed)
    return Plan(None, train, stop, (), lost)


def inner_folds(
    videos: Sequence[VideoRecord], *, count: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Identity-disjoint splits of a fold's own train videos, for stacking and tuning inside a plugin.

    Args:
        videos: labelled videos, N of them.
        count: number of splits wanted; fewer are made when there are fewer independent groups.
        seed: breaks ties.

    Returns:
        Pairs of positions ``(train, test)``; the tests together cover all N, people of a test are purged from its train.

    Raises:
        FoldsImpossible: fewer than two independent groups.
    """
    divided = units(videos, largest=len(videos) / count)
    count = min(count, len(divided))
    if count < 2:
        raise FoldsImpossible(
            f"{len(videos)} train videos form {len(divided)} independent group(s); inner folds need two.",
            hint="ask for fewer folds, or add videos of other people.",
        )
    dealt = deal(divided, _strata(videos), count, seed)
    splits = []
    for k in range(count):
        test = np.array(sorted(row for unit, j in zip(divided, dealt, strict=True) if j == k for row in unit.videos))
        train = np.flatnonzero(clear_of(videos, [videos[row] for row in test])).astype(np.int64)
        splits.append((train, test.astype(np.int64)))
    return splits


def read_folds(path: Path, index: Index) -> Folds:
    """Reads a ``folds.csv`` that covers exactly the videos of ``index``.

    Raises:
        UsageError: no such file.
        InvalidTable: it breaks the schema or is about other videos.
    """
    table = read_csv(path)
    tables.FOLDS.check(table, path)
    ids = list(table["video_id"])
    known = {video.video_id for video in index.videos}
    if len(set(ids)) != len(ids) or set(ids) != known:
        repeated = sorted({i for i in ids if ids.count(i) > 1}) if len(set(ids)) != len(ids) else []
        wrong = repeated or sorted(set(ids) ^ known)
        raise InvalidTable(
            f"{path}: repeated, unknown or missing video_id against {index.source}: {tables.listed(wrong)}.",
            hint="draw folds from this index: deepfake folds --index … --out folds.csv.",
        )
    numbers = dict(zip(ids, table["fold"].astype(float).astype(int), strict=True))
    if sorted(set(numbers.values())) != list(range(max(numbers.values()) + 1)) or max(numbers.values()) < 1:
        raise InvalidTable(
            f"{path}: fold numbers are {sorted(set(numbers.values()))}.", hint="number at least two folds from 0."
        )
    groups = dict(zip(ids, table["group"], strict=True))
    return Folds(
        {v.video_id: numbers[v.video_id] for v in index.videos},
        {v.video_id: groups[v.video_id] for v in index.videos},
        _protocol(table, path),
    )


def write_folds(folds: Folds, path: Path) -> None:
    """Writes ``folds.csv``."""
    write_csv(folds.table(), path)


def _protocol(table: pd.DataFrame, path: Path) -> Protocol:
    """The protocol that a table of folds states; ``kfold`` if it states none, as tables of other origin."""
    stated = set(table["protocol"].fillna(KFOLD)) if "protocol" in table else {KFOLD}
    known = [protocol for protocol in PROTOCOLS if {protocol} == stated]
    if not known:
        raise InvalidTable(
            f"{path}: column 'protocol' holds {tables.listed(sorted(stated))}.",
            hint=f"all rows must say one of: {', '.join(PROTOCOLS)}.",
        )
    return known[0]


def _strata(videos: Sequence[VideoRecord]) -> NDArray[np.float64]:
    """Indicator columns of all, label, label x data set, label x data set x method: ``[N, S] float64``."""
    columns: dict[tuple[object, ...], int] = {}
    cells = []
    for row, video in enumerate(videos):
        key = (video.label, video.dataset, video.method)
        cells += [(row, columns.setdefault(key[:depth], len(columns))) for depth in range(4)]
    indicator = np.zeros((len(videos), len(columns)))
    indicator[tuple(np.array(cells).T)] = 1.0
    return indicator


def _both_classes(videos: Sequence[VideoRecord]) -> bool:
    return {video.label for video in videos} == {REAL, FAKE}


def _purge(
    videos: Sequence[VideoRecord], held_out: set[str], protocol: Protocol = KFOLD
) -> tuple[tuple[VideoRecord, ...], tuple[VideoRecord, ...]]:
    """Splits the videos that aren't held out into those that have no tie with the held-out ones, and the rest."""
    others = [video for video in videos if video.video_id not in held_out]
    clear = clear_of(others, (video for video in videos if video.video_id in held_out), ties(protocol))
    clear &= np.array([not withheld(video, protocol) for video in others], dtype=bool)
    return (
        tuple(video for video, kept in zip(others, clear, strict=True) if kept),
        tuple(video for video, kept in zip(others, clear, strict=True) if not kept),
    )


def _official_stop(videos: tuple[VideoRecord, ...]) -> Divided | None:
    """Train, stop and purged, with the official validation videos as stop split; None unless they leave both classes on both sides."""
    stop = tuple(video for video in videos if video.split == VAL)
    train, purged = _purge(videos, {video.video_id for video in stop})
    return (train, stop, purged) if _both_classes(train) and _both_classes(stop) else None


def _cut_stop(videos: tuple[VideoRecord, ...], seed: int) -> Divided:
    """Cuts the stop split off: train, stop and purged.

    Of the parts that leave both classes on both sides, the one whose purge costs least is taken; where there is none,
    nothing is cut and ``stop`` is empty.
    """
    ordered = sorted(videos, key=lambda v: v.video_id)
    divided = units(ordered, largest=len(ordered) / STOP_PARTS)
    count = min(STOP_PARTS, len(divided))
    if count < 2:
        return videos, (), ()
    dealt = deal(divided, _strata(ordered), count, seed)
    best: Divided | None = None
    for k in range(count):
        ids = {ordered[row].video_id for unit, j in zip(divided, dealt, strict=True) if j == k for row in unit.videos}
        train, purged = _purge(videos, ids)
        stop = tuple(video for video in videos if video.video_id in ids)
        if _both_classes(train) and _both_classes(stop) and (best is None or len(purged) < len(best[2])):
            best = train, stop, purged
    return best or (videos, (), ())

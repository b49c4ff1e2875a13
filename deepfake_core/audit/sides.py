"""Which videos was a model trained on, and which were held out, as folds, columns or coverage tell it?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfake_core.audit.findings import Finding
from deepfake_core.audit.videos import Videos, check_ids
from deepfake_core.contract import tables
from deepfake_core.contract.errors import DeepfakeError, InvalidTable
from deepfake_core.data.certificate import CLEAN
from deepfake_core.data.folds import read_folds, trainable
from deepfake_core.data.foreign import ForeignPredictions, ForeignTable, Matching, match, stems
from deepfake_core.data.index import read_index

if TYPE_CHECKING:
    import pandas as pd

TRAIN_WORDS = frozenset({"train", "training"})
FAILED_SHARE = 0.1
"""If fewer videos than this share of the index lack a score, they are taken for failures, not for the train set."""


@dataclass(frozen=True)
class Part:
    """One model's view: what it learnt from and what it was tested on, both ``[N] bool``."""

    name: str
    train: NDArray[np.bool_]
    held_out: NDArray[np.bool_]


@dataclass(frozen=True)
class Side:
    """One division of the index.

    Attributes:
        source: file that tells it.
        rule: how: ``folds``, ``purged folds``, ``fold column``, ``split column`` or ``coverage``.
        parts: one per fold; one in all for a single split.
    """

    source: str
    rule: str
    parts: tuple[Part, ...]

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Videos that any part holds out, ``[N] bool``."""
        held_out: NDArray[np.bool_] = np.logical_or.reduce([part.held_out for part in self.parts])
        return held_out


@dataclass(frozen=True)
class Placed:
    """A prediction file with its rows found in the index.

    Attributes:
        predictions: the file.
        matching: its ids against the index's.
        row: index row of each of its rows, -1 where unknown, ``[R]``.
        doubtful: index rows that an ambiguous id could mean, ``[N] bool``.
    """

    predictions: ForeignPredictions
    matching: Matching
    row: NDArray[np.int64]
    doubtful: NDArray[np.bool_]

    @property
    def source(self) -> str:
        """Path of the file."""
        return self.predictions.source


def place(videos: Videos, predictions: ForeignPredictions) -> Placed:
    """Finds the rows of a prediction file in the index."""
    matching, row = _rows(videos, predictions.table["video_id"])
    doubtful = np.zeros(len(videos.ids), dtype=bool)
    if matching.ambiguous:
        ends = {end for name in matching.ambiguous for end in stems(name)[:1]}
        taken = set(row)
        for i, name in enumerate(videos.ids):
            doubtful[i] = i not in taken and not ends.isdisjoint(stems(name))
    return Placed(predictions, matching, row, doubtful)


def sides_of_folds(videos: Videos, read: ForeignTable) -> tuple[Side, list[Finding]]:
    """The division that a folds file tells; purged where a matching clean certificate lies beside it.

    Raises:
        InvalidTable: fewer than two folds, or folds of other videos.
    """
    path, table = read.source, read.table
    matching, row = _rows(videos, table["video_id"])
    known = (row >= 0) & table["fold"].notna().to_numpy()
    fold = table["fold"].to_numpy(dtype=np.float64)
    if len(np.unique(fold[known])) < 2:
        raise InvalidTable(
            f"{path}: places the videos of {videos.source} in {len(np.unique(fold[known]))} fold(s); "
            f"{len(matching.absent) + len(matching.ambiguous)} of its ids aren't found there.",
            hint="give the folds that were drawn from this index, two at least.",
        )
    found = check_ids(path, table["video_id"]) + _unplaced(path, matching, len(table))
    place_of, twice = _one_each(path, videos, row[known], fold[known])
    without = videos.ids[np.isnan(place_of)]
    if len(without):
        text = f"{len(without)} of {len(videos.ids)} videos of the index have no fold: they count neither as train nor as held out."
        found.append(Finding("without_fold", text, path, {"videos": len(videos.ids), "without": len(without)}, without))
    purged = None if table["video_id"].duplicated().any() else _purged_train(Path(videos.source), Path(path))
    parts = _fold_parts(place_of)
    if purged is not None:
        parts = [
            Part(part.name, part.train & np.array([name in kept for name in videos.ids]), part.held_out)
            for part, kept in zip(parts, purged, strict=True)
        ]
    return Side(path, "folds" if purged is None else "purged folds", tuple(parts)), found + twice


def sides_of_file(videos: Videos, placed: Placed) -> tuple[Side | None, list[Finding]]:
    """The division that a prediction file tells by itself: its fold column, its split column, the index's split, or coverage.

    None if none of its videos is in the index, or if nothing tells what its models learnt from.
    """
    table, row = placed.predictions.table, placed.row
    known = row >= 0
    if not known.any():
        return None, []
    for role in ("fold", "split"):
        if role not in table:
            continue
        value = _trained(table["split"]) if role == "split" else table["fold"].to_numpy(dtype=np.float64)
        told = known & ~np.isnan(value)
        if len(np.unique(value[told])) > 1:
            place_of, twice = _one_each(placed.source, videos, row[told], value[told])
            parts = _fold_parts(place_of) if role == "fold" else [Part("split", place_of == 1, place_of == 0)]
            return Side(placed.source, f"{role} column", tuple(parts)), twice
    scored = np.zeros(len(videos.ids), dtype=bool)
    scored[row[known]] = True
    split = split_side(videos)
    if split and not (scored & split.parts[0].train).any():
        return Side(placed.source, split.rule, (Part("split", split.parts[0].train, scored),)), []
    without = ~scored & ~placed.doubtful
    if without.mean() < FAILED_SHARE:
        return None, [_unknown_train(placed, int(without.sum()), len(without))]
    return Side(placed.source, "coverage", (Part("scored", without, scored),)), []


def _fold_parts(place_of: NDArray[np.float64]) -> list[Part]:
    """Each fold against the others. A video without a fold is on neither side: one that couldn't be scored has trained nothing."""
    placed = ~np.isnan(place_of)
    return [Part(f"fold {k:.0f}", placed & (place_of != k), place_of == k) for k in np.unique(place_of[placed])]


def _trained(split: pd.Series) -> NDArray[np.float64]:
    """1 for train, 0 for any other split, NaN where none is named."""
    return np.where(split == "", np.nan, split.str.lower().isin(TRAIN_WORDS))


def split_side(videos: Videos) -> Side | None:
    """The division that the index's split column tells, if it names a train split and another one."""
    import pandas as pd

    if videos.split is None:
        return None
    trained = _trained(pd.Series(videos.split, dtype=object))
    part = Part("split", trained == 1, trained == 0)
    return Side(videos.source, "split column", (part,)) if part.train.any() and part.held_out.any() else None


def _rows(videos: Videos, ids: pd.Series) -> tuple[Matching, NDArray[np.int64]]:
    matching = match(ids, videos.ids)
    number = {name: i for i, name in enumerate(videos.ids)}
    return matching, np.array([number.get(matching.pairs.get(name, ""), -1) for name in ids], dtype=np.int64)


def _one_each(
    source: str, videos: Videos, row: NDArray[np.int64], value: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[Finding]]:
    """The value of each index row, NaN where it has none; videos with two values are a leak."""
    first = np.full(len(videos.ids), np.nan)
    first[row[::-1]] = value[::-1]
    twice = np.unique(row[first[row] != value])
    if not len(twice):
        return first, []
    return first, [
        Finding(
            "video_on_both_sides",
            f"{len(twice)} videos stand in more than one fold or split.",
            source,
            {"videos": int((~np.isnan(first)).sum()), "shared": len(twice)},
            videos.ids[twice],
        )
    ]


def _unplaced(source: str, matching: Matching, count: int) -> list[Finding]:
    return [
        Finding(kind, f"{len(names)} ids {text}.", source, {"rows": count, "ids": len(names)}, names)
        for kind, names, text in (
            ("unknown_ids", matching.absent, "aren't in the index"),
            ("ambiguous_ids", matching.ambiguous, "could each mean several videos of the index"),
        )
        if names
    ]


def unplaced(videos: Videos, placed: Placed) -> list[Finding]:
    """Ids of a prediction file that the index doesn't know, or knows more than once; videos that it doesn't score."""
    scored = np.zeros(len(videos.ids), dtype=bool)
    scored[placed.row[placed.row >= 0]] = True
    lacking = ~scored & ~placed.doubtful
    found = _unplaced(placed.source, placed.matching, len(placed.row))
    if lacking.any():
        count = int(lacking.sum())
        found.append(
            Finding(
                "unscored_videos",
                f"{count} of {len(scored)} videos of the index have no row here.",
                placed.source,
                {"videos": len(scored), "scored": int(scored.sum()), "unscored": count},
                videos.ids[lacking],
            )
        )
    return found


def folds_differ(placed: Placed, drawn: Side) -> bool:
    """Whether a file's own fold column puts a video elsewhere than the folds do."""
    return bool(len(_elsewhere(placed, drawn)))


def fold_conflict(placed: Placed, drawn: Side) -> Finding:
    """The finding for a file whose folds differ."""
    names = _elsewhere(placed, drawn)
    return Finding(
        "fold_conflict",
        f"{len(names)} rows stand in another fold than in {drawn.source}.",
        placed.source,
        {"rows": len(placed.row), "conflicts": len(names)},
        names,
    )


def _elsewhere(placed: Placed, drawn: Side) -> tuple[str, ...]:
    table = placed.predictions.table
    if "fold" not in table:
        return ()
    fold = table["fold"].to_numpy(dtype=np.float64)
    differs = (placed.row >= 0) & ~np.isnan(fold)
    for part in drawn.parts:
        differs &= ~(part.held_out[placed.row] & (fold == float(part.name.removeprefix("fold "))))
    return tuple(table["video_id"][differs])


def _unknown_train(placed: Placed, without: int, count: int) -> Finding:
    return Finding(
        "train_unknown",
        f"only {without} of {count} videos have no score here, and there is no fold: nothing tells what its models learnt from.",
        placed.source,
        {"videos": count, "without_score": without},
    )


def _purged_train(index_path: Path, folds_path: Path) -> list[frozenset[str]] | None:
    """What each fold's model may have learnt from, if this project drew and certified the folds; None otherwise."""
    certificate = folds_path.with_name(tables.CERTIFICATE_FILE)
    if not certificate.is_file():
        return None
    try:
        index = read_index(index_path)
        folds = read_folds(folds_path, index)
        stated = json.loads(certificate.read_text(encoding="utf-8"))
    except (DeepfakeError, ValueError):
        # Not tables of this project, so the certificate isn't about them.
        return None
    expected = (CLEAN, index.digest, folds.digest)
    if (
        not isinstance(stated, dict)
        or tuple(stated.get(k) for k in ("verdict", "index_digest", "folds_digest")) != expected
    ):
        return None
    return [frozenset(v.video_id for v in trainable(index, folds, k)[0]) for k in range(folds.count)]

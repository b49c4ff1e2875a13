"""``audit``: reads the tables, divides the index into train and held-out, and looks for everything that makes figures untrue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepfake_core.audit.findings import Finding, Report, by_severity
from deepfake_core.audit.joins import check_joins
from deepfake_core.audit.leaks import check_content, check_names, check_side
from deepfake_core.audit.scores import check_file
from deepfake_core.audit.sides import (
    Placed,
    Side,
    fold_conflict,
    folds_differ,
    place,
    sides_of_file,
    sides_of_folds,
    split_side,
    unplaced,
)
from deepfake_core.audit.videos import Videos, read_videos, with_numbering
from deepfake_core.contract.errors import UsageError
from deepfake_core.contract.tables import listed
from deepfake_core.data.foreign import ForeignPredictions, ForeignTable, parse_columns, read_predictions, read_table


def run(
    index: Path,
    folds: Path | None,
    predictions: Sequence[Path],
    *,
    columns: Iterable[str] = (),
    identity: str = "",
) -> Report:
    """Audits an index with its folds and predictions.

    Args:
        index: the videos: an id, and what else there is of label, path, data set, method, identities, split, sha256.
        folds: fold of each video, if there are folds.
        predictions: files of scores.
        columns: columns by role for what isn't recognised, ``"label=y"`` for all prediction files, ``"file.csv:label=y"`` for one.
        identity: regular expression whose groups are the people of a file name; empty: known patterns and columns.

    Raises:
        UsageError, InvalidTable: a file can't be used.
    """
    given = _columns_by_file(columns, [index, *([folds] if folds else [])], predictions)
    read, videos, found = read_videos(index, given[index], identity)
    found += check_content(videos)
    same, repeated = check_names(videos)
    found += repeated
    videos = with_numbering(videos, same)
    files = [place(videos, read_predictions(path, given[path])) for path in predictions]
    drawn = read_table(folds, given[folds], needs=("video_id", "fold")) if folds else None
    sides, undecided = _divide(videos, files, drawn)
    found += undecided
    side_facts, scores = [], []
    for side in sides:
        facts, wrong = check_side(videos, side)
        side_facts.append(facts)
        found += wrong
    for placed in files:
        figures, wrong = check_file(videos, placed)
        scores += figures
        found += wrong + unplaced(videos, placed)
    joins, wrong = check_joins(videos, files)
    return Report(
        (
            _input("index", read),
            *([_input("folds", drawn)] if drawn else []),
            *(_input("predictions", placed.predictions) for placed in files),
        ),
        dict(Counter(videos.origin)),
        tuple(side_facts),
        tuple(scores),
        tuple(joins),
        by_severity(found + wrong),
    )


def _divide(videos: Videos, files: Sequence[Placed], folds: ForeignTable | None) -> tuple[list[Side], list[Finding]]:
    """What was train and what was held out: by the folds if there are any, otherwise by each file, otherwise by the index."""
    sides: list[Side] = []
    found: list[Finding] = []
    telling = files
    if folds:
        drawn, found = sides_of_folds(videos, folds)
        sides.append(drawn)
        telling = [placed for placed in files if folds_differ(placed, drawn)]
        found += [fold_conflict(placed, drawn) for placed in telling]
    for placed in telling:
        told, wrong = sides_of_file(videos, placed)
        sides += [told] if told else []
        found += wrong
    split = None if sides or files else split_side(videos)
    return sides + ([split] if split else []), found


def _columns_by_file(
    texts: Iterable[str], tables: Sequence[Path], predictions: Sequence[Path]
) -> dict[Path, dict[str, str]]:
    """Columns by role for each file; what names no file is for the prediction files."""
    parsed = parse_columns(texts)
    names = [path.name for path in (*tables, *predictions)]
    strange = [name for name in parsed if name and name not in names]
    if strange:
        raise UsageError(f"columns: no file is named {listed(strange)}.", hint=f"the files are {', '.join(names)}.")
    common = parsed.get("", {})
    return {path: common | parsed.get(path.name, {}) for path in predictions} | {
        path: parsed.get(path.name, {}) for path in tables
    }


def _input(role: str, read: ForeignTable | ForeignPredictions) -> Mapping[str, Any]:
    return {
        "role": role,
        "file": read.source,
        "rows": len(read.table),
        "columns": dict(read.columns),
        "unused": list(read.unused),
    }

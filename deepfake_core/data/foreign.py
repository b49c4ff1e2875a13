"""What do tables that other people wrote say: which column is what, and whose ids are the same video?

Columns are recognised by name or given; every cell is read as text first, so that ``033`` stays ``033``. Rows are kept
as they are: repeated ids, scores outside [0, 1] and missing scores are for the caller to judge.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_core.contract.errors import InvalidTable, UsageError
from deepfake_core.contract.records import FAKE, REAL
from deepfake_core.contract.tables import listed, rows
from deepfake_core.data.generic import VIDEO_SUFFIXES
from deepfake_core.data.index import read_csv

if TYPE_CHECKING:
    import pandas as pd

SCORE = "score"
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "video_id": ("video_id", "video", "video_name", "videoid", "filename", "file_name", "file", "name", "id", "clip"),
    "path": ("path", "video_path", "file_path", "filepath"),
    "label": ("label", "true_label", "target", "y_true", "ground_truth", "gt", "is_fake"),
    "fold": ("fold", "fold_id", "cv_fold"),
    "split": ("split", "partition"),
    "dataset": ("dataset", "source", "data_set", "dataset_name"),
    "method": ("method", "manipulation", "manipulation_type", "forgery"),
    "identity": ("identity", "person", "person_id", "subject", "actor"),
    "identities": ("identities", "people", "persons", "subjects"),
    "sha256": ("sha256", "md5"),
    "original": ("original", "original_video"),
}
"""Names under which each role is known, in lower case with underscores. Score columns are known by their words."""

SCORE_WORDS = frozenset({"prob", "probs", "probability", "score", "scores"})
NO_SCORE_WORDS = frozenset({"real", "value", "threshold", "class", "label"})
LABEL_WORDS: Mapping[str, int] = {
    **dict.fromkeys(("0", "0.0", "real", "original", "genuine", "pristine", "authentic"), REAL),
    **dict.fromkeys(("1", "1.0", "fake", "deepfake", "forged", "manipulated", "synthetic"), FAKE),
}
HEAD_BYTES = 1 << 16
"""Enough for the header of any table of videos."""


@dataclass(frozen=True)
class ForeignTable:
    """A table with its columns recognised.

    Attributes:
        source: path of the file.
        table: one column per recognised role, named as the role, and the score columns under their own names. ``label``
            and ``fold`` are numbers or NaN, scores are float64, everything else text, ``""`` where a cell is empty.
        columns: the file's own name of each role's column; score columns are joined by commas under ``score``.
        scores: names of the score columns.
        unused: columns that weren't recognised.
    """

    source: str
    table: pd.DataFrame
    columns: Mapping[str, str]
    scores: tuple[str, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class ForeignPredictions:
    """Predictions of anybody.

    Attributes:
        source: path of the file.
        table: columns ``video_id``, ``label`` (0, 1 or NaN), one per score, and ``fold`` and ``split`` where the file has them.
        scores: names of the score columns, at least one.
        columns: the file's own name of each role's column.
        unused: columns that weren't recognised.
    """

    source: str
    table: pd.DataFrame
    scores: tuple[str, ...]
    columns: Mapping[str, str]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class Matching:
    """Which ids of one list are which of another.

    Attributes:
        pairs: id of the second list by id of the first, exact ones first.
        exact: number of pairs that are equal to the letter.
        by_stem: number of pairs of which one id is the other one's end, as ``033.mp4`` is of ``FF_real__033.mp4``.
        ambiguous: ids of the first list that could be several of the second, or compete for one.
        absent: ids of the first list that nothing of the second resembles.
    """

    pairs: Mapping[str, str]
    exact: int
    by_stem: int
    ambiguous: tuple[str, ...]
    absent: tuple[str, ...]


def read_predictions(path: Path, columns: Mapping[str, str] | None = None) -> ForeignPredictions:
    """Reads a prediction file of any origin.

    Args:
        path: a CSV file.
        columns: the file's column by role, for what isn't recognised by name, e.g. ``{"video_id": "name", "score": "a,b"}``.

    Raises:
        UsageError: no such file; an unknown role; a column given that the file lacks.
        InvalidTable: no table, no id or score column, several candidates for one role, or a cell that can't be read.
    """
    read = read_table(path, columns, needs=("video_id", SCORE))
    table = read.table[[c for c in ("video_id", "label", *read.scores, "fold", "split") if c in read.table]].copy()
    if "label" not in table:
        table.insert(1, "label", float("nan"))
    return ForeignPredictions(read.source, table, read.scores, read.columns, read.unused)


def read_table(path: Path, columns: Mapping[str, str] | None = None, *, needs: Sequence[str]) -> ForeignTable:
    """Reads a CSV whose columns have anybody's names.

    Args:
        path: the file.
        columns: its column by role, for what isn't recognised by name.
        needs: roles without which the file is of no use.

    Raises:
        UsageError: no such file; an unknown role; a column given that the file lacks.
        InvalidTable: no table, a role missing or ambiguous, or a cell that can't be read.
    """
    import pandas as pd

    _require_csv(path)
    raw = read_csv(path)
    if raw.empty:
        raise InvalidTable(f"{path}: has a header but no row.", hint="check the program that wrote it.")
    given = dict(columns or {})
    found = _recognise(path, [str(name) for name in raw.columns], given)
    if "video_id" not in found and "path" in found:
        found["video_id"] = found["path"]
    scores = _score_columns(path, raw, found, given) if SCORE in needs else ()
    _require_roles(path, raw, [need for need in needs if need not in found and not (need == SCORE and scores)])
    made: dict[str, pd.Series] = {}
    for role, name in found.items():
        if role == "label":
            made[role] = _labels(path, raw[name])
        elif role == "fold":
            made[role] = _numbers(path, raw[name], whole=True)
        else:
            made[role] = raw[name].fillna("").str.strip().astype(object)
    made |= {name: _numbers(path, raw[name]) for name in scores}
    used = {*found.values(), *scores}
    shown = found | ({SCORE: ",".join(scores)} if scores else {})
    unused = tuple(str(name) for name in raw.columns if name not in used)
    return ForeignTable(str(path), pd.DataFrame(made), shown, scores, unused)


def match(ids_a: Iterable[str], ids_b: Iterable[str]) -> Matching:
    """Finds each id of ``ids_a`` in ``ids_b``: to the letter, otherwise where one id is the other one's end.

    Folders (``a/b.mp4``), prefixes (``a__b.mp4``) and suffixes of video files are understood. Two ids with different
    prefixes (``Deepfakes__033_097``, ``FaceSwap__033_097``) never match, for those are different videos.
    """
    first, second = list(dict.fromkeys(ids_a)), list(dict.fromkeys(ids_b))
    there = set(second)
    pairs = {name: name for name in first if name in there}
    exact = len(pairs)
    whole: dict[str, list[str]] = defaultdict(list)
    ends: dict[str, list[str]] = defaultdict(list)
    for name in second:
        if name not in pairs:
            for i, end in enumerate(stems(name)):
                ends[end].append(name)
                if i == 0:
                    whole[end].append(name)
    candidates: dict[str, set[str]] = {}
    wanted: dict[str, int] = defaultdict(int)
    for name in first:
        if name not in pairs:
            longest, *shorter = stems(name)
            candidates[name] = {*ends.get(longest, ()), *(other for end in shorter for other in whole.get(end, ()))}
            for other in candidates[name]:
                wanted[other] += 1
    clear = {
        name: other for name, found in candidates.items() if len(found) == 1 for other in found if wanted[other] == 1
    }
    return Matching(
        pairs | clear,
        exact,
        len(clear),
        tuple(name for name, found in candidates.items() if found and name not in clear),
        tuple(name for name, found in candidates.items() if not found),
    )


def stems(name: str) -> list[str]:
    """All ends of an id, the longest first: ``FF/real__033.mp4`` gives ``FF__real__033``, ``real__033``, ``033``."""
    text = "__".join(part for part in _folders(without_suffix(name)).replace("/", "__").split("__") if part)
    found = [text or name]
    while (cut := text.find("__")) >= 0:
        text = text[cut + 2 :]
        found.append(text)
    return found


def file_stem(name: str) -> str:
    """The file name of a path, without folders and without the suffix of a video."""
    return without_suffix(_folders(name).rpartition("/")[2])


def without_suffix(name: str) -> str:
    """The name without the suffix of a video file; any other end stays."""
    base, dot, suffix = name.rpartition(".")
    return base if dot + suffix.lower() in VIDEO_SUFFIXES else name


def _folders(name: str) -> str:
    return name.replace("\\", "/")


def parse_columns(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Splits ``"video_id=name,score=a,b"`` and ``"file.csv:label=y"`` into roles by file name; ``""`` stands for all prediction files.

    Raises:
        InvalidSetting: not of that form.
    """
    from deepfake_core.contract.settings import parse_overrides

    parsed: dict[str, dict[str, str]] = {}
    for text in texts:
        file, colon, rest = text.rpartition(":") if ":" in text.partition("=")[0] else ("", "", text)
        parsed.setdefault(file if colon else "", {}).update(parse_overrides(rest))
    return parsed


def _require_csv(path: Path) -> None:
    """Tells what a file is that can't be a CSV; pandas would read most of them as tables."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file.", hint="check the path; it counts from the current folder.")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    start = head.decode("utf-8-sig", errors="replace").lstrip()
    kind = ""
    if not start:
        kind = "is empty"
    elif b"\0" in head:
        kind = "is a binary file"
    elif start[0] == "<":
        kind = "is an HTML or XML page"
    elif start[0] in "{[":
        kind = "is JSON"
    if kind:
        raise InvalidTable(f"{path}: {kind}, not a CSV table.", hint="give a CSV with a header and one row per video.")
    header = next(csv.reader(start.splitlines()))
    if len(header) < 2:
        separator = next((sign for sign in ";\t|" if sign in header[0]), None)
        hint = f"its columns seem to be separated by {separator!r}: save it with commas." if separator else ""
        raise InvalidTable(
            f"{path}: has one column only, {header[0][:60]!r}.", hint=hint or "an id and a second column are needed."
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise InvalidTable(f"{path}: two columns are named {listed(repeated)}.", hint="rename or drop one of them.")


def _recognise(path: Path, names: list[str], given: Mapping[str, str]) -> dict[str, str]:
    """The file's column by role, scores apart."""
    unknown = [role for role in given if role not in COLUMN_NAMES and role != SCORE]
    if unknown:
        raise UsageError(
            f"columns: no role is named {listed(unknown)}.", hint=f"roles are {', '.join((*COLUMN_NAMES, SCORE))}."
        )
    found = {}
    for role, known in COLUMN_NAMES.items():
        if role in given:
            _require_column(path, role, given[role], names)
            found[role] = given[role]
            continue
        candidates = [name for name in names if _plain(name) in known and name not in given.values()]
        if role == "video_id" and "video_id" in candidates:
            candidates = ["video_id"]
        if len(candidates) > 1:
            raise InvalidTable(
                f"{path}: {' and '.join(candidates)} could each be the {role} column.",
                hint=f'say which, e.g. --columns "{role}={candidates[0]}".',
            )
        if candidates:
            found[role] = candidates[0]
    return found


def _score_columns(
    path: Path, raw: pd.DataFrame, found: Mapping[str, str], given: Mapping[str, str]
) -> tuple[str, ...]:
    names = [str(name) for name in raw.columns]
    if SCORE in given:
        asked = tuple(name.strip() for name in given[SCORE].split(","))
        for name in asked:
            _require_column(path, SCORE, name, names)
        return asked
    return tuple(name for name in names if name not in found.values() and _is_score(_plain(name).split("_")))


def _is_score(words: list[str]) -> bool:
    return (words[0] == "p" or bool(SCORE_WORDS & set(words))) and not NO_SCORE_WORDS & set(words)


def _plain(name: str) -> str:
    """``videoName`` and ``Video name`` are ``video_name``."""
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name.strip())).lower()


def _require_column(path: Path, role: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise UsageError(
            f"{path}: has no column {name!r}, which was given as {role}.", hint=f"it has {', '.join(names)}."
        )


def _require_roles(path: Path, raw: pd.DataFrame, lacking: Sequence[str]) -> None:
    if lacking:
        which = " or ".join(f"{role} column" for role in lacking)
        raise InvalidTable(
            f"{path}: no {which} is recognised among {', '.join(map(str, raw.columns))}.",
            hint=f'name it, e.g. --columns "{",".join(f"{role}=…" for role in lacking)}"; a score is P(fake).',
        )


def _labels(path: Path, values: pd.Series) -> pd.Series:
    labels = values.str.strip().str.lower().map(LABEL_WORDS)
    wrong = labels.isna() & values.notna()
    if wrong.any():
        raise InvalidTable(
            f"{path}: column {values.name!r} holds {values[wrong].iloc[0]!r} in {rows(wrong)}.",
            hint="a label is 0 or real, 1 or fake; leave the cell empty where it is unknown.",
        )
    return labels.astype("int64") if labels.notna().all() else labels.astype("float64")


def _numbers(path: Path, values: pd.Series, *, whole: bool = False) -> pd.Series:
    import pandas as pd

    numbers = pd.to_numeric(values.str.strip(), errors="coerce").astype("float64")
    wrong = numbers.isna() & values.notna() & (values.str.strip().str.lower() != "nan")
    if whole:
        wrong |= numbers.notna() & (numbers % 1 != 0)
    if wrong.any():
        raise InvalidTable(
            f"{path}: column {values.name!r} holds {values[wrong].iloc[0]!r} in {rows(wrong)}.",
            hint=f"every value must be a {'whole ' if whole else ''}number or empty.",
        )
    return numbers.astype("int64") if whole and numbers.notna().all() else numbers

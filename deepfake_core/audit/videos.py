"""Which videos does the index list, who is in each, and which of them are the same file?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfake_core.audit.findings import Finding
from deepfake_core.audit.naming import ORIGINAL_NEEDED, Reading, family_of, read_people
from deepfake_core.contract.errors import InvalidTable, UsageError
from deepfake_core.contract.tables import IDENTITY_SEPARATOR, listed
from deepfake_core.data.foreign import ForeignTable, file_stem, read_table, stems, without_suffix
from deepfake_core.data.identities import NOTHING

if TYPE_CHECKING:
    import pandas as pd

People = tuple[str, ...]
FROM_OPTION, FROM_IDENTITIES, FROM_NAME, FROM_IDENTITY = "option", "identities column", "file name", "identity column"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Videos:
    """The videos of an index, N of them, one row each.

    Attributes:
        source: path of the index.
        ids: ``[N]`` text.
        label: ``[N]``, 0, 1 or NaN.
        subset: ``[N]`` text, data set and method as the index names them.
        family: ``[N]`` text, the data set without its real/fake parts.
        stem: ``[N]`` text, file name without folders and suffix.
        people: who is in each video; empty where that is unknown.
        origin: where ``people`` comes from, per video.
        content: ``[N]``, equal for videos that are the same file, -1 where nothing tells.
        split: ``[N]`` text, or None if the index has no such column.
    """

    source: str
    ids: NDArray[np.object_]
    label: NDArray[np.float64]
    subset: NDArray[np.object_]
    family: NDArray[np.object_]
    stem: NDArray[np.object_]
    people: tuple[People, ...]
    origin: tuple[str, ...]
    content: NDArray[np.int64]
    split: NDArray[np.object_] | None

    @cached_property
    def links(self) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
        """Who is where: video rows ``[M]``, person numbers ``[M]``, and the names of the people."""
        numbers: dict[str, int] = {}
        pairs = [
            (row, numbers.setdefault(name, len(numbers))) for row, names in enumerate(self.people) for name in names
        ]
        row, person = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        return row, person, tuple(numbers)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Identity group of each video, ``[N]``: its component of the identity graph.

        In a component that holds more than a fifth of all videos, a group is the person whose footage it is. A video of
        unknown people is a group of its own.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        row, person, names = self.links
        count = len(self.ids)
        size = count + len(names)
        graph = coo_array((np.ones(len(row), dtype=np.int8), (row, person + count)), shape=(size, size))
        _, component = connected_components(graph, directed=False)
        group = component[:count].astype(np.int64)
        giant = np.bincount(group)[group] > count / 5
        first = np.full(count, -1, dtype=np.int64)
        first[row[::-1]] = person[::-1]
        return np.where(giant & (first >= 0), size + first, group)


def read_videos(path: Path, columns: Mapping[str, str], identity: str) -> tuple[ForeignTable, Videos, list[Finding]]:
    """Reads an index of any origin.

    Args:
        path: the index, a CSV.
        columns: its column by role, for what isn't recognised by name.
        identity: regular expression searched in each file name, whose groups are the people; empty: the known patterns.

    Returns:
        The table as read, its videos (repeated and empty ids once or not at all), and what is wrong with it.

    Raises:
        UsageError, InvalidTable: no usable file, or the pattern makes no sense.
    """
    read = read_table(path, columns, needs=("video_id",))
    table = read.table
    found = check_ids(read.source, table["video_id"])
    label = table["label"] if "label" in table else table["video_id"].map(lambda _: np.nan)
    conflicting = label.groupby(table["video_id"]).nunique() > 1
    if conflicting.any():
        found.append(label_conflict(read.source, [str(name) for name in conflicting.index[conflicting]], len(table)))
    if (table["video_id"] == "").all():
        raise InvalidTable(f"{path}: column {read.columns['video_id']!r} is empty.", hint="name the video of each row.")
    kept = ~table["video_id"].duplicated() & (table["video_id"] != "")
    table, label = table[kept].reset_index(drop=True), label[kept].to_numpy(dtype=np.float64)
    dataset, method = _said(table)
    stem = _stems(table)
    said = [f"{one} {other}".strip() for one, other in zip(dataset, method, strict=True)]
    original = table["original"] if "original" in table else [""] * len(table)
    readings = [_read(*row) for row in zip(stem, table["video_id"], original, label, said, strict=True)]
    family = np.array(
        [r.family if r and r.known else family_of(s) for r, s in zip(readings, said, strict=True)], object
    )
    incomplete: list[str] = []
    if identity:
        people, origin = _by_option(identity, stem, family)
    else:
        people, origin, incomplete = _people(table, readings, family)
    found += [_incomplete(read.source, incomplete, len(table))] if incomplete else []
    subset = np.array([text or "all" for text in said], dtype=object)
    split = table["split"].to_numpy(dtype=object) if "split" in table and (table["split"] != "").any() else None
    videos = Videos(
        read.source,
        table["video_id"].to_numpy(dtype=object),
        label,
        subset,
        family,
        stem,
        people,
        origin,
        _content(table, subset),
        split,
    )
    nobody = np.array([not names for names in people])
    if nobody.any():
        found.append(_nobody(videos, nobody))
    return read, videos, found


def check_ids(source: str, ids: pd.Series) -> list[Finding]:
    """Repeated and empty ids of a table."""
    found = []
    again = ids.duplicated() & (ids != "")
    if again.any():
        names = list(dict.fromkeys(ids[again]))
        found.append(
            Finding(
                "duplicate_ids",
                f"{int(again.sum())} of {len(ids)} rows repeat an id that came before.",
                source,
                {"rows": len(ids), "repeated_rows": int(again.sum()), "repeated_ids": len(names)},
                names,
            )
        )
    empty = int((ids == "").sum())
    if empty:
        found.append(
            Finding("empty_ids", f"{empty} of {len(ids)} rows have no id.", source, {"rows": len(ids), "empty": empty})
        )
    return found


def label_conflict(source: str, names: Sequence[str], compared: int) -> Finding:
    """Videos that are real in one place and fake in another."""
    return Finding(
        "label_conflict",
        f"{len(names)} videos are real in one place and fake in another.",
        source,
        {"compared": compared, "conflicts": len(names)},
        names,
    )


def with_numbering(videos: Videos, same: Mapping[str, str]) -> Videos:
    """The videos with people of some families counted as people of others: ``{"Custom": "ffpp"}``."""

    def renamed(names: People) -> People:
        return tuple(f"{same.get(family, family)}:{number}" for family, _, number in (n.partition(":") for n in names))

    return replace(
        videos,
        people=tuple(
            renamed(names) if origin == FROM_NAME else names
            for names, origin in zip(videos.people, videos.origin, strict=True)
        ),
    )


def _said(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Data set and method of each row; what an id's own prefix says where the index has neither column."""
    blank = [""] * len(table)
    dataset = list(table["dataset"]) if "dataset" in table else blank
    method = list(table["method"]) if "method" in table else blank
    if dataset is blank and method is blank:
        prefixes = (re.match(r"([A-Za-z][^/\\]*?)__.", name) for name in table["video_id"])
        dataset = [prefix[1] if prefix else "" for prefix in prefixes]
    return dataset, method


def _stems(table: pd.DataFrame) -> NDArray[np.object_]:
    if "path" in table:
        names = [path or name for path, name in zip(table["path"], table["video_id"], strict=True)]
    else:
        names = list(table["video_id"])
    return np.array([file_stem(name) for name in names], dtype=object)


def _people(
    table: pd.DataFrame, readings: Sequence[Reading | None], family: NDArray[np.object_]
) -> tuple[tuple[People, ...], tuple[str, ...], list[str]]:
    """Who is in each video, where that is said, and the ids for which the identities column names too few."""
    nobody: list[People] = [()] * len(table)
    column = [_split(cell) for cell in table["identities"]] if "identities" in table else nobody
    single = [(cell,) if cell else () for cell in table["identity"]] if "identity" in table else nobody
    names = [reading.people if reading else () for reading in readings]
    few = [bool(r and r.known and c and len(r.people) > len(c)) for r, c in zip(readings, column, strict=True)]
    people, origin = list(nobody), [UNKNOWN] * len(table)
    for one, rows in _rows_by(family).items():
        # One source for a whole data set: people of two sources have two kinds of names, and would never meet.
        usable = {FROM_IDENTITIES: column, FROM_NAME: names, FROM_IDENTITY: single}
        if any(few[row] for row in rows):
            del usable[FROM_IDENTITIES]
        if one not in ORIGINAL_NEEDED and any(names[row] for row in rows):
            del usable[FROM_IDENTITY]
        best = max(usable, key=lambda name: sum(bool(usable[name][row]) for row in rows))
        for row in rows:
            if usable[best][row]:
                people[row], origin[row] = usable[best][row], best
    return tuple(people), tuple(origin), [str(table["video_id"][row]) for row, short in enumerate(few) if short]


def _read(stem: str, video_id: str, original: str, label: float, said: str) -> Reading | None:
    """The reading of one video's names: the original's, the file's own, the ends of the id."""
    source = file_stem(original)
    base = read_people(source, said) if source else None
    ends = (stem, *stems(video_id)) if stem not in ("", video_id) else stems(video_id)
    own = next((reading for end in ends if (reading := read_people(end, said))), None)
    if own and own.family in ORIGINAL_NEEDED and label != 0:
        return base
    if base and own:
        return replace(own, people=tuple(dict.fromkeys((*base.people, *own.people))))
    return own or base


def _split(cell: str) -> People:
    return tuple(dict.fromkeys(name.strip() for name in cell.split(IDENTITY_SEPARATOR) if name.strip()))


def _by_option(
    identity: str, stem: NDArray[np.object_], family: NDArray[np.object_]
) -> tuple[tuple[People, ...], tuple[str, ...]]:
    try:
        pattern = re.compile(identity)
    except re.error as error:
        raise UsageError(
            f"identity {identity!r} is no regular expression: {error}.", hint=r"e.g. (\d+)_(\d+)"
        ) from error
    if not pattern.groups:
        raise UsageError(
            f"identity {identity!r} has no group.", hint=r"put parentheses around each person, e.g. (\d+)_(\d+)"
        )
    people = []
    for name, one in zip(stem, family, strict=True):
        found = pattern.search(name)
        people.append(tuple(dict.fromkeys(f"{one}:{g}" for g in found.groups() if g)) if found else ())
    if not any(people):
        raise UsageError(
            f"identity {identity!r} finds nobody in any of {len(stem)} file names, e.g. {listed(list(stem[:3]))}.",
            hint="it is searched in the file name without folders and suffix.",
        )
    return tuple(people), tuple(FROM_OPTION if names else UNKNOWN for names in people)


def _rows_by(values: NDArray[np.object_]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        rows[value].append(row)
    return rows


def _content(table: pd.DataFrame, subset: NDArray[np.object_]) -> NDArray[np.int64]:
    """Number of the file: of its hash unless it is empty, or else of subset and path of a video file; -1 where the index has neither."""
    import pandas as pd

    blank = pd.Series("", index=table.index)
    hashed, path = table.get("sha256", blank).replace(NOTHING, ""), table.get("path", blank)
    key = hashed.where(hashed != "", (pd.Series(subset) + " " + path).where(path.map(without_suffix) != path, None))
    return np.asarray(pd.factorize(key)[0], dtype=np.int64)


def _incomplete(source: str, names: list[str], count: int) -> Finding:
    return Finding(
        "identities_incomplete",
        f"the identities column names fewer people than the file name for {len(names)} of {count} videos; "
        "the file names were believed for their data sets.",
        source,
        {"videos": count, "incomplete": len(names)},
        names,
    )


def _nobody(videos: Videos, nobody: NDArray[np.bool_]) -> Finding:
    per = Counter(videos.subset[nobody])
    total = Counter(videos.subset)
    return Finding(
        "people_unknown",
        f"nothing tells who is in {int(nobody.sum())} of {len(nobody)} videos: shared people can't be found among them.",
        videos.source,
        {"videos": len(nobody), "unknown": int(nobody.sum())},
        videos.ids[nobody],
        parts=tuple({"subset": name, "videos": total[name], "unknown": per[name]} for name in sorted(per)),
    )

"""Which videos there are: reads, checks, merges, writes and digests the master index."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_core.contract import tables
from deepfake_core.contract.errors import InvalidTable, UsageError
from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.contract.settings import digest
from deepfake_core.contract.tables import listed, rows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Index:
    """The videos of one master index, in its order.

    Attributes:
        videos: all rows.
        source: where they come from, for messages.
    """

    videos: tuple[VideoRecord, ...]
    source: str

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits over everything but paths: moving the videos doesn't change it."""
        return digest(
            [
                [v.video_id, v.label, v.dataset, v.method, list(v.identities), v.split or "", v.sha256 or ""]
                + ([True] if v.pseudo else [])
                for v in sorted(self.videos, key=lambda v: v.video_id)
            ]
        )

    def table(self, relative_to: Path | None = None) -> pd.DataFrame:
        """The index as a table in the schema ``tables.INDEX``; paths under ``relative_to`` become relative to it.

        The column ``pseudo`` is there only if a row is a pseudo-fake.
        """
        import pandas as pd

        def shown(path: Path) -> str:
            inside = relative_to is not None and path.is_relative_to(relative_to)
            return (path.relative_to(relative_to) if inside and relative_to else path).as_posix()

        records = [
            (
                v.video_id,
                shown(v.path),
                v.label,
                v.dataset,
                v.method,
                v.identities[0],
                tables.IDENTITY_SEPARATOR.join(v.identities),
                v.split,
                v.sha256,
                int(v.pseudo),
            )
            for v in self.videos
        ]
        table = pd.DataFrame(records, columns=tables.INDEX.names)
        return table if table["pseudo"].any() else table.drop(columns="pseudo")


def make_index(videos: Iterable[VideoRecord], source: str) -> Index:
    """An index of these videos, checked.

    Raises:
        InvalidTable: no video, repeated ids, an empty id or no identity, a label that is neither 0 nor 1, or a file whose name
            no table can hold.
    """
    videos = tuple(videos)
    if not videos:
        raise InvalidTable(f"{source}: lists no video.", hint="check the folder or file it was made from.")
    seen: set[str] = set()
    repeated = [v.video_id for v in videos if v.video_id in seen or seen.add(v.video_id)]  # type: ignore[func-returns-value]
    if repeated:
        raise InvalidTable(
            f"{source}: video_id is not unique: {listed(sorted(set(repeated)))}.",
            hint="make ids of dataset, method and file name, e.g. ffpp__Deepfakes__033_097.",
        )
    unlabelled = [v.video_id for v in videos if v.label not in (REAL, FAKE)]
    if unlabelled:
        raise InvalidTable(
            f"{source}: label is neither 0 nor 1 for {listed(unlabelled)}.", hint="0 is real, 1 is fake."
        )
    garbled = [os.fsencode(v.path) for v in videos if not is_text(str(v.path))]
    if garbled:
        raise InvalidTable(
            f"{source}: the name of {listed(garbled)} isn't valid text.", hint="rename these files or folders."
        )
    nobody = [v.video_id for v in videos if not v.identities]
    if nobody:
        raise InvalidTable(
            f"{source}: no identity for {listed(nobody)}.",
            hint="name every person involved, the one swapped in too; folds can't be kept apart otherwise.",
        )
    return Index(videos, source)


def read_index(path: Path) -> Index:
    """Reads a ``master_dataset_index.csv``. Needs no video file.

    Relative video paths count from the index file's folder.

    Raises:
        UsageError: the file isn't there.
        InvalidTable: it breaks the schema, or lists pseudo-fakes; the message names column and lines.
    """
    index = read_logged_index(path)
    require_files(index)
    return index


def read_logged_index(path: Path) -> Index:
    """Reads an index as a run logged it, pseudo-fakes included; raises as ``read_index`` does."""
    table = read_csv(path)
    tables.INDEX.check(table, path)
    wrong = ~table["label"].astype(float).isin((REAL, FAKE))
    if wrong.any():
        raise InvalidTable(
            f"{path}: label is {table['label'][wrong].iloc[0]!r} in {rows(wrong)}.", hint="0 is real, 1 is fake."
        )
    folder = path.resolve().parent
    return make_index((record_of_row(row, folder) for row in table.to_dict("records")), str(path))


def require_files(index: Index) -> None:
    """Refuses an index that lists pseudo-fakes, as a run logs it: they are made anew from the real videos, and are no files.

    Raises:
        InvalidTable: there are some.
    """
    made = [video.video_id for video in index.videos if video.pseudo]
    if made:
        raise InvalidTable(
            f"{index.source}: by their column 'pseudo', {len(made)} rows are pseudo-fakes, not videos: {listed(made)}.",
            hint="give the index of the real videos instead: streams that learn from them alone make the pseudo-fakes again.",
        )


def write_index(index: Index, path: Path) -> None:
    """Writes the index as CSV, replacing ``path`` at once."""
    write_csv(index.table(path.resolve().parent), path)


def video_id(dataset: str, method: str, stem: str) -> str:
    """``{dataset}__{method}__{stem}``, with anything but letters, digits, dot, dash and underscore made an underscore."""
    return "__".join(re.sub(r"[^\w.-]+", "_", part) for part in (dataset, method, stem))


def read_csv(path: Path) -> pd.DataFrame:
    """Reads a CSV with every cell as text; empty cells are missing.

    Raises:
        UsageError: no such file.
        InvalidTable: not a table.
    """
    import pandas as pd

    if not path.is_file():
        raise UsageError(f"{path}: no such file.", hint="check the path; it counts from the current folder.")
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:
        raise InvalidTable(f"{path}: can't be read as a CSV table: {error}", hint="save it as UTF-8 CSV.") from error


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Writes a CSV under a temporary name and renames it, so that nobody ever reads half a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    table.to_csv(unfinished, index=False)
    unfinished.replace(path)


def record_of_row(row: Mapping[str, object], folder: Path) -> VideoRecord:
    """The video of one row of text cells; relative paths count from ``folder``."""

    def text(column: str) -> str | None:
        value = row.get(column)
        return value.strip() or None if isinstance(value, str) else None

    people = [person.strip() for person in (text("identities") or "").split(tables.IDENTITY_SEPARATOR)]
    primary = text("identity")
    names = dict.fromkeys([primary, *people] if primary else people)
    return VideoRecord(
        video_id=text("video_id") or "",
        path=folder / (text("path") or ""),
        label=int(float(text("label") or "nan")),
        dataset=text("dataset") or "",
        method=text("method") or "",
        identities=tuple(name for name in names if name),
        split=text("split"),
        sha256=text("sha256"),
        pseudo=text("pseudo") not in (None, "0"),
    )


def is_text(name: str) -> bool:
    """Whether a file name can be written to a table: not one of bytes that are no UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

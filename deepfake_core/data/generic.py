"""The two data sets that fit everybody's videos: a CSV, and a folder with ``real/`` and ``fake/``."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from deepfake_core.contract import tables
from deepfake_core.contract.errors import InvalidTable, UsageError
from deepfake_core.contract.hookspecs import hookimpl
from deepfake_core.contract.records import FAKE, REAL, DatasetInfo, VideoRecord
from deepfake_core.contract.settings import Settings
from deepfake_core.contract.tables import listed
from deepfake_core.data.index import make_index, read_csv, record_of_row, require_files, video_id
from deepfake_core.data.taking import take

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".3gp", ".gif"}
)


class GenericSettings(Settings):
    """How people are told from file names."""

    dataset: str = Field("", description="name of the data set; the folder's or file's name if empty")
    identity: str = Field(
        "",
        description="regular expression searched in each file name without suffix; what its groups capture are the "
        r"people, the one whose footage it is first, e.g. (\d+)(?:_(\d+))?",
    )

    seed: int = Field(42, description="of the draw where limits don't take all videos")

    @field_validator("identity")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if pattern and not groups:
            raise ValueError("needs a group in parentheses around the person, e.g. (\\d+)")
        return pattern


def _name(settings: GenericSettings, root: Path) -> str:
    return settings.dataset or re.sub(r"\W+", "_", root.resolve().stem)


def _people(settings: GenericSettings, dataset: str, stem: str) -> tuple[str, ...] | None:
    found = re.search(settings.identity, stem)
    captured = [group for group in found.groups() if group] if found else []
    return tuple(dict.fromkeys(f"{dataset}_person_{group}" for group in captured)) or None


def _index_folder(root: Path, limits: Mapping[str, int], settings: GenericSettings) -> Iterable[VideoRecord]:
    absent = [side for side in ("real", "fake") if not (root / side).is_dir()]
    inside = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    # One side may be absent where the other is all there is; beside anything else that isn't hidden, a name is misspelt.
    strange = [name for name in inside if not name.startswith(".") and name not in ("real", "fake")]
    if len(absent) == 2 or (absent and any((root / name).is_dir() for name in strange)):
        raise UsageError(
            f"{root}: lacks the folder(s) {' and '.join(absent)}; "
            f"found: {listed(inside) if root.is_dir() else 'no such folder'}.",
            hint="put videos into real/ and fake/ (methods as folders inside fake/), or list them in a CSV.",
        )
    root = root.resolve()
    dataset = _name(settings, root)
    if not settings.identity:
        raise UsageError(
            f"{root}: nothing says which person a file shows.",
            hint=r'give the pattern of people in file names, e.g. --overrides "identity=(\d+)(?:_(\d+))?"; '
            "without it a person could stand on both sides of a fold.",
        )
    videos, nobody = [], []
    for label, side in ((REAL, "real"), (FAKE, "fake")):
        for inner, path in _videos_below(root / side):
            method = inner[0] if label == FAKE and inner else side
            name = unicodedata.normalize("NFC", path.stem)
            identities = _people(settings, dataset, name)
            if identities is None:
                nobody.append(str(path.relative_to(root)))
                continue
            stem = "_".join((*inner[1 if label == FAKE else 0 :], name))
            videos.append(VideoRecord(video_id(dataset, method, stem), path, label, dataset, method, identities))
    if nobody:
        raise UsageError(
            f"{root}: the identity pattern {settings.identity!r} finds nobody in {listed(nobody)}.",
            hint="widen the pattern, or rename these files.",
        )
    return take({dataset: videos}, {}, limits, settings.seed)


def _videos_below(root: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    """The video files below a folder, in order, each with the folders it lies in; hidden ones (``._001.mp4``) apart."""
    found = []
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inner = Path(place).relative_to(root).parts
        found += [
            (inner, Path(place, name))
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in VIDEO_SUFFIXES
        ]
    yield from sorted(found)


def _index_csv(root: Path, limits: Mapping[str, int], settings: GenericSettings) -> Iterable[VideoRecord]:
    table = read_csv(root)
    needed = ["path", "label"] + ([] if settings.identity else ["identity or identities"])
    there = set(table.columns) | ({"identity or identities"} if {"identity", "identities"} & set(table) else set())
    absent = [name for name in needed if name not in there]
    if absent:
        raise InvalidTable(
            f"{root}: lacks the column(s) {', '.join(absent)}; it has {', '.join(table.columns)}.",
            hint='add them; people can also come from file names: --overrides "identity=<pattern>".',
        )
    wrong = ~table["label"].isin(("0", "1"))
    if wrong.any():
        raise InvalidTable(
            f"{root}: label is {table['label'][wrong].iloc[0]!r} in {tables.rows(wrong)}.", hint="0 is real, 1 is fake."
        )
    if table["path"].isna().any():
        raise InvalidTable(
            f"{root}: column 'path' is empty in {tables.rows(table['path'].isna())}.", hint="fill it in."
        )
    dataset = _name(settings, root)
    folder = root.resolve().parent

    def complete(row: dict[str, Any]) -> VideoRecord:
        stem = Path(str(row["path"])).stem
        row = {key: value for key, value in row.items() if isinstance(value, str)}
        row.setdefault("dataset", dataset)
        row.setdefault("method", "fake" if row["label"] == "1" else "real")
        row.setdefault("video_id", video_id(row["dataset"], row["method"], stem))
        if settings.identity and not {"identity", "identities"} & set(row):
            row["identities"] = tables.IDENTITY_SEPARATOR.join(_people(settings, row["dataset"], stem) or ())
        return record_of_row(row, folder)

    index = make_index((complete(row) for row in table.to_dict("records")), str(root))
    require_files(index)
    return take({dataset: index.videos}, {}, limits, settings.seed)


class FolderDataset:
    """The data set ``folder``."""

    @staticmethod
    @hookimpl
    def dataset_info() -> DatasetInfo:
        """Name and settings."""
        return DatasetInfo(
            name="folder", settings=GenericSettings, summary="a folder with real/ and fake/ (or fake/<method>/) inside"
        )

    @staticmethod
    @hookimpl
    def index_dataset(root: Path, limits: Mapping[str, int], settings: GenericSettings) -> Iterable[VideoRecord]:
        """Lists the videos below ``real/`` and ``fake/``."""
        return _index_folder(root, limits, settings)


class CsvDataset:
    """The data set ``csv``."""

    @staticmethod
    @hookimpl
    def dataset_info() -> DatasetInfo:
        """Name and settings."""
        return DatasetInfo(
            name="csv",
            settings=GenericSettings,
            summary="a CSV with path, label and identities (or an identity pattern); other index columns if there",
        )

    @staticmethod
    @hookimpl
    def index_dataset(root: Path, limits: Mapping[str, int], settings: GenericSettings) -> Iterable[VideoRecord]:
        """Lists the rows of the CSV."""
        return _index_csv(root, limits, settings)

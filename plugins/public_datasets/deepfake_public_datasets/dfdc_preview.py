"""DFDC's preview: where its videos lie, and whose face is in whose footage, as ``dataset.json`` tells it.

Dolhansky et al. 2019, https://arxiv.org/abs/1910.08854. ``method_A/1003254/1003254_A/1255229_1003254_A_001.mp4`` is footage of 1003254
(``target_id``) with the face of 1255229 (``swapped_id``).
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from deepfake_core import DatasetInfo, InvalidTable, UsageError, VideoRecord, hookimpl, take
from deepfake_core.contract.records import FAKE, REAL
from deepfake_core.contract.tables import listed
from deepfake_core.data.index import video_id
from deepfake_public_datasets.dfdc import METADATA, PREVIEW_METADATA
from deepfake_public_datasets.folders import pick, read_json, same_stem, wrong_root
from deepfake_public_datasets.taking import REAL_METHOD, TakingSettings

logger = logging.getLogger(__name__)

DATASET = "dfdc_preview"
LABELS = {"real": REAL, "fake": FAKE}
FOLDERS = ("original_videos", "method_A", "method_B")

_NAME = re.compile(r"(?:(?P<swapped>\d+)_)?(?P<target>\d+)_[A-Z]_\d+")


@hookimpl
def dataset_info() -> DatasetInfo:
    """Name and settings."""
    return DatasetInfo(
        name=DATASET, settings=TakingSettings, summary="DFDC's preview of 2019, with the people of each video"
    )


@hookimpl
def index_dataset(root: Path, limits: Mapping[str, int], settings: TakingSettings) -> Iterable[VideoRecord]:
    """Lists the videos that ``dataset.json`` and folders agree on."""
    root = root.resolve()
    if not _fits(root):
        hint_at_dfdc = f"; {METADATA} is DFDC's: index it as dfdc" if (root / METADATA).is_file() else ""
        raise wrong_root(root, fits=_fits, expected=f"{PREVIEW_METADATA}, {'/, '.join(FOLDERS)}/{hint_at_dfdc}")
    said = read_json(root / PREVIEW_METADATA, dict)
    there = {name for folder in pick(root, FOLDERS).values() for name in _files(root, folder)}
    _report(root, said, there)
    rows: dict[str, VideoRecord] = {}
    wrong: list[str] = []
    for name, values in said.items():
        row = _record(root, name, values) if name in there else None
        if row is None:
            wrong += [name] if name in there else []
        elif row.video_id in rows:
            raise same_stem(row.path.stem, [rows[row.video_id].path, row.path])
        else:
            rows[row.video_id] = row
    if wrong:
        raise InvalidTable(
            f"{root / PREVIEW_METADATA}: expected label (real or fake), set, target_id and, of fakes, swapped_id; "
            f"found something else for {listed(wrong)}.",
            hint="download the file again.",
        )
    if not rows:
        raise UsageError(
            f"{root}: none of the {len(said)} videos of {PREVIEW_METADATA} is there.",
            hint=f"unpack the videos beside it: {'/, '.join(FOLDERS)}/.",
        )
    subsets = {label: [row for row in rows.values() if row.label == LABELS[label]] for label in LABELS}
    balanced = dict.fromkeys(subsets, min(map(len, subsets.values())))
    return take(subsets, balanced if settings.sample == "paper" else {}, limits, settings.seed)


def _fits(root: Path) -> bool:
    return (root / PREVIEW_METADATA).is_file()


def _files(root: Path, folder: Path) -> Iterable[str]:
    """Paths from ``root`` of all files below ``folder``."""
    for place, _, names in os.walk(folder):
        prefix = Path(place).relative_to(root).as_posix()
        yield from (f"{prefix}/{name}" for name in names)


def _report(root: Path, said: Iterable[str], there: set[str]) -> None:
    listed_in = Counter(PurePosixPath(name).parts[0] for name in said)
    found_in = Counter(PurePosixPath(name).parts[0] for name in said if name in there)
    absent = [
        f"{folder} {found_in[folder]:,} of {size:,}" for folder, size in listed_in.items() if found_in[folder] < size
    ]
    if absent:
        logger.warning(
            "%s: %s: not all videos of %s are there: %s.", DATASET, root, PREVIEW_METADATA, ", ".join(absent)
        )


def _record(root: Path, name: str, values: Any) -> VideoRecord | None:
    """The row of one video; None where the metadata don't tell its label or people."""
    if not isinstance(values, dict) or values.get("label") not in list(LABELS):
        return None
    path = root / name
    label = LABELS[values["label"]]
    # The name tells the people, too; it is asked where the metadata leave one out.
    named = _NAME.fullmatch(path.stem)
    ids = [values.get(f"{role}_id") or (named and named[role]) for role in ("target", "swapped")]
    if not ids[0] or (label == FAKE and not ids[1]):
        return None
    method = REAL_METHOD if label == REAL else PurePosixPath(name).parts[0]
    return VideoRecord(
        video_id=video_id(DATASET, method, path.stem),
        path=path,
        label=label,
        dataset=DATASET,
        method=method,
        identities=tuple(dict.fromkeys(f"DFDC_preview_person_{person}" for person in ids if person)),
        split=str(values["set"]) if values.get("set") else None,
    )

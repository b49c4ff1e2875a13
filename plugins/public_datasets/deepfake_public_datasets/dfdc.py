"""DFDC: which of its parts are there, and whose footage each video is, as ``metadata.json`` tells it.

Dolhansky et al. 2020, https://arxiv.org/abs/2006.07397. The metadata names each fake's original but nobody's name: a fake shares the
identity of its original, and two originals of one actor count as two people.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import Field

from deepfake_core import DatasetInfo, InvalidTable, UsageError, VideoRecord, hookimpl, take
from deepfake_core.contract.records import FAKE, REAL
from deepfake_core.contract.tables import listed
from deepfake_core.data.generic import VIDEO_SUFFIXES
from deepfake_core.data.index import video_id
from deepfake_public_datasets.folders import entries, read_json, same_stem, videos_in, wrong_root
from deepfake_public_datasets.taking import FAKE_METHOD, REAL_METHOD, TakingSettings

logger = logging.getLogger(__name__)

DATASET = "dfdc"
METADATA = "metadata.json"
PREVIEW_METADATA = "dataset.json"
LABELS = {"REAL": REAL, "FAKE": FAKE}
DEPTH = 2
"""Parts unpack to ``dfdc_train_part_00/dfdc_train_part_0/metadata.json``."""


class DfdcSettings(TakingSettings):
    """Which videos of DFDC are listed."""

    one_person_per_file: bool = Field(
        False,
        description="fakes whose original isn't named count as a person of their own; without it they are refused",
    )


@hookimpl
def dataset_info() -> DatasetInfo:
    """Name and settings."""
    return DatasetInfo(
        name=DATASET, settings=DfdcSettings, summary="DFDC: one part, several, or the sample, each with metadata.json"
    )


@hookimpl
def index_dataset(root: Path, limits: Mapping[str, int], settings: DfdcSettings) -> Iterable[VideoRecord]:
    """Lists the videos that metadata and folders agree on."""
    root = root.resolve()
    if (root / PREVIEW_METADATA).is_file():
        raise UsageError(
            f"{root}: holds {PREVIEW_METADATA}: this is DFDC's preview.", hint=f"index it as dfdc_preview={root}."
        )
    parts = list(_parts(root, DEPTH))
    if not parts:
        raise wrong_root(root, fits=_is_part, expected=f"{METADATA}, or folders that hold one (dfdc_train_part_0 …)")
    rows: dict[str, VideoRecord] = {}
    for part in parts:
        for row in _records(part, one_person_per_file=settings.one_person_per_file):
            if row.path.stem in rows:
                raise same_stem(row.path.stem, [rows[row.path.stem].path, row.path])
            rows[row.path.stem] = row
    counts = Counter(row.method for row in rows.values())
    subsets = {method: [row for row in rows.values() if row.method == method] for method in (REAL_METHOD, FAKE_METHOD)}
    balanced = dict.fromkeys(subsets, min(counts[method] for method in subsets))
    return take(subsets, balanced if settings.sample == "paper" else {}, limits, settings.seed)


def _is_part(folder: Path) -> bool:
    return (folder / METADATA).is_file()


def _parts(root: Path, depth: int) -> Iterator[Path]:
    if _is_part(root):
        yield root
        return
    here = entries(root)
    if any(Path(entry.name).suffix.lower() in VIDEO_SUFFIXES for entry in here):
        logger.warning("%s: %s: its videos are left out, since there is no %s.", DATASET, root, METADATA)
    for entry in here if depth else []:
        if entry.is_dir():
            yield from _parts(root / entry.name, depth - 1)


@dataclass(frozen=True)
class _Entry:
    """What the metadata says about one file."""

    label: int
    original: str | None
    split: str | None


def _records(part: Path, *, one_person_per_file: bool) -> Iterator[VideoRecord]:
    said = _metadata(part / METADATA)
    there = videos_in(part)
    absent, untold = sorted(set(said) - set(there)), sorted(set(there) - set(said))
    if absent:
        logger.warning(
            "%s: %s: %d of %d videos aren't there: %s.", DATASET, part, len(absent), len(said), listed(absent)
        )
    if untold:
        logger.warning("%s: %s: left out, since %s lacks them: %s.", DATASET, part, METADATA, listed(untold))
    told = {stem: said[stem] for stem in there if stem in said}
    orphans = [stem for stem, entry in told.items() if entry.label == FAKE and entry.original is None]
    if orphans and not one_person_per_file:
        raise InvalidTable(
            f"{part / METADATA}: {len(orphans)} fakes name no 'original': {listed(orphans)}.",
            hint="nothing tells whose footage they are, so a person could stand on both sides of a fold; to count each as "
            "a person of its own all the same, say --overrides one_person_per_file=true.",
        )
    for stem, entry in told.items():
        method = FAKE_METHOD if entry.label == FAKE else REAL_METHOD
        yield VideoRecord(
            video_id=video_id(DATASET, method, stem),
            path=there[stem],
            label=entry.label,
            dataset=DATASET,
            method=method,
            identities=(f"DFDC_{entry.original if entry.label == FAKE and entry.original else stem}",),
            split=entry.split,
        )


def _metadata(path: Path) -> dict[str, _Entry]:
    """What the metadata says, by stem."""
    found: dict[str, _Entry] = {}
    wrong: list[str] = []
    for name, said in read_json(path, dict).items():
        values = said if isinstance(said, dict) else {}
        label, original, split = (values.get(key) for key in ("label", "original", "split"))
        if not (
            isinstance(label, str)
            and label in LABELS
            and isinstance(original, str | None)
            and isinstance(split, str | None)
        ):
            wrong.append(name)
            continue
        found[PurePosixPath(name).stem] = _Entry(
            LABELS[label], PurePosixPath(original).stem if original else None, split or None
        )
    if wrong:
        raise InvalidTable(
            f'{path}: expected {{"label": "FAKE", "split": "train", "original": "name.mp4"}} for each video '
            f"(label REAL or FAKE); found something else for {listed(wrong)}.",
            hint="download the file again.",
        )
    return found

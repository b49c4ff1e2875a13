"""Celeb-DF, version 1 or 2: where its videos lie, who is in them, and which are its test videos.

Li et al. 2020, https://doi.org/10.1109/CVPR42600.2020.00327. ``id3_id28_0003`` is the footage ``id3_0003`` with the face of id28:
"aa_bb_cc: aa is the original id, bb is swapped id, cc is the video index" (its authors, issue 6 of their repository).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from deepfake_core import DatasetInfo, InvalidTable, UsageError, VideoRecord, hookimpl, take
from deepfake_core.contract.records import FAKE, REAL
from deepfake_core.contract.tables import listed
from deepfake_public_datasets.folders import pick, plain, subfolders, videos_in, wrong_root
from deepfake_public_datasets.records import Kind, named, records
from deepfake_public_datasets.taking import REAL_METHOD, TakingSettings, report

logger = logging.getLogger(__name__)

TEST_LIST = "List_of_testing_videos.txt"
CELEB_REAL, YOUTUBE_REAL, CELEB_SYNTHESIS = "Celeb-real", "YouTube-real", "Celeb-synthesis"
PAPER = {CELEB_REAL: 150, YOUTUBE_REAL: 50, CELEB_SYNTHESIS: 200}
"""How many of each the four-stream system was published with."""

_REAL_IN_LIST = "1"
_CELEB = named("Celeb_person_", r"(id\d+)_\d+", "names like id3_0003.mp4")
# Each shows somebody else, who is in no swap; 00012 isn't id12.
_YOUTUBE = named("Celeb_person_youtube_", r"(\d+)", "names like 00170.mp4")
_SWAPPED = named("Celeb_person_", r"(id\d+)_(id\d+)_\d+", "names like id3_id28_0003.mp4")


@dataclass(frozen=True)
class Version:
    """What was published under one version number.

    Attributes:
        videos: by subset.
        tests: entries of the list of test videos.
    """

    videos: Mapping[str, int]
    tests: int


VERSIONS = {
    "v1": Version({CELEB_REAL: 158, YOUTUBE_REAL: 250, CELEB_SYNTHESIS: 795}, 100),
    "v2": Version({CELEB_REAL: 590, YOUTUBE_REAL: 300, CELEB_SYNTHESIS: 5639}, 518),
}


class CelebdfSettings(TakingSettings):
    """Which Celeb-DF is listed."""

    version: Literal["auto", "v1", "v2"] = Field(
        "auto", description="told by the list of test videos or, without it, by the number of videos, if auto"
    )


@hookimpl
def dataset_info() -> DatasetInfo:
    """Name and settings."""
    return DatasetInfo(name="celebdf", settings=CelebdfSettings, summary="Celeb-DF, version 1 or 2")


@hookimpl
def index_dataset(root: Path, limits: Mapping[str, int], settings: CelebdfSettings) -> Iterable[VideoRecord]:
    """Lists the celebrities' videos, those of YouTube, and the face swaps."""
    root = root.resolve()
    if not _fits(root):
        raise wrong_root(
            root, fits=_fits, expected=f"{CELEB_REAL}/, {YOUTUBE_REAL}/, {CELEB_SYNTHESIS}/ and {TEST_LIST}"
        )
    found = {name: videos_in(_inner(folder)) for name, folder in pick(root, PAPER).items()}
    tests = _tests(root / TEST_LIST)
    version = _version(root, settings.version, tests, found)
    dataset = f"celebdf_{version}"
    report(dataset, root, {name: len(videos) for name, videos in found.items()}, VERSIONS[version].videos)
    if tests is None:
        logger.warning("%s: there is no %s: the videos get no split.", dataset, TEST_LIST)
    subsets = {
        name: records(kind, found[name], partial(_split, tests, name))
        for name, kind in _kinds(dataset).items()
        if name in found
    }
    return take(subsets, PAPER if settings.sample == "paper" else {}, limits, settings.seed)


def _fits(root: Path) -> bool:
    return bool({plain(name) for name in PAPER} & set(subfolders(root)))


def _inner(folder: Path) -> Path:
    """Where a subset's videos lie: the folder, or the ``videos/`` in it that some tools want."""
    return subfolders(folder).get("videos", folder)


def _kinds(dataset: str) -> dict[str, Kind]:
    return {
        CELEB_REAL: Kind(dataset, REAL_METHOD, REAL, _CELEB),
        YOUTUBE_REAL: Kind(dataset, REAL_METHOD, REAL, _YOUTUBE),
        CELEB_SYNTHESIS: Kind(dataset, CELEB_SYNTHESIS, FAKE, _SWAPPED),
    }


def _tests(path: Path) -> frozenset[tuple[str, str]] | None:
    """Subset and stem of each test video; None without a list."""
    if not path.is_file():
        return None
    tests, wrong = set(), []
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        if not line.strip():
            continue
        label, _, name = line.strip().partition(" ")
        place = PurePosixPath(name.strip().replace("\\", "/"))
        subset = next((known for known in PAPER if plain(known) == plain(place.parent.name)), None)
        if subset is None or (label == _REAL_IN_LIST) != (subset != CELEB_SYNTHESIS):
            wrong.append(line)
        else:
            tests.add((subset, place.stem))
    if wrong or not tests:
        raise InvalidTable(
            f"{path}: expected lines like '0 {CELEB_SYNTHESIS}/id1_id0_0007.mp4' (1 is real, 0 is fake); "
            f"found {listed(wrong) or 'none'}.",
            hint="restore the published list.",
        )
    return frozenset(tests)


def _split(tests: frozenset[tuple[str, str]] | None, subset: str, stem: str) -> str | None:
    return None if tests is None else "test" if (subset, stem) in tests else "train"


def _version(
    root: Path,
    asked: str,
    tests: frozenset[tuple[str, str]] | None,
    found: Mapping[str, Mapping[str, Path]],
) -> str:
    if asked != "auto":
        return asked
    listed_tests = {version.tests: name for name, version in VERSIONS.items()}
    if tests is not None and len(tests) in listed_tests:
        return listed_tests[len(tests)]
    if any(len(videos) > VERSIONS["v1"].videos[name] for name, videos in found.items()):
        return "v2"
    counts = ", ".join(f"{len(videos)} in {name}" for name, videos in found.items())
    raise UsageError(
        f"{root}: can't tell whether this is version 1 or 2: {counts}, "
        f"and {f'{len(tests)} lines in' if tests else 'no'} {TEST_LIST}.",
        hint="say which: --overrides version=v2.",
    )

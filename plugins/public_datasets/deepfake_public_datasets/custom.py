"""One's own videos in ``real_videos/`` and ``deepfake_videos/``: who is in them, as a pattern tells it?"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field

from deepfake_core import DatasetInfo, UsageError, VideoRecord, hookimpl, take
from deepfake_core.contract.records import FAKE, REAL
from deepfake_core.data.generic import GenericSettings
from deepfake_public_datasets.folders import pick, plain, subfolders, videos_in, wrong_root
from deepfake_public_datasets.records import Kind, Names, distinct, records, unsplit
from deepfake_public_datasets.taking import FAKE_METHOD, REAL_METHOD, TakingSettings

logger = logging.getLogger(__name__)

REAL_FOLDER, FAKE_FOLDER = "real_videos", "deepfake_videos"
PAPER = {REAL_FOLDER: 400, FAKE_FOLDER: 400}
"""How many of each the four-stream system was published with."""

PERSON = "Custom_person_"

_FFPP_NAME = re.compile(r"\d{3}(_\d{3})?")


class CustomSettings(GenericSettings, TakingSettings):
    """Which videos are listed, and how people are told from file names."""

    dataset: str = Field("custom", min_length=1, description="name of the data set")
    person: str = Field(
        PERSON,
        description="what stands before a person's number; that of another data set, e.g. FF_person_, if the people are its people",
    )
    one_person_per_file: bool = Field(
        False, description="each file name is a person of its own, where nothing is known of people"
    )


@hookimpl
def dataset_info() -> DatasetInfo:
    """Name and settings."""
    return DatasetInfo(
        name="custom", settings=CustomSettings, summary=f"a folder with {REAL_FOLDER}/ and {FAKE_FOLDER}/ inside"
    )


@hookimpl
def index_dataset(root: Path, limits: Mapping[str, int], settings: CustomSettings) -> Iterable[VideoRecord]:
    """Lists the videos of both folders."""
    root = root.resolve()
    places = pick(root, PAPER)
    if len(places) < len(PAPER):
        raise wrong_root(root, fits=_fits, expected=f"{REAL_FOLDER}/ and {FAKE_FOLDER}/")
    found = {name: videos_in(place) for name, place in places.items()}
    names = _names(root, settings)
    subsets = {
        name: records(Kind(settings.dataset, method, label, names), found[name], unsplit)
        for name, method, label in ((REAL_FOLDER, REAL_METHOD, REAL), (FAKE_FOLDER, FAKE_METHOD, FAKE))
    }
    stems = [stem for videos in found.values() for stem in videos]
    if settings.person == PERSON and stems and all(map(_FFPP_NAME.fullmatch, stems)):
        logger.warning(
            "%s: the files are named as FaceForensics++'s are. If they are its videos, say person=FF_person_: otherwise "
            "their people count as others than those of ffpp.",
            settings.dataset,
        )
    return take(subsets, PAPER if settings.sample == "paper" else {}, limits, settings.seed)


def _fits(root: Path) -> bool:
    return {plain(name) for name in PAPER} <= set(subfolders(root))


def _names(root: Path, settings: CustomSettings) -> Names:
    """How people are read from stems."""
    if bool(settings.identity) == settings.one_person_per_file:
        both = settings.one_person_per_file
        raise UsageError(
            f"{root}: {'identity and one_person_per_file are both given' if both else 'nothing says who is in a file'}.",
            hint=r'give the pattern of people in file names, e.g. --overrides "identity=(\d+)(?:_(\d+))?", or say that each '
            "file shows somebody else: one_person_per_file=true. Choose one.",
        )
    pattern = re.compile(settings.identity or "(.+)")

    def people(stem: str) -> tuple[str, ...] | None:
        found = pattern.search(stem)
        captured = [re.sub(r"[^\w.-]+", "_", group) for group in found.groups() if group] if found else []
        return distinct(settings.person, captured) or None

    return Names(people, f"names that the pattern {settings.identity!r} finds somebody in")

"""FaceForensics++: where its videos lie, who is in them, and which split they belong to.

Roessler et al. 2019, https://arxiv.org/abs/1901.08971. ``033_097`` is footage of 033 with the face or the expression of 097.
DeepFakeDetection (Google, Jigsaw) comes with it and shows 28 paid actors, who are other people than the 1,000 of YouTube.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from deepfake_core import DatasetInfo, InvalidTable, UsageError, VideoRecord, hookimpl, take
from deepfake_core.contract.records import FAKE, REAL
from deepfake_core.contract.tables import listed
from deepfake_public_datasets.folders import pick, plain, read_json, subfolders, videos_in, wrong_root
from deepfake_public_datasets.records import Kind, Names, named, records, unsplit
from deepfake_public_datasets.taking import REAL_METHOD, TakingSettings, report

logger = logging.getLogger(__name__)

DATASET = "ffpp"
SPLITS = ("train", "val", "test")
FLAT_COMPRESSION = "c23"

_ORIGINALS, _MANIPULATED = "original_sequences", "manipulated_sequences"
_EXPECTED = (
    f"{_ORIGINALS}/ and {_MANIPULATED}/ (the official tree), or original/, Deepfakes/, Face2Face/ … (the flat C23 copy)"
)


_YOUTUBE, _ACTORS = "FF_person_", "DFD_person_"
_YOUTUBE_ORIGINAL = named(_YOUTUBE, r"(\d{3})", "names like 033.mp4")
_YOUTUBE_FORGERY = named(_YOUTUBE, r"(\d{3})_(\d{3})", "names like 033_097.mp4")
_ACTORS_ORIGINAL = named(_ACTORS, r"(\d{2})__.+", "names like 01__exit_phone_room.mp4")
_ACTORS_FORGERY = named(_ACTORS, r"(\d{2})_(\d{2})__.+", "names like 01_27__exit_phone_room__F8U9MMNG.mp4")


@dataclass(frozen=True)
class Subset:
    """One folder of the data set.

    Attributes:
        name: in the official tree; of forgeries, the method.
        names: how its files are named.
        flat: name in the flat copy, None if it isn't there.
        label: 0 real, 1 fake.
        split: whether the official splits cover it.
        published: number of videos in the official tree.
        flat_published: number of videos in the flat copy.
        paper: how many the four-stream system was published with.
    """

    name: str
    names: Names
    flat: str | None
    label: int = FAKE
    split: bool = True
    published: int = 1000
    flat_published: int = 1000
    paper: int = 200

    @property
    def kind(self) -> Kind:
        """What its videos have in common."""
        return Kind(DATASET, self.name if self.label == FAKE else REAL_METHOD, self.label, self.names)


SUBSETS = (
    Subset("youtube", _YOUTUBE_ORIGINAL, "original", label=REAL),
    # The four-stream system was published without the actors' originals.
    Subset("actors", _ACTORS_ORIGINAL, None, label=REAL, split=False, published=363, paper=0),
    Subset("Deepfakes", _YOUTUBE_FORGERY, "Deepfakes"),
    Subset("Face2Face", _YOUTUBE_FORGERY, "Face2Face"),
    Subset("FaceSwap", _YOUTUBE_FORGERY, "FaceSwap"),
    Subset("NeuralTextures", _YOUTUBE_FORGERY, "NeuralTextures"),
    Subset("FaceShifter", _YOUTUBE_FORGERY, "FaceShifter"),
    Subset("DeepFakeDetection", _ACTORS_FORGERY, "DeepFakeDetection", split=False, published=3068),
)


class FfppSettings(TakingSettings):
    """Which videos of FaceForensics++ are listed."""

    compression: Literal["raw", "c23", "c40"] = Field(
        "c23", description="H.264 compression of the official tree's videos"
    )
    splits: str = Field(
        "", description="folder of the official train.json, val.json and test.json; splits/ or the root itself if empty"
    )


@hookimpl
def dataset_info() -> DatasetInfo:
    """Name and settings."""
    return DatasetInfo(
        name=DATASET,
        settings=FfppSettings,
        summary="FaceForensics++ with DeepFakeDetection: the official tree or the flat C23 copy",
    )


@hookimpl
def index_dataset(root: Path, limits: Mapping[str, int], settings: FfppSettings) -> Iterable[VideoRecord]:
    """Lists the originals and the forgeries of each method."""
    root = root.resolve()
    if _is_tree(root):
        found = _in_tree(root, settings.compression)
        published = {subset.name: subset.published for subset in SUBSETS}
    elif _is_flat(root):
        found = _in_flat_copy(root, settings.compression)
        published = {subset.name: subset.flat_published for subset in SUBSETS if subset.flat}
    else:
        raise wrong_root(root, fits=lambda folder: _is_tree(folder) or _is_flat(folder), expected=_EXPECTED)
    report(DATASET, root, {name: len(videos) for name, videos in found.items()}, published)
    splits = _splits(root, settings.splits)
    subsets = {subset.name: _records(subset, found[subset.name], splits) for subset in SUBSETS if subset.name in found}
    most = {subset.name: subset.paper for subset in SUBSETS} if settings.sample == "paper" else {}
    return take(subsets, most, limits, settings.seed)


def _is_tree(root: Path) -> bool:
    return bool({plain(_ORIGINALS), plain(_MANIPULATED)} & set(subfolders(root)))


def _is_flat(root: Path) -> bool:
    # The official tree's folder of manipulations holds folders of the same names.
    names = {plain(subset.flat) for subset in SUBSETS if subset.flat}
    return plain(root.name) != plain(_MANIPULATED) and bool(names & set(subfolders(root)))


def _in_tree(root: Path, compression: str) -> dict[str, dict[str, Path]]:
    places: dict[str, Path] = {}
    for top, folder in pick(root, (_ORIGINALS, _MANIPULATED)).items():
        places |= pick(folder, [subset.name for subset in SUBSETS if (subset.label == REAL) == (top == _ORIGINALS)])
    found, other = {}, {}
    for name, place in places.items():
        there = {
            folder.name: folder / "videos" for folder in subfolders(place).values() if (folder / "videos").is_dir()
        }
        if compression in there:
            found[name] = videos_in(there[compression])
        elif there:
            other[name] = sorted(there)
    said = "; ".join(f"{name} has {', '.join(levels)}" for name, levels in other.items())
    if not any(found.values()):
        raise UsageError(
            f"{root}: no subset has videos of compression {compression!r}{': ' + said if said else ''}.",
            hint=f"choose one that is there: --overrides compression={next(iter(other.values()))[0]}."
            if other
            else f"expected {_MANIPULATED}/Deepfakes/{compression}/videos/*.mp4 and the like; the download is incomplete.",
        )
    if other:
        logger.warning("%s: left out for want of compression %s: %s.", DATASET, compression, said)
    return found


def _in_flat_copy(root: Path, compression: str) -> dict[str, dict[str, Path]]:
    if compression != FLAT_COMPRESSION:
        raise UsageError(
            f"{root}: this is the flat copy, whose videos have compression {FLAT_COMPRESSION}, not {compression}.",
            hint=f"leave compression at {FLAT_COMPRESSION}, or download the official tree.",
        )
    places = pick(root, [subset.flat for subset in SUBSETS if subset.flat])
    found = {subset.name: videos_in(places[subset.flat]) for subset in SUBSETS if subset.flat in places}
    if not any(found.values()):
        raise UsageError(
            f"{root}: {', '.join(places)} hold no video directly.", hint="expected e.g. Deepfakes/033_097.mp4."
        )
    return found


def _records(subset: Subset, videos: Mapping[str, Path], splits: Mapping[str, str]) -> list[VideoRecord]:
    if not subset.split or not splits:
        return records(subset.kind, videos, unsplit)
    across: list[str] = []

    def split(stem: str) -> str | None:
        found = {splits.get(number) for number in stem.split("_")}
        if len(found) > 1:
            across.append(stem)
        return found.pop()

    rows = records(subset.kind, videos, split)
    if across:
        raise InvalidTable(
            f"{subset.name}: the two people of {listed(across)} are in different splits.",
            hint="in the official splits no video is: check the split files, or move these videos elsewhere.",
        )
    outside = [row.path.name for row in rows if row.split is None]
    if outside:
        logger.warning("%s: %s: in no split: %s.", DATASET, subset.name, listed(outside))
    return rows


def _splits(root: Path, given: str) -> dict[str, str]:
    """The split of each number: those of the folder given, or of ``splits/`` or the root if they are there."""
    places = [Path(given).expanduser()] if given else [root / "splits", root]
    folder = next((place for place in places if (place / "train.json").is_file()), None)
    if folder is None and not given:
        return {}
    absent = [f"{split}.json" for split in SPLITS if not ((folder or places[0]) / f"{split}.json").is_file()]
    if folder is None or absent:
        raise UsageError(
            f"{folder or places[0]}: lacks {', '.join(absent)}.",
            hint="give the folder of the official splits: --overrides splits=/path/to/FaceForensics/dataset/splits.",
        )
    split_of: dict[str, str] = {}
    for split in SPLITS:
        for number in _read_split(folder / f"{split}.json"):
            if split_of.setdefault(number, split) != split:
                raise InvalidTable(
                    f"{folder}: {number} is in {split_of[number]}.json and in {split}.json.",
                    hint="restore the official files.",
                )
    return split_of


def _read_split(path: Path) -> list[str]:
    pairs = read_json(path, list)
    numbers = [number for pair in pairs for number in (pair if isinstance(pair, list) else [pair])]
    wrong = [number for number in numbers if not (isinstance(number, str) and re.fullmatch(r"\d{3}", number))]
    if wrong:
        raise InvalidTable(
            f'{path}: expected pairs of numbers like ["033", "097"]; found {listed(wrong)}.',
            hint="restore the official file.",
        )
    return numbers

"""How does a file's name become a row: who is in it, and what is said when a name tells nobody?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deepfake_core import InvalidTable, VideoRecord
from deepfake_core.contract.tables import listed
from deepfake_core.data.index import video_id


@dataclass(frozen=True)
class Names:
    """How the files of one subset are named.

    Attributes:
        people: from a stem to the people in it, the one whose footage it is first; None where the stem tells nobody.
        example: what was expected, for messages.
    """

    people: Callable[[str], tuple[str, ...] | None]
    example: str


@dataclass(frozen=True)
class Kind:
    """What all videos of one subset have in common.

    Attributes:
        dataset: name of the data set.
        method: how they were forged, ``real`` for real ones.
        label: 0 real, 1 fake.
        names: how they are named.
    """

    dataset: str
    method: str
    label: int
    names: Names


def records(kind: Kind, videos: Mapping[str, Path], split: Callable[[str], str | None]) -> list[VideoRecord]:
    """The rows of one subset's videos.

    Args:
        kind: what they have in common.
        videos: paths by stem.
        split: the official split of a stem.

    Raises:
        InvalidTable: names that tell nobody, because they aren't this data set's.
    """
    rows: list[VideoRecord] = []
    nobody: list[str] = []
    for stem, path in videos.items():
        people = kind.names.people(stem)
        if people is None:
            nobody.append(path.name)
            continue
        rows.append(
            VideoRecord(
                video_id=video_id(kind.dataset, kind.method, stem),
                path=path,
                label=kind.label,
                dataset=kind.dataset,
                method=kind.method,
                identities=people,
                split=split(stem),
            )
        )
    if nobody:
        folder = next(iter(videos.values())).parent
        raise InvalidTable(
            f"{folder}: expected {kind.names.example}; found {listed(nobody)}.",
            hint="nothing tells who is in these files: restore their names, or move them elsewhere.",
        )
    return rows


def named(prefix: str, pattern: str, example: str) -> Names:
    """Stems that tell people: ``prefix`` and what each group of ``pattern`` captured. The pattern must match the whole stem."""
    compiled = re.compile(pattern)

    def people(stem: str) -> tuple[str, ...] | None:
        found = compiled.fullmatch(stem)
        return distinct(prefix, found.groups()) if found else None

    return Names(people, example)


def distinct(prefix: str, numbers: Iterable[str]) -> tuple[str, ...]:
    """People by their numbers; somebody named twice counts once."""
    return tuple(dict.fromkeys(prefix + number for number in numbers))


def unsplit(_stem: str) -> None:
    """The split of a video whose data set has none."""

"""Who appears with whom: the identity graph, its components, and the units that folds are dealt in.

Nodes are people, and files of equal content; each video ties together all it involves. A component of the graph
that fits into a fold stays whole. A larger one (a swap graph in which everybody was swapped with everybody) is
divided into *units*, the videos of one set of people, and purging keeps its people apart.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract.records import VideoRecord

CONTENT_PREFIX = "content:"
NOTHING = hashlib.sha256().hexdigest()
"""Content of every empty file."""


def content(video: VideoRecord) -> str | None:
    """The sha256 that the index states; None also for that of an empty file, since files without content share none."""
    return video.sha256 if video.sha256 and video.sha256 != NOTHING else None


def people(video: VideoRecord) -> frozenset[str]:
    """Everything that ties this video to others: its identities, and its content where the index states a sha256."""
    sha256 = content(video)
    return frozenset(video.identities if sha256 is None else (*video.identities, CONTENT_PREFIX + sha256))


def clear_of(
    videos: Sequence[VideoRecord],
    others: Iterable[VideoRecord],
    ties: Callable[[VideoRecord], frozenset[str]] = people,
) -> NDArray[np.bool_]:
    """Which videos share nobody and no content, or whatever else ``ties`` names, with any of ``others``: ``[N] bool``."""
    touched = frozenset().union(*(ties(video) for video in others))
    return np.array([ties(video).isdisjoint(touched) for video in videos], dtype=bool)


@dataclass(frozen=True)
class Unit:
    """Videos that always share a fold.

    Attributes:
        videos: positions in the list that was divided.
        people: all they involve.
        group: name for tables and for resampling by identity.
        whole: whether the unit is a whole component, so that nobody of it stands anywhere else.
    """

    videos: tuple[int, ...]
    people: frozenset[str]
    group: str
    whole: bool


def components(videos: Sequence[VideoRecord]) -> NDArray[np.int64]:
    """Component number of each video, ``[N] int64``, numbered by first appearance."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    numbers: dict[str, int] = {}
    pairs = [
        (row, numbers.setdefault(person, len(numbers)))
        for row, video in enumerate(videos)
        for person in sorted(people(video))
    ]
    row, column = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    size = len(videos) + len(numbers)
    graph = coo_array((np.ones(len(row)), (row, column + len(videos))), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    _, first, inverse = np.unique(label[: len(videos)], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def units(videos: Sequence[VideoRecord], largest: float) -> tuple[Unit, ...]:
    """Divides videos into units.

    Args:
        videos: what is divided.
        largest: number of videos up to which a component stays whole.

    Returns:
        Units ordered by their first video. The group of a whole component is the name of its alphabetically first
        person; the group of a part of a larger one is the person whose footage it is.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for row, component in enumerate(components(videos)):
        members[int(component)].append(row)
    found: list[Unit] = []
    for rows in members.values():
        if len(rows) <= largest:
            everybody = frozenset().union(*(people(videos[row]) for row in rows))
            named = min(name for row in rows for name in videos[row].identities)
            found.append(Unit(tuple(rows), everybody, named, True))
            continue
        parts: dict[tuple[str, frozenset[str]], list[int]] = defaultdict(list)
        for row in rows:
            parts[videos[row].identities[0], people(videos[row])].append(row)
        found.extend(Unit(tuple(part), involved, primary, False) for (primary, involved), part in parts.items())
    return tuple(sorted(found, key=lambda unit: unit.videos))

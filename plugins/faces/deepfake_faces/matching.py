"""Which face of this frame is which face of the frames before?

One rule for every detector and every distance between frames; what differs is the gate, how far a face may move and
how much it may grow from one frame to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

P = TypeVar("P")

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Gate:
    """What is still the same face.

    Attributes:
        shift: its centre moved by less than this share of its size...
        growth: ...and its size changed by less than this factor.
    """

    shift: float
    growth: float


@dataclass(eq=False)
class Candidate(Generic[P]):
    """One followed face.

    Attributes:
        numbers: of the frames it was seen in.
        boxes: left, top, right, bottom in each of them.
        payloads: what was measured in each of them.
        area: sum of the boxes' areas.
    """

    numbers: list[int] = field(default_factory=list)
    boxes: list[Floats] = field(default_factory=list)
    payloads: list[P] = field(default_factory=list)
    area: float = 0.0

    def add(self, number: int, box: Floats, payload: P) -> None:
        """Takes the face's sighting in the next frame."""
        self.numbers.append(number)
        self.boxes.append(box)
        self.payloads.append(payload)
        self.area += float((box[2] - box[0]) * (box[3] - box[1]))


class Candidates(Generic[P]):
    """The faces followed at once.

    A face is matched to the nearest followed one by the distance of centres and the change of size. A face that
    matches none starts a new candidate; when there are ``most`` already, it takes the place of the one with the
    smallest sum of areas among those out of sight, and is ignored if there is none. A face that was lost is taken
    up again where it was lost.
    """

    def __init__(self, gate: Gate, *, most: int) -> None:
        self._gate, self._most = gate, most
        self._followed: list[Candidate[P]] = []
        self._lengths_of_dropped: list[int] = []

    def ranked(self) -> list[Candidate[P]]:
        """By sum of areas, the greatest first."""
        return sorted(self._followed, key=lambda candidate: -candidate.area)

    def lasting(self, frames: float) -> int:
        """How many faces were seen in so many frames or more."""
        lengths = [*self._lengths_of_dropped, *(len(candidate.numbers) for candidate in self._followed)]
        return sum(length >= frames for length in lengths)

    def matching(self, boxes: Floats) -> list[tuple[int, Candidate[P]]]:
        """Rows of ``boxes``, the ``[N, 4]`` of the next frame, each with its candidate; without the ignored ones."""
        matched: dict[int, Candidate[P]] = {}
        if self._followed and len(boxes):
            cost = self._cost(boxes, np.stack([candidate.boxes[-1] for candidate in self._followed]))
            while np.isfinite(cost).any():
                face, known = np.unravel_index(cost.argmin(), cost.shape)
                matched[int(face)] = self._followed[known]
                cost[face, :] = cost[:, known] = np.inf
        for face in np.argsort(-sizes(boxes)):
            if face not in matched and self._make_room(set(matched.values())):
                matched[int(face)] = Candidate()
                self._followed.append(matched[int(face)])
        return list(matched.items())

    def _cost(self, boxes: Floats, last: Floats) -> Floats:
        """How far each face is from where each candidate was last seen, ``[N, C]``; infinite for another face."""
        new, old = sizes(boxes)[:, None], sizes(last)[None, :]
        shift = np.linalg.norm(centres(boxes)[:, None] - centres(last)[None, :], axis=-1) / np.sqrt(new * old)
        growth = np.maximum(new / old, old / new)
        return np.where((shift < self._gate.shift) & (growth < self._gate.growth), shift, np.inf)

    def _make_room(self, in_sight: set[Candidate[P]]) -> bool:
        """Drops the weakest candidate out of sight if there are enough already; False if all are in sight."""
        if len(self._followed) < self._most:
            return True
        out_of_sight = [candidate for candidate in self._followed if candidate not in in_sight]
        if not out_of_sight:
            return False
        weakest = min(out_of_sight, key=lambda candidate: candidate.area)
        self._followed.remove(weakest)
        self._lengths_of_dropped.append(len(weakest.numbers))
        return True


def jumps(boxes: Floats, *, above: float) -> int:
    """How often a face moves, from one of its boxes ``[N, 4]`` to the next, by more than this share of its size."""
    moves = np.linalg.norm(np.diff(centres(boxes), axis=0), axis=1) / sizes(boxes)[1:]
    return int((moves > above).sum())


def centres(boxes: Floats) -> Floats:
    """``[N, 2]``."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def sizes(boxes: Floats) -> Floats:
    """Geometric means of width and height, ``[N]``."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    result: Floats = np.sqrt(width * height)
    return result

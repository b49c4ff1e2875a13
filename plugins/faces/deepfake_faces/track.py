"""Which face is the clip's, and where is it in every frame?

One pass, frame by frame: up to three faces are followed at once, whatever is measured on them is kept for each, and at
the end the face with the greatest sum of areas over its frames wins. So a passer-by who is larger for a moment
doesn't displace the person the clip is about, and no frame is looked at twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepfake_core import VideoNoFace
from deepfake_core.data.video import Frame
from deepfake_faces.mesh import POINTS, FaceMesh

M = TypeVar("M")

CANDIDATES = 3
"""Faces followed at once."""

LOOK_AROUND_EVERY = 30
"""Frames between two looks for further faces while one alone is followed: a second, mostly."""

MIN_SHARE = 0.5
"""Smallest share of frames that must show the face, unless the caller says otherwise."""

MAX_SHIFT = 0.75
"""A face is the same as before when its centre moved by less than this share of its size..."""

MAX_GROWTH = 1.6
"""...and its size changed by less than this factor."""

JUMP = 0.25
"""A move from one frame to the next of more than this share of the face's size counts as a jump."""

SEEN_SHARE = 0.05
"""A face in a smaller share of the frames isn't counted: the detector sees one in a shoulder now and then."""


@dataclass(frozen=True)
class FaceTrack(Generic[M]):
    """The clip's face in T frames.

    Attributes:
        times: presentation times, ``[T] float64``, s.
        landmarks: ``[T, 468, 3] float32``, pixels of the frames; NaN where the face isn't seen.
        measured: what ``measure`` made of each frame; None where the face isn't seen.
        faces_seen: how many faces the clip shows, this one included.
    """

    times: NDArray[np.float64]
    landmarks: NDArray[np.float32]
    measured: tuple[M | None, ...]
    faces_seen: int

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether the face is seen, ``[T]``."""
        return ~np.isnan(self.landmarks[:, 0, 0])

    @property
    def boxes(self) -> NDArray[np.float32]:
        """Left, top, right, bottom of the mesh, ``[T, 4]``, pixels; NaN where the face isn't seen."""
        return np.concatenate([self.landmarks[..., :2].min(axis=1), self.landmarks[..., :2].max(axis=1)], axis=1)

    def quality(self) -> dict[str, float | int]:
        """Flat facts.

        ``face_share`` of the frames; ``face_px``, the mean width of the mesh, pixels; ``faces_seen``; ``face_jumps``,
        how often the face moves by more than ``JUMP`` from one frame to the next.
        """
        boxes = self.boxes[self.present]
        centres, sizes = _centre(boxes), _size(boxes)
        moves = np.linalg.norm(np.diff(centres, axis=0), axis=1) / sizes[1:]
        return {
            "face_share": float(self.present.mean()),
            "face_px": float((boxes[:, 2] - boxes[:, 0]).mean()),
            "faces_seen": self.faces_seen,
            "face_jumps": int((moves > JUMP).sum()),
        }


def follow(
    frames: Iterable[Frame],
    measure: Callable[[int, Frame, NDArray[np.float32]], M],
    *,
    min_share: float = MIN_SHARE,
    look_around_every: int = LOOK_AROUND_EVERY,
) -> FaceTrack[M]:
    """Finds the clip's face and measures it, in one pass over the frames.

    A face is matched to the nearest followed one by the distance of centres and the change of size. A face that
    matches none starts a new candidate; when there are three already, it takes the place of the one with the
    smallest sum of areas among those out of sight, and is ignored if there is none. A face that was lost is taken
    up again where it was lost. A cut to another person at the same place can't be told from the same person.

    Args:
        frames: of one clip, in order; each is dropped before the next is asked for.
        measure: gets the frame's number, the frame, and the landmarks ``[468, 3]`` of a face; called for every
            candidate, so up to three times per frame.
        min_share: smallest share of the frames that must show the face.
        look_around_every: frames between two looks for further faces; 1 for frames that lie far apart.

    Raises:
        VideoNoFace: the face is seen in fewer frames, or there is none.
    """
    times: list[float] = []
    candidates = _Candidates[M]()
    with _Lookout(look_around_every) as lookout:
        for number, frame in enumerate(frames):
            times.append(frame.time_s)
            for face, candidate in candidates.matching(lookout.detect(number, frame.rgb)):
                candidate.add(number, face, measure(number, frame, face))
    best = candidates.best()
    if not times or len(best.numbers) < max(1, min_share * len(times)):
        raise VideoNoFace(f"face in {len(best.numbers)} of {len(times)} frames, {min_share:.0%} needed")
    landmarks = np.full((len(times), POINTS, 3), np.nan, np.float32)
    landmarks[best.numbers] = best.faces
    measured: list[M | None] = [None] * len(times)
    for number, value in zip(best.numbers, best.measured, strict=True):
        measured[number] = value
    return FaceTrack(
        np.array(times), landmarks, tuple(measured), faces_seen=candidates.lasting(SEEN_SHARE * len(times))
    )


class _Lookout(ExitStack):
    """Sees every face at little more than the price of one.

    To look for a second face in each frame costs half as much again as to follow the first. So the first is followed
    alone, with a look around now and then; from the look that finds another face on, all are followed.
    """

    def __init__(self, every: int) -> None:
        super().__init__()
        self._every = every
        self._glance = self.enter_context(FaceMesh(faces=CANDIDATES, following=False))
        self._mesh = self.enter_context(FaceMesh(faces=1))
        self._alone = True

    def detect(self, number: int, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The faces of the next frame, as ``FaceMesh.detect`` gives them."""
        if self._alone and number % self._every == 0 and len(self._glance.detect(rgb)) > 1:
            self._mesh = self.enter_context(FaceMesh(faces=CANDIDATES))
            self._alone = False
        return self._mesh.detect(rgb)


@dataclass(eq=False)
class _Candidate(Generic[M]):
    """One followed face: the frames it was seen in, and what was measured there."""

    numbers: list[int] = field(default_factory=list)
    faces: list[NDArray[np.float32]] = field(default_factory=list)
    measured: list[M] = field(default_factory=list)
    area: float = 0.0

    def add(self, number: int, face: NDArray[np.float32], measured: M) -> None:
        self.numbers.append(number)
        self.faces.append(face)
        self.measured.append(measured)
        self.area += float(np.prod(np.ptp(face[:, :2], axis=0)))


class _Candidates(Generic[M]):
    """The faces followed at once."""

    def __init__(self) -> None:
        self._followed: list[_Candidate[M]] = []
        self._lengths_of_dropped: list[int] = []

    def best(self) -> _Candidate[M]:
        """The one with the greatest sum of areas; an empty one if there is none."""
        return max(self._followed, key=lambda candidate: candidate.area, default=_Candidate())

    def lasting(self, frames: float) -> int:
        """How many faces were seen in so many frames or more."""
        lengths = [*self._lengths_of_dropped, *(len(candidate.numbers) for candidate in self._followed)]
        return sum(length >= frames for length in lengths)

    def matching(self, faces: NDArray[np.float32]) -> list[tuple[NDArray[np.float32], _Candidate[M]]]:
        """The faces of the next frame, each with the candidate that it belongs to; ignored faces are left out."""
        matched: dict[int, _Candidate[M]] = {}
        boxes = _boxes(faces)
        if self._followed and len(faces):
            cost = _cost(boxes, _boxes(np.stack([candidate.faces[-1] for candidate in self._followed])))
            while np.isfinite(cost).any():
                face, known = np.unravel_index(cost.argmin(), cost.shape)
                matched[int(face)] = self._followed[known]
                cost[face, :] = cost[:, known] = np.inf
        for face in np.argsort(-_size(boxes)):
            if face not in matched and self._make_room(set(matched.values())):
                matched[int(face)] = _Candidate()
                self._followed.append(matched[int(face)])
        return [(faces[face], candidate) for face, candidate in matched.items()]

    def _make_room(self, in_sight: set[_Candidate[M]]) -> bool:
        """Drops the weakest candidate out of sight if there are enough already; False if all are in sight."""
        if len(self._followed) < CANDIDATES:
            return True
        out_of_sight = [candidate for candidate in self._followed if candidate not in in_sight]
        if not out_of_sight:
            return False
        weakest = min(out_of_sight, key=lambda candidate: candidate.area)
        self._followed.remove(weakest)
        self._lengths_of_dropped.append(len(weakest.numbers))
        return True


def _cost(boxes: NDArray[np.float32], last: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    """How far each face is from where each candidate was last seen, ``[F, C]``; infinite for another face."""
    new_size, old_size = _size(boxes)[:, None], _size(last)[None, :]
    shift = np.linalg.norm(_centre(boxes)[:, None] - _centre(last)[None, :], axis=-1) / np.sqrt(new_size * old_size)
    growth = np.maximum(new_size / old_size, old_size / new_size)
    return np.where((shift < MAX_SHIFT) & (growth < MAX_GROWTH), shift, np.inf)


def _boxes(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([faces[..., :2].min(axis=1), faces[..., :2].max(axis=1)], axis=1)


def _centre(boxes: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _size(boxes: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    """Geometric mean of width and height."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    size: NDArray[np.floating[Any]] = np.sqrt(width * height)
    return size

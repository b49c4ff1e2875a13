"""Which face is the clip's, and where is it in every frame?

One pass, frame by frame: up to three faces are followed at once, whatever is measured on them is kept for each, and at
the end the face with the greatest sum of areas over its frames wins. So a passer-by who is larger for a moment
doesn't displace the person the clip is about, and no frame is looked at twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepfake_core import VideoNoFace
from deepfake_core.data.video import Frame
from deepfake_faces.matching import Candidates, Gate, jumps
from deepfake_faces.mesh import POINTS, FaceMesh

M = TypeVar("M")

CANDIDATES = 3
"""Faces followed at once."""

LOOK_AROUND_EVERY = 30
"""Frames between two looks for further faces while one alone is followed: a second, mostly."""

MIN_SHARE = 0.5
"""Smallest share of frames that must show the face, unless the caller says otherwise."""

GATE = Gate(shift=0.75, growth=1.6)
"""From one frame of a video to the next."""

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
        return _boxes(self.landmarks)

    def quality(self) -> dict[str, float | int]:
        """Flat facts.

        ``face_share`` of the frames; ``face_px``, the mean width of the mesh, pixels; ``faces_seen``; ``face_jumps``,
        how often the face moves by more than ``JUMP`` from one frame to the next.
        """
        boxes = self.boxes[self.present]
        return {
            "face_share": float(self.present.mean()),
            "face_px": float((boxes[:, 2] - boxes[:, 0]).mean()),
            "faces_seen": self.faces_seen,
            "face_jumps": jumps(boxes, above=JUMP),
        }


def follow(
    frames: Iterable[Frame],
    measure: Callable[[int, Frame, NDArray[np.float32]], M],
    *,
    min_share: float = MIN_SHARE,
    look_around_every: int = LOOK_AROUND_EVERY,
) -> FaceTrack[M]:
    """Finds the clip's face and measures it, in one pass over the frames.

    Faces are matched as ``Candidates`` says. A cut to another person at the same place can't be told from the same
    person.

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
    candidates = Candidates[tuple[NDArray[np.float32], M]](GATE, most=CANDIDATES)
    with _Lookout(look_around_every) as lookout:
        for number, frame in enumerate(frames):
            times.append(frame.time_s)
            faces = lookout.detect(number, frame.rgb)
            boxes = _boxes(faces)
            for row, candidate in candidates.matching(boxes):
                candidate.add(number, boxes[row], (faces[row], measure(number, frame, faces[row])))
    best = next(iter(candidates.ranked()), None)
    seen = best.numbers if best else []
    if best is None or len(seen) < min_share * len(times):
        raise VideoNoFace(f"face in {len(seen)} of {len(times)} frames, {min_share:.0%} needed")
    landmarks = np.full((len(times), POINTS, 3), np.nan, np.float32)
    measured: list[M | None] = [None] * len(times)
    for number, (face, value) in zip(seen, best.payloads, strict=True):
        landmarks[number], measured[number] = face, value
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


def _boxes(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([faces[..., :2].min(axis=1), faces[..., :2].max(axis=1)], axis=1)

"""Which faces does a single frame show, whichever detector looks?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from deepfake_core import UsageError
from deepfake_faces.align import mesh_anchors
from deepfake_faces.mesh import FaceMesh

MESH_FACES = 4
"""Faces that FaceMesh looks for in a frame."""

BEYOND_MESH = (-0.02, -0.13, -0.02, 0.0)
"""How far MTCNN's left, top, right and bottom lie from the mesh's, in its widths and heights: median over 1,830 faces of
115 clips. The mesh ends below the hairline. Boxes made so overlap MTCNN's by 0.91 (intersection over union), as much
as two implementations of MTCNN do."""


@dataclass(frozen=True, eq=False)
class Faces:
    """The N faces of one frame, in pixels from the outer corner of its first one.

    Attributes:
        boxes: left, top, right, bottom, ``[N, 4] float64``: forehead to chin, ear to ear. May reach out of the frame.
        points: ``[N, 5, 2] float64``: the eye on the left of the picture, the other one, the tip of the nose, the
            corners of the mouth in the same order.
        confidence: ``[N] float64``, 0 to 1; NaN from a detector that doesn't tell.
    """

    boxes: NDArray[np.float64]
    points: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def scaled(self, x: float, y: float) -> Faces:
        """The same faces in a frame that is so many times as wide, and as high."""
        return Faces(self.boxes * (x, y, x, y), self.points * (x, y), self.confidence)

    def within(self, width: int, height: int) -> Faces:
        """Without those whose centre lies out of the frame."""
        centres = (self.boxes[:, :2] + self.boxes[:, 2:]) / 2
        inside = ((centres >= 0) & (centres < (width, height))).all(axis=1)
        return Faces(self.boxes[inside], self.points[inside], self.confidence[inside])


class Detector(AbstractContextManager["Detector"], Protocol):
    """Looks for faces in frames that stand alone."""

    def detect(self, frames: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """The faces of each frame; frames are ``[H, W, 3] uint8 RGB``, all of one size."""
        ...


def open_detector(name: Literal["mtcnn", "facemesh"]) -> Detector:
    """The detector of that name, to be used as a context manager.

    Raises:
        UsageError: its packages aren't installed.
    """
    if name == "facemesh":
        return MeshDetector()
    try:
        import facenet_pytorch  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"the face detector mtcnn can't be loaded: {error}.",
            hint="pip install 'deepfake-faces[mtcnn]', or override detector=facemesh, which needs no torch.",
        ) from error
    from deepfake_faces.mtcnn import MtcnnDetector

    return MtcnnDetector()


class MeshDetector:
    """MediaPipe's short-range detector and FaceMesh: faces wider than about a tenth of the picture."""

    def __init__(self) -> None:
        self._mesh = FaceMesh(faces=MESH_FACES, following=False)

    def detect(self, frames: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """See ``Detector``."""
        return [self._detect(rgb) for rgb in frames]

    def _detect(self, rgb: NDArray[np.uint8]) -> Faces:
        meshes = self._mesh.detect(rgb)
        boxes = np.array([mesh_box(mesh) for mesh in meshes]).reshape(-1, 4)
        points = np.array([mesh_anchors(mesh) for mesh in meshes]).reshape(-1, 5, 2)
        return Faces(boxes, points, np.full(len(meshes), np.nan))

    def __enter__(self) -> MeshDetector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mesh.close()


def mesh_box(mesh: NDArray[np.float32]) -> NDArray[np.float64]:
    """Left, top, right, bottom as MTCNN would draw them about a FaceMesh ``[468, 2 or 3]``."""
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    box: NDArray[np.float64] = np.concatenate([low, high]) + np.multiply(BEYOND_MESH, np.tile(high - low, 2))
    return box

"""Which 468 points of which faces does a frame show?

One small adapter around MediaPipe's FaceMesh, so that its successor (the Tasks API) can replace it in one place.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

POINTS = 468
"""Points of the mesh without irises."""

_CHATTER = re.compile(
    r"Created TensorFlow Lite XNNPACK delegate"
    r"|before absl::InitializeLog\(\) is called"
    r"|inference_feedback_manager\.cc"
    r"|gl_context|GL version|OpenGL error checking"
)
_STDERR_LOCK = threading.Lock()


class FaceMesh:
    """MediaPipe FaceMesh for the frames of one clip, in time order.

    Points are followed from frame to frame: the face detector runs only while fewer than ``faces`` faces are
    followed. Frames must therefore come from one clip and in order; make a new mesh for every clip. Unless
    ``following``, each frame stands alone and the detector always runs.

    MediaPipe's threads don't survive a fork. In worker processes (loky, or any that is spawned) make the mesh
    inside the worker, one per call; never make one and then fork. A mesh belongs to the thread that uses it.

    Example::

        with FaceMesh(faces=2) as mesh:
            for frame in frames(path, max_side=640):
                for points in mesh.detect(frame.rgb):
                    ...

    Args:
        faces: faces looked for at most. With 1 the detector rests while a face is followed, which saves a third
            of the time, but the mesh then stays with the face it saw first, however small.
        following: whether a frame's faces are looked for where the last frame had them.
    """

    def __init__(self, *, faces: int = 1, following: bool = True) -> None:
        # Protobuf's advice to MediaPipe's authors comes with every result.
        warnings.filterwarnings("ignore", message=r"SymbolDatabase\.GetPrototype", category=UserWarning)
        with _without_chatter():
            from mediapipe.python.solutions import face_mesh

            self._mesh = face_mesh.FaceMesh(
                static_image_mode=not following,
                max_num_faces=faces,
                refine_landmarks=False,
            )
            # The models load, and talk, in background threads until the first frame is through.
            self._mesh.process(np.zeros((64, 64, 3), np.uint8))

    def detect(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The faces of the next frame.

        Args:
            rgb: ``[H, W, 3] uint8 RGB``.

        Returns:
            ``[F, 468, 3] float32``: x and y in pixels of the frame, with (0, 0) the outer corner of the first
            pixel, and z in the same unit, smaller towards the camera. F is 0 when no face is seen. Points can lie
            outside the frame.
        """
        height, width = rgb.shape[:2]
        found = self._mesh.process(np.ascontiguousarray(rgb)).multi_face_landmarks or []
        points = np.empty((len(found), POINTS, 3), np.float32)
        for face, landmarks in zip(points, found, strict=True):
            face[:] = [(p.x, p.y, p.z) for p in landmarks.landmark]
        return points * np.array([width, height, width], np.float32)

    def close(self) -> None:
        """Ends MediaPipe's threads and frees the models."""
        self._mesh.close()

    def __enter__(self) -> FaceMesh:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Drops MediaPipe's start-up lines from stderr, and passes on every line it doesn't know.

    The lines come from C++ and obey no setting, so stderr is caught at the file descriptor. The lock keeps two
    threads from restoring each other's descriptor.
    """
    with _STDERR_LOCK, tempfile.TemporaryFile() as caught:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            caught.seek(0)
            for line in caught:
                if not _CHATTER.search(line.decode(errors="replace")):
                    os.write(stderr, line)
            os.close(stderr)

"""Pictures and clips with a face at a known place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

Writer = Callable[[Sequence[np.ndarray]], Path]


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A face in 300 x 300 pixels."""
    return pytest.importorskip("skimage.data").astronaut()[:300, 80:380].copy()


@pytest.fixture
def write(tmp_path) -> Writer:
    """Writes frames as a clip of 5 per second."""

    def write_clip(frames: Sequence[np.ndarray]) -> Path:
        import av

        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=5, options={"crf": "10", "preset": "veryfast"})
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            for rgb in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb)))
            container.mux(stream.encode(None))
        return path

    return write_clip

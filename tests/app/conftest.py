"""Two toys, fused and registered, and a desk before which they judge."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from deepfake_core.app.desk import Desk
from deepfake_core.detector import registry
from deepfake_core.detector.bounded import Examiner
from deepfake_core.steps import fuse
from tests.conftest import toys_run


@pytest.fixture(scope="module")
def world(tmp_path_factory, empty_tracking_store) -> Iterator[Path]:
    """A home in which both toys are registered as the challenger."""
    with toys_run(tmp_path_factory, empty_tracking_store) as (index, _):
        fuse.run("toys", str(index), fuser="logistic", out=tmp_path_factory.mktemp("out"))
        yield index.parent


@pytest.fixture(scope="module")
def examiner() -> Iterator[Examiner]:
    """One for a module: starting its process takes a second."""
    with Examiner() as found:
        yield found


@pytest.fixture
def desk(world, examiner, tmp_path) -> Desk:
    """For videos of up to two seconds."""
    return Desk(registry.NAME, max_seconds=2, scratch=tmp_path, examiner=examiner)


@pytest.fixture
def hand_in(desk) -> Callable[..., str]:
    """Puts a file where uploads lie, as the page's server does."""

    def put(name: str, content: str | bytes) -> str:
        data = content if isinstance(content, bytes) else content.encode()
        folder = desk.uploads / hashlib.sha256(data).hexdigest()
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
        return str(folder / name)

    return put


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """Three seconds of grey, as MP4."""
    path = tmp_path_factory.mktemp("clip") / "grey.mp4"
    with av.open(path, "w") as file:
        stream = file.add_stream("mpeg4", rate=10, width=32, height=32, pix_fmt="yuv420p")
        stream.time_base = Fraction(1, 10)
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 127, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path

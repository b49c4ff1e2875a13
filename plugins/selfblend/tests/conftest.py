"""A face with its landmarks, and the clips of the portraits as the stream extracts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from deepfake_core import Extracted, Store, VideoRecord
from deepfake_faces.crops import FaceCrops
from deepfake_selfblend.blending import Face
from deepfake_selfblend.meshes import load_meshes
from deepfake_selfblend.plugin import stream
from deepfake_selfblend.settings import BlendSettings, SelfBlendSettings

NOTHING = {
    "shift": 0.0,
    "zoom": 0.0,
    "colour": 0.0,
    "sharpness": 0.0,
    "resolution": 0.0,
    "base_compression": 0.0,
    "defocus": 0.0,
    "other_frame": 0.0,
}
"""A source that is the base."""


@pytest.fixture
def nothing() -> BlendSettings:
    """Blends that change nothing."""
    return BlendSettings(**NOTHING)


@pytest.fixture(scope="session")
def quick() -> SelfBlendSettings:
    """Settings that train in seconds."""
    update = {"size": 64, "frames": 4, "passes": 1, "epochs": 2, "swa_from": None, "batch_size": 4}
    return stream.presets["demo"].model_copy(update=update)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of their own."""
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def clips(portraits: Sequence[VideoRecord], quick: SelfBlendSettings, store: Store) -> Mapping[str, Extracted]:
    """Every portrait, extracted."""
    return {video.video_id: stream.extract(video, quick, store) for video in portraits}


@pytest.fixture(scope="session")
def faces(clips: Mapping[str, Extracted]) -> list[Face]:
    """A face of each portrait."""
    found = []
    for clip in clips.values():
        crops, points = FaceCrops.load(clip.path), load_meshes(clip.path)
        found.append(Face(np.array(crops.pixels[3]), np.array(points[3, :, :2])))
    return found

"""Clips that are quick to learn: stripes, upright on fakes and level on reals, in noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepfake_core import Extracted, Fold, VideoRecord
from deepfake_faces.crops import FaceCrops
from deepfake_nn.settings import TrainingSettings

SIDE = 48


def write_crops(folder: Path, label: int, seed: int, *, frames: int = 8, sampled: int = 8, tracks: int = 1) -> Path:
    """Cached face crops as an extraction leaves them; each crop is the box alone."""
    random = np.random.default_rng(seed)
    wave = 60 * np.sin(np.arange(SIDE) * 2 * np.pi / 6)
    stripes = wave[None, :] if label else wave[:, None]
    count = frames * tracks
    pixels = 128 + stripes[None, :, :, None] + random.normal(0, 25, (count, SIDE, SIDE, 3))
    folder.mkdir(parents=True)
    FaceCrops(
        pixels=np.clip(pixels, 0, 255).astype(np.uint8),
        sampled=sampled,
        track=np.repeat(np.arange(tracks), frames),
        slot=np.tile(np.arange(frames), tracks),
        time_s=np.tile(np.arange(frames) / 4.0, tracks),
        box=np.tile([0.0, 0.0, SIDE, SIDE], (count, 1)),
        points=np.tile([[15.0, 18.0], [33.0, 18.0], [24.0, 28.0], [17.0, 36.0], [31.0, 36.0]], (count, 1, 1)),
        confidence=np.full(count, 0.99),
        sharpness=np.full(count, 100.0),
        face_px=np.full(count, float(SIDE)),
        outside=np.zeros(count),
        interpolated=np.zeros(count, bool),
    ).save(folder)
    return folder


@pytest.fixture
def crops(tmp_path: Path) -> Callable[..., Path]:
    """``crops(name, label, seed, frames=…)`` writes a clip and returns its folder."""
    return lambda name, label, seed, **how: write_crops(tmp_path / "crops" / name, label, seed, **how)


@pytest.fixture(scope="session")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fold, dict[str, Extracted]]:
    """Twelve clips to train on and six to stop by, of 5 to 8 frames, half of them fakes."""
    folder = tmp_path_factory.mktemp("stripes")
    videos, clips = [], {}
    for number in range(18):
        video = VideoRecord(f"v{number:02d}", folder / "none.mp4", number % 2, "stripes", "m", (f"p{number}",))
        path = write_crops(folder / video.video_id, number % 2, number, frames=5 + number % 4)
        videos.append(video)
        clips[video.video_id] = Extracted(video.video_id, path)
    return Fold(0, tuple(videos[:12]), tuple(videos[12:]), 3), clips


@pytest.fixture
def quick() -> TrainingSettings:
    """Settings that train in seconds."""
    return TrainingSettings(
        backbone="test_efficientnet",
        weights="random",
        sampled_frames=8,
        frames=8,
        size=32,
        margin=0.0,
        hidden=8,
        temporal_layers=1,
        head=(16,),
        head_dropout=(0.1,),
        frequency=8,
        epochs=3,
        batch_size=4,
        lr=3e-3,
        augmentation="standard",
    )

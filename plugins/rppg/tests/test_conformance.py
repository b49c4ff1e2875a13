"""The stream keeps every promise of the contract, on small films of a portrait."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from deepfake_core import VideoRecord
from deepfake_core.testing import StreamConformance

SIDE = 192
FPS = 20
SECONDS = 3.2


def shoot(path: Path, person: int, fake: bool) -> VideoRecord:
    """A portrait that sways; real skin pulses. Each person is another crop and tint of it."""
    portrait = pytest.importorskip("skimage.data").astronaut()[: 300 - 6 * person, 80 + 4 * person : 380]
    portrait = cv2.resize(portrait, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    portrait *= np.float32([1.0, 1 - 0.03 * person, 1 - 0.05 * person])
    random = np.random.default_rng(2 * person + fake)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options={"crf": "14", "preset": "veryfast"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for number in range(round(SECONDS * FPS)):
            time = number / FPS
            beat = 0.0 if fake else 0.02 * np.sin(2 * np.pi * (1.1 + 0.1 * person) * time)
            sway = np.float32([[1, 0, 2 * np.sin(time + person)], [0, 1, np.cos(time)]])
            lit = portrait * np.float32(1 + beat * np.array([0.33, 0.77, 0.53])) + random.normal(0, 1, portrait.shape)
            moved = cv2.warpAffine(lit.astype(np.float32), sway, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
            frame = av.VideoFrame.from_ndarray(np.clip(moved, 0, 255).astype(np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    label, method = int(fake), "still" if fake else "real"
    return VideoRecord(path.stem, path, label, "portrait", method, (f"person{person}",))


class TestRppg(StreamConformance):
    name = "rppg"
    overrides = "min_s=3,rounds=20,selector_trees=20,inner_folds=2"

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, tmp_path_factory: pytest.TempPathFactory) -> Sequence[VideoRecord]:
        folder = tmp_path_factory.mktemp("videos")
        return [
            shoot(folder / f"person{person}_{'fake' if fake else 'real'}.mp4", person, fake)
            for person in range(4)
            for fake in (False, True)
        ]

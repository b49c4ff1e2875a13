"""Films of faces for the tests of all plugins: a portrait that sways, filmed in a moment."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from deepfake_core import VideoRecord

SIDE = 192


def shoot(path: Path, person: int, fake: bool, *, fps: int = 20, seconds: float = 3.2) -> VideoRecord:
    """A portrait that sways; real skin pulses. Each person is another crop and tint of it."""
    portrait = pytest.importorskip("skimage.data").astronaut()[: 300 - 6 * person, 80 + 4 * person : 380]
    portrait = cv2.resize(portrait, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    portrait *= np.float32([1.0, 1 - 0.03 * person, 1 - 0.05 * person])
    random = np.random.default_rng(2 * person + fake)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options={"crf": "14", "preset": "veryfast"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for number in range(round(seconds * fps)):
            time = number / fps
            beat = 0.0 if fake else 0.02 * np.sin(2 * np.pi * (1.1 + 0.1 * person) * time)
            sway = np.float32([[1, 0, 2 * np.sin(time + person)], [0, 1, np.cos(time)]])
            lit = portrait * np.float32(1 + beat * np.array([0.33, 0.77, 0.53])) + random.normal(0, 1, portrait.shape)
            moved = cv2.warpAffine(lit.astype(np.float32), sway, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
            frame = av.VideoFrame.from_ndarray(np.clip(moved, 0, 255).astype(np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    label, method = int(fake), "still" if fake else "real"
    return VideoRecord(path.stem, path, label, "portrait", method, (f"person{person}",))


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> list[VideoRecord]:
    """Four people, a real and a fake film of each, 3.2 s at 20 frames per second."""
    folder = tmp_path_factory.mktemp("portraits")
    return [
        shoot(folder / f"person{person}_{'fake' if fake else 'real'}.mp4", person, fake)
        for person in range(4)
        for fake in (False, True)
    ]

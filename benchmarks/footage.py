"""Footage for benchmarks: a portrait that sways before a textured wall, what plain decoding of it costs, and face crops."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_faces.crops import FaceCrops


def make_clip(
    path: Path, *, seconds: float, fps: int, width: int, height: int, face: float, bit_rate: int, pulse_hz: float = 0.0
) -> None:
    """Writes H.264: NASA's Eileen Collins, from scikit-image.

    Args:
        path: of the video.
        seconds: its length.
        fps: frames per second.
        width: pixels.
        height: pixels.
        face: side of the portrait, share of the height.
        bit_rate: bits per second.
        pulse_hz: rate at which the portrait's brightness varies by one percent; 0 leaves it as it is.
    """
    from skimage.data import astronaut

    rng = np.random.default_rng(0)
    side = int(height * face)
    portrait = cv2.resize(astronaut()[:300, 80:380], (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    wall = cv2.resize(rng.uniform(60, 190, (height // 4, width // 4, 3)).astype(np.float32), (width, height))
    grain = rng.normal(0, 2, (height, width, 1)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bit_rate
        for number in range(round(seconds * fps)):
            now = number / fps
            frame = np.roll(wall, number, axis=1)
            left = int(width / 2 - side / 2 + width / 20 * np.sin(now))
            top = int((height - side) / 2 + height / 40 * np.cos(1.7 * now))
            frame[top : top + side, left : left + side] = portrait * (1 + 0.01 * np.sin(2 * np.pi * pulse_hz * now))
            frame += np.roll(grain, 7 * number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.clip(frame, 0, 255).astype(np.uint8))))
        container.mux(stream.encode(None))


def plain_decode(path: Path) -> None:
    """Decodes every frame with one thread, as the extractions do: the other cores have videos of their own."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for _ in container.decode(video=0):
            pass


def write_crops(folder: Path, pixels: NDArray[np.uint8]) -> Path:
    """Face crops as an extraction leaves them: ``pixels [F, 320, 320, 3]``, each with a box of 200 pixels and a tilt of 6°."""
    count = len(pixels)
    folder.mkdir()
    FaceCrops(
        pixels=pixels,
        sampled=count,
        track=np.zeros(count, np.intp),
        slot=np.arange(count),
        time_s=np.arange(float(count)),
        box=np.tile([60.0, 60.0, 260.0, 260.0], (count, 1)),
        points=np.tile([[110.0, 130.0], [210.0, 140.0], [160.0, 180.0], [120.0, 220.0], [200.0, 220.0]], (count, 1, 1)),
        confidence=np.ones(count),
        sharpness=np.full(count, 100.0),
        face_px=np.full(count, 200.0),
        outside=np.zeros(count),
        interpolated=np.zeros(count, bool),
    ).save(folder)
    return folder

"""Pictures and short films with something to lose."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from deepfake_core.contract.records import VideoRecord


def photograph(seed: int = 0, height: int = 48, width: int = 64) -> np.ndarray:
    """Something with smooth and with sharp parts, ``[H, W, 3]``."""
    random = np.random.default_rng(seed)
    smooth = cv2.resize(random.uniform(30, 220, (6, 8, 3)), (width, height), interpolation=cv2.INTER_CUBIC)
    smooth[10:30, 20:40] = random.uniform(0, 255, (20, 20, 3))
    return np.clip(smooth, 0, 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio, dB; infinite between equal pictures."""
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else np.inf


def film(path: Path, *, times: list[float] | None = None, size: tuple[int, int] = (48, 64)) -> VideoRecord:
    """A picture that drifts, 24 frames at 24 per second unless times are given, with a tone."""
    wide = photograph(height=size[0], width=size[1] + 48)
    stamps = times or [k / 24 for k in range(24)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "8", "bf": "0"})
        stream.height, stream.width = size
        stream.pix_fmt = "yuv444p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        stream.codec_context.thread_count = 1  # with more, equal films aren't always equal files
        sound = container.add_stream("aac", rate=8000)
        for k, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(wide[:, 2 * k : 2 * k + size[1]]), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 90_000), round(stamp * 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        tone.rate = 8000
        container.mux(sound.encode(tone))
        container.mux(sound.encode(None))
    return VideoRecord("x__real__1", path, 0, "x", "real", ("a",))

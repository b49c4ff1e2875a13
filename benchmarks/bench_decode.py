"""How fast is reading a video, compared with decoding it and nothing else?

Makes a 10 s 1080p H.264 clip of moving, noisy texture, reads it in several ways in turn, and prints the median CPU time
of each and its ratio to plain decoding. All decode with one thread, so that on an idle machine CPU time is wall time.
Run with ``python benchmarks/bench_decode.py``; add ``--keyint 30 --seconds 60`` for what a phone records.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import av
import numpy as np

from deepfake_core.data import video

SAMPLED = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--keyint", type=int, default=250, help="frames between key frames; 250 is x264's default")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_clip(path, seconds=options.seconds, keyint=options.keyint)
        ways: dict[str, Callable[[Path], int]] = {
            "plain decode": plain_decode,
            f"sample({SAMPLED}), forward": lambda path: sum(1 for _ in video.sample(path, SAMPLED)),
            f"sample({SAMPLED}), max_side=640": lambda path: sum(1 for _ in video.sample(path, SAMPLED, max_side=640)),
            f"{SAMPLED} frames by seeking": seek_and_decode,
            "frames(), max_side=640": lambda path: sum(1 for _ in video.frames(path, max_side=640)),
            "frames(), full size": lambda path: sum(1 for _ in video.frames(path)),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        counts: dict[str, int] = {}
        for _ in range(options.repeats):
            # In turn, so that a busy machine slows all ways alike.
            for name, way in ways.items():
                begin = time.process_time()
                counts[name] = way(path)
                times[name].append(time.process_time() - begin)
        print(
            f"{options.seconds} s of 1920x1080 at 30 fps, H.264, a key frame every {options.keyint}, "
            f"{path.stat().st_size / 1e6:.1f} MB, medians of {options.repeats}"
        )
    base = median(times["plain decode"])
    print(f"{'way':<28}{'frames':>8}{'CPU s':>10}{'ratio':>8}")
    for name in ways:
        print(f"{name:<28}{counts[name]:>8}{median(times[name]):>10.2f}{median(times[name]) / base:>8.2f}")


def write_clip(path: Path, *, seconds: int, keyint: int) -> None:
    """30 fps of a sharp texture that drifts, with fresh sensor noise on every frame."""
    rng = np.random.default_rng(0)
    small = rng.integers(40, 216, size=(90, 160), dtype=np.uint8)
    texture = np.kron(small, np.ones((24, 24), np.uint8))
    noise = rng.integers(0, 12, size=(8, 1080, 1920), dtype=np.uint8)
    chroma = np.full((540, 1920), 128, np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "23", "preset": "veryfast", "g": str(keyint)})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for i in range(30 * seconds):
            row, column = (2 * i) % 1080, (3 * i) % 1920
            luma = texture[row : row + 1080, column : column + 1920] + noise[i % 8]
            frame = av.VideoFrame.from_ndarray(np.concatenate([luma, chroma]), format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def plain_decode(path: Path) -> int:
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def seek_and_decode(path: Path) -> int:
    """As a random-access reader does it: for each frame, seek to the key frame before it and decode up to it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        assert stream.average_rate and stream.time_base
        ticks = 1 / (stream.average_rate * stream.time_base)
        for k in range(SAMPLED):
            goal = int((2 * k + 1) * stream.frames // (2 * SAMPLED) * ticks)
            container.seek(goal, stream=stream)
            frame = next(frame for frame in container.decode(stream) if frame.pts is not None and frame.pts >= goal)
            frame.to_ndarray(format="rgb24")
    return SAMPLED


if __name__ == "__main__":
    main()

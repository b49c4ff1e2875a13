"""What does the rPPG extraction cost beside the decoding and the face mesh that it can't do without?

Run ``python benchmarks/bench_rppg.py``. A 10 s clip in 1080p is made: a portrait (NASA's Eileen Collins, from
scikit-image) that sways before a textured wall, H.264 at 8 Mbit/s. Everything is then measured on it in one process,
in turns, so that the ratios hold on a busy machine too; the peak memory in a process of its own.

Aims: ``trace`` takes at most 1.5 times plain decoding plus the face mesh on the same frames at the working size; a
worker stays within 600 MB.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from footage import make_clip, plain_decode

from deepfake_core.data import video
from deepfake_faces.mesh import FaceMesh
from deepfake_faces.track import CANDIDATES
from deepfake_rppg.extract import trace
from deepfake_rppg.features import all_features, measure
from deepfake_rppg.settings import RppgSettings, TraceSettings
from deepfake_rppg.traces import Traces

T = TypeVar("T")

AIM_RATIO = 1.5
AIM_MB = 600


def follow_faces(frames: list[np.ndarray], *, faces: int) -> None:
    with FaceMesh(faces=faces) as mesh:
        for rgb in frames:
            mesh.detect(rgb)


def seconds_of(action: Callable[[], object]) -> tuple[float, float]:
    """On the clock, and of all cores together."""
    start, start_cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - start, time.process_time() - start_cpu


def in_own_process(function: Callable[..., T], *args: object, **options: object) -> T:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args, options)


def peak_mb(path: Path, folder: Path) -> float:
    """Peak memory of a fresh process that traces one clip."""
    trace(path, TraceSettings(), folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the clip")
    parser.add_argument("--height", type=int, default=1080, help="of the clip, pixels")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    settings = RppgSettings()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "clip.mp4"
        size = {"width": options.height * 16 // 9, "height": options.height}
        # In other processes: a process's peak includes its parent's size when it was started.
        in_own_process(
            make_clip, clip, seconds=options.seconds, fps=30, face=0.8, bit_rate=8_000_000, pulse_hz=1.2, **size
        )
        memory = in_own_process(peak_mb, clip, folder)
        frames = [frame.rgb for frame in video.frames(clip, max_side=settings.max_side)]
        traces = Traces.load(folder)
        actions: dict[str, Callable[[], object]] = {
            "plain decode": lambda: plain_decode(clip),
            "decode to the working size": lambda: sum(1 for _ in video.frames(clip, max_side=settings.max_side)),
            "face mesh, one face": lambda: follow_faces(frames, faces=1),
            f"face mesh, up to {CANDIDATES} faces": lambda: follow_faces(frames, faces=CANDIDATES),
            "trace": lambda: trace(clip, settings, folder),
            "features": lambda: all_features(measure(traces, settings), traces),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in actions}
        for _ in range(options.repeats):
            for name, action in actions.items():
                taken[name].append(seconds_of(action))
    median = {name: np.median(values, axis=0) for name, values in taken.items()}
    print(f"{len(frames)} frames of {size['width']}x{size['height']}; medians of {options.repeats}: clock, all cores")
    for name, (clock, cpu) in median.items():
        print(f"  {name:<28}{clock:8.2f} s{cpu:8.2f} s")
    for name in (f"face mesh, up to {CANDIDATES} faces", "face mesh, one face"):
        clock, cpu = median["trace"] / (median["plain decode"] + median[name])
        print(f"trace / (plain decode + {name}): {clock:.2f} by the clock, {cpu:.2f} of all cores; aim {AIM_RATIO}")
    print(f"features / trace: {median['features'][0] / median['trace'][0]:.3f}")
    print(f"peak memory of a worker: {memory:.0f} MB, aim {AIM_MB}")


if __name__ == "__main__":
    main()

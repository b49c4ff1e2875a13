"""What do face crops cost beside the decoding of the video, and beside what is usually done?

Run ``python benchmarks/bench_faces.py``. A 10 s clip in 1080p is made: a portrait (NASA's Eileen Collins, from
scikit-image) that sways before a textured wall, H.264 at 8 Mbit/s. Everything is then measured on it in one process,
in turns, so that the ratios hold on a busy machine too; peak memory in a process of its own.

Aims: extraction with MTCNN takes at most a quarter of seeking each frame with OpenCV and detecting at full size;
with FaceMesh at most 1.4 times plain decoding; a second stream's look at the cached crops at most 2 % of the first
one's; 16 frames at 299 pixels are read in 15 ms, 8 at 224 in 5 ms, on one core.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from footage import make_clip, plain_decode

from deepfake_core import Store, VideoRecord
from deepfake_faces.crops import FaceCrops, face_crops, view_facts
from deepfake_faces.settings import FaceSettings, ViewSettings

AIM_NAIVE, AIM_MESH, AIM_SECOND = 4.0, 1.4, 0.02
AIM_READ_MS = {(16, 299): 15.0, (8, 224): 5.0}


def naive(path: Path, detector: object, count: int = 16) -> None:
    """Seeks each frame and detects at full size, as in many a published pipeline."""
    clip = cv2.VideoCapture(str(path))
    total = int(clip.get(cv2.CAP_PROP_FRAME_COUNT))
    for number in np.linspace(0, total - 1, count).astype(int):
        clip.set(cv2.CAP_PROP_POS_FRAMES, int(number))
        _, bgr = clip.read()
        detector.detect(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), landmarks=True)
    clip.release()


def extract(path: Path, detector: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        face_crops(VideoRecord("clip", path), FaceSettings(detector=detector), Store(Path(folder)))


def look(path: Path, view: ViewSettings, store: Store) -> None:
    """What a stream does to be ready: crops from the cache, or made now, and the facts of its view."""
    view_facts(FaceCrops.load(face_crops(VideoRecord("clip", path), view, store).path), view)


def read_ms(crops: FaceCrops, *, frames: int, side: int) -> float:
    """Median of 50, every face turned."""
    rows = crops.usable(ViewSettings(frames=frames))
    read = partial(crops.read, rows, size=side, margin=0.217, upright_above_deg=0.0)
    return 1000 * float(np.median([seconds_of(read) for _ in range(50)]))


def seconds_of(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def peak_mb(path: Path, detector: str) -> float:
    """Peak memory of a fresh process that extracts one clip."""
    cv2.setNumThreads(1)
    extract(path, detector)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the clip")
    parser.add_argument("--height", type=int, default=1080, help="of the clip, pixels")
    parser.add_argument("--face", type=float, default=0.8, help="height of the portrait, share of the picture")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    size = {"width": options.height * 16 // 9, "height": options.height}
    with tempfile.TemporaryDirectory() as name:
        clip = Path(name) / "clip.mp4"
        spawn = multiprocessing.get_context("spawn")
        with spawn.Pool(1) as pool:
            pool.apply(
                make_clip,
                (clip,),
                {"seconds": options.seconds, "fps": 30, "face": options.face, **size, "bit_rate": 8_000_000},
            )
        memory = {}
        for detector in ("mtcnn", "facemesh"):
            with spawn.Pool(1) as pool:
                memory[detector] = pool.apply(peak_mb, (clip, detector))

        import torch
        from facenet_pytorch import MTCNN

        torch.set_num_threads(1)
        reference = MTCNN(keep_all=True)
        extract(clip, "mtcnn")  # loads the networks
        actions: dict[str, Callable[[], object]] = {
            "plain decode": partial(plain_decode, clip),
            "seek, MTCNN at full size": partial(naive, clip, reference),
            "crops, mtcnn": partial(extract, clip, "mtcnn"),
            "crops, facemesh": partial(extract, clip, "facemesh"),
        }
        taken: dict[str, list[float]] = {name: [] for name in (*actions, "first stream", "second stream")}
        second = ViewSettings(size=299, frames=8, upright_above_deg=2.0)
        for repeat in range(options.repeats):
            for what, action in actions.items():
                taken[what].append(seconds_of(action))
            store = Store(Path(name) / f"store{repeat}")
            taken["first stream"].append(seconds_of(partial(look, clip, ViewSettings(), store)))
            taken["second stream"].append(seconds_of(partial(look, clip, second, store)))
        crops = FaceCrops.load(face_crops(VideoRecord("clip", clip), ViewSettings(), store).path)
        reads = {(frames, side): read_ms(crops, frames=frames, side=side) for frames, side in AIM_READ_MS}
    median = {name: float(np.median(times)) for name, times in taken.items()}
    print(f"{options.seconds:g} s of {size['width']}x{size['height']}, crops of {crops.pixels.shape[1]}; one core each")
    for name, seconds in median.items():
        print(f"  {name:<28}{seconds:8.3f} s")
    print(f"seek + MTCNN / crops: {median['seek, MTCNN at full size'] / median['crops, mtcnn']:.1f}; aim {AIM_NAIVE}")
    print(
        f"crops with facemesh / plain decode: {median['crops, facemesh'] / median['plain decode']:.2f}; aim {AIM_MESH}"
    )
    print(f"second stream / first: {median['second stream'] / median['first stream']:.4f}; aim {AIM_SECOND}")
    for (frames, side), taken_ms in reads.items():
        print(f"read {frames} frames at {side}: {taken_ms:.1f} ms; aim {AIM_READ_MS[frames, side]:g}")
    for detector, peak in memory.items():
        print(f"peak memory of a worker, {detector}: {peak:.0f} MB")


if __name__ == "__main__":
    main()

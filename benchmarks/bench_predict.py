"""What does a verdict cost beside what it can't do without: decoding, face mesh, face detection, forward passes?

A 10 s clip in 720p is made, and a detector asked about it: all of its streams, all fold models. Beside it, in the same process and in turns, its parts
alone: plain decoding once for each way of reading the clip, the face mesh on the frames of the pulse, MTCNN on the sampled frames, and the fusion's
members on what was extracted. Then twenty such clips in one call of `deepfake predict`, start-up included, on one core and on two.

Aims: a verdict takes at most 1.3 times its parts; two cores do at least 1.6 times as many clips a second as one. Needs a registered
detector of streams that this clip fits (`deepfake run`).

    python benchmarks/bench_predict.py [--model models:/deepfake-detector@champion]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from bench_rppg import follow_faces
from footage import make_clip, plain_decode

from deepfake_core.contract.records import VideoRecord
from deepfake_core.data import video
from deepfake_core.data.store import Store
from deepfake_core.detector import registry
from deepfake_core.detector.detector import Detector
from deepfake_core.steps.predict import DEFAULT_MODEL, extracted
from deepfake_faces.detect import open_detector
from deepfake_faces.extract import BATCH, LONGER_SIDE
from deepfake_faces.track import CANDIDATES

AIM_RATIO, AIM_CORES = 1.3, 1.6
CLIPS = 20


def find_faces(frames: list[np.ndarray]) -> None:
    """MTCNN as the neural streams use it."""
    with open_detector("mtcnn") as detector:
        for start in range(0, len(frames), BATCH):
            detector.detect(frames[start : start + BATCH])


def seconds_of(action: Callable[[], object]) -> float:
    """By the clock."""
    start = perf_counter()
    action()
    return perf_counter() - start


def asked(detector: Detector, paths: list[Path], *, workers: str) -> None:
    """A verdict on each, nothing kept from before."""
    with tempfile.TemporaryDirectory() as folder:
        records = [VideoRecord(str(n), path) for n, path in enumerate(paths)]
        extracts = extracted(detector, records, Store(Path(folder)), workers=workers)
        verdicts = detector.judge(detector.rows(extracts), extracts, {each.video_id: each.video_id for each in records})
        assert not [each for each in verdicts if each.error]


def called(model: Path, videos: Path, home: Path, *, cores: int) -> None:
    """`deepfake predict` on a folder, on so many cores, with an empty store."""
    subprocess.run(
        [sys.executable, "-m", "deepfake_core.cli", "predict", videos, "--model", model, "--workers", str(cores)],
        env={**os.environ, "DEEPFAKE_HOME": str(home)},
        preexec_fn=lambda: os.sched_setaffinity(0, range(cores)),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def main() -> None:
    """Prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "clip.mp4"
        size = {"width": 1280, "height": 720, "bit_rate": 4_000_000, "seconds": 10, "fps": 30}
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(make_clip, (clip,), {"face": 0.8, "pulse_hz": 1.2, **size})
        model = registry.fetch(options.model, folder / "model")
        detector = Detector.load(model)
        pulse = "rppg" in detector.names
        neural = len(detector.names) > pulse
        asked(detector, [clip], workers="1")  # loads libraries and networks
        store = Store(folder / "store")
        extracts = extracted(detector, [VideoRecord("0", clip)], store, workers="1")
        meshed = [frame.rgb for frame in video.frames(clip, max_side=LONGER_SIDE)]
        sampled = [frame.rgb for frame in video.sample(clip, 16, max_side=LONGER_SIDE)]
        parts: dict[str, Callable[[], object]] = {
            "plain decode": lambda: [plain_decode(clip) for _ in range(pulse + neural)]
        }
        if pulse:
            parts["face mesh"] = lambda: follow_faces(meshed, faces=CANDIDATES)
        if neural:
            parts["MTCNN"] = lambda: find_faces(sampled)
        parts["members"] = lambda: detector.rows(extracts)
        taken: dict[str, list[float]] = {part: [] for part in (*parts, "verdict")}
        for _ in range(options.repeats):
            for part, action in parts.items():
                taken[part].append(seconds_of(action))
            taken["verdict"].append(seconds_of(lambda: asked(detector, [clip], workers="1")))
        median = {part: float(np.median(values)) for part, values in taken.items()}
        alone = sum(median[part] for part in parts)
        print(f"{', '.join(detector.names)}; {len(detector.manifest.members)} members; medians of {options.repeats}")
        for part, seconds in median.items():
            print(f"  {part:<14}{seconds:8.2f} s  {seconds / alone:6.1%} of the parts")
        print(f"verdict / its parts: {median['verdict'] / alone:.2f}; aim {AIM_RATIO}")
        many = folder / "many"
        many.mkdir()
        for number in range(CLIPS):  # other content, or it would be one clip
            (many / f"{number}.mp4").write_bytes(clip.read_bytes() + bytes(number + 1))
        one, two = (seconds_of(lambda n=n: called(model, many, folder / f"home{n}", cores=n)) for n in (1, 2))
        print(f"{CLIPS} clips: one core {one:.1f} s, two {two:.1f} s: {one / two:.2f} times; aim {AIM_CORES}")


if __name__ == "__main__":
    main()

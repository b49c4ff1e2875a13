"""How many pseudo-fakes does one loading thread make, beside what training uses? And how long does training wait for them?

In one process, in turns: pairs per second of one thread at 224 and 380 pixels; pairs per second that a training step of
EfficientNet-Lite0 and EfficientNet-B4 uses on this CPU; and the share of a training's time in which it waited for pairs.
Crops are drawn, of the size of an ordinary clip's, with landmarks.

    python benchmarks/bench_selfblend.py [--rounds 3] [--without-b4]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import torch
from footage import write_crops

from deepfake_core import Extracted, VideoRecord
from deepfake_nn.clips import Draw, FrameStages, Loader, Plan
from deepfake_nn.losses import focal_loss
from deepfake_nn.memory import freed_memory_kept
from deepfake_nn.training.rates import optimiser
from deepfake_selfblend.meshes import MESH
from deepfake_selfblend.pairs import PairSet
from deepfake_selfblend.plugin import stream
from deepfake_selfblend.settings import SelfBlendSettings

STEPS = {"small": 3, "paper": 1}
PAIRS = 4
"""Of a step: as many as B4 at 380 pixels trains in a reasonable time on a CPU."""


def write_clip(folder: Path, seed: int) -> Path:
    """Crops of a smooth picture with noise, with a mesh of points spread over an ellipse."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (16, 12, 12, 3), dtype=np.uint8)
    pixels = np.stack([cv2.resize(each, (320, 320), interpolation=cv2.INTER_CUBIC) for each in coarse])
    write_crops(folder, cv2.add(pixels, rng.integers(0, 12, pixels.shape, dtype=np.uint8)))
    turn, reach = rng.uniform(0, 2 * np.pi, 468), np.sqrt(rng.uniform(0, 1, 468))
    points = np.column_stack([160 + 70 * reach * np.cos(turn), 160 + 95 * reach * np.sin(turn), np.zeros(468)])
    np.save(folder / MESH, np.tile(points.astype(np.float32), (16, 1, 1)))
    return folder


def made(pairs: PairSet, count: int) -> float:
    """Pairs per second of one loading thread."""

    def make() -> float:
        cv2.setNumThreads(1)
        began = perf_counter()
        for number in range(count):
            pairs.samples(Draw(number % len(pairs), 1, 0.5, number))
        return count / (perf_counter() - began)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(make).result()


def trained(settings: SelfBlendSettings, pairs: PairSet, steps: int) -> tuple[float, float]:
    """Pairs per second of training with one loading thread, and the share of its time in which it waited."""
    torch.manual_seed(0)
    network = stream.network(settings, pretrained=False).train()
    optimizer, _ = optimiser(network, settings, steps_per_epoch=steps)
    plan = Plan(PAIRS * (steps + 1), batch_size=PAIRS, stages=FrameStages((1,), (1,), 1), seed=0)
    loader = Loader(pairs, plan, workers=1)
    began = 0.0
    with freed_memory_kept():
        for number, batch in enumerate(loader):
            if number == 1:  # the first step warms up
                began, loader.waited_s = perf_counter(), 0.0
            output = network(batch.frames.float() / 255, batch.mask)
            focal_loss(output.logit, batch.target, gamma=0.0, alpha=0.5).backward()
            optimizer.step()
            optimizer.zero_grad()
    seconds = perf_counter() - began
    return PAIRS * steps / seconds, loader.waited_s / seconds


def main() -> None:
    """Prints ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-b4", action="store_true")
    arguments = parser.parse_args()
    presets = ["small"] if arguments.without_b4 else ["small", "paper"]
    with tempfile.TemporaryDirectory() as folder:
        videos = [VideoRecord(f"v{n:02d}", Path(folder) / "no.mp4", 0, "d", "real", (f"p{n}",)) for n in range(16)]
        clips = {v.video_id: Extracted(v.video_id, write_clip(Path(folder) / v.video_id, 0)) for v in videos}
        for preset in presets:
            settings = stream.presets[preset]
            blends = settings.model_copy(
                update={name: getattr(stream.presets["small"], name) for name in ("base_compression", "compression")}
            )
            pairs = PairSet(videos, clips, blends, augmentation=settings.augmentation)
            many = PairSet(videos * PAIRS, clips, blends, augmentation=settings.augmentation)
            supply, use, wait = [], [], []
            for _ in range(arguments.rounds):
                supply.append(made(pairs, 40))
                trains, waits = trained(settings, many, STEPS[preset])
                use.append(trains)
                wait.append(waits)
            ratio = statistics.median(a / b for a, b in zip(supply, use, strict=True))
            print(
                f"{preset}: {settings.backbone} at {settings.size} px: one thread makes {statistics.median(supply):.0f} pairs/s, "
                f"training uses {statistics.median(use):.1f} pairs/s: {ratio:.1f} times as many as needed; "
                f"waiting {statistics.median(wait):.1%} of the time",
                flush=True,
            )


if __name__ == "__main__":
    main()

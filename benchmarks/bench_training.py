"""What does the toolkit's training cost beside a bare PyTorch loop, and how long does it wait for clips?

Both train the same network on clips of the same size, batch and precision, in turns, in one process. The bare loop has its
batches ready in memory; the toolkit reads crops from disk, warps and augments them meanwhile. The bare loop runs twice in
each round: as anyone would write it, and keeping freed memory as the toolkit does; only the latter tells what the toolkit
costs.

    python benchmarks/bench_training.py [--steps 8] [--rounds 5]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from footage import write_crops

from deepfake_core import Extracted, Fold, VideoRecord
from deepfake_core.runlog import FileLog, metrics
from deepfake_nn.losses import focal_loss
from deepfake_nn.memory import freed_memory_kept
from deepfake_nn.network import ClipNetwork
from deepfake_nn.settings import TrainingSettings
from deepfake_nn.training.fit import fit
from deepfake_nn.training.rates import optimiser

SETTINGS = TrainingSettings(
    backbone="tf_efficientnet_lite0",
    weights="random",
    frames=8,
    size=224,
    batch_size=4,
    epochs=1,
    augmentation="standard",
    upright_above_deg=2.0,
)


def write_clip(folder: Path, seed: int) -> Path:
    """Crops of a 16-frame clip, of noise."""
    return write_crops(folder, np.random.default_rng(seed).integers(0, 255, (16, 320, 320, 3), dtype=np.uint8))


def bare(steps: int) -> float:
    """Steps per second of a loop without anything around it."""
    torch.manual_seed(0)
    network = ClipNetwork(SETTINGS).train()
    optimizer, schedule = optimiser(network, SETTINGS, steps_per_epoch=steps)
    frames = torch.randint(0, 255, (4, 8, 3, 224, 224), dtype=torch.uint8)
    mask, target = torch.ones(4, 8, dtype=torch.bool), torch.tensor([0.0, 1.0, 0.0, 1.0])
    began = perf_counter()
    for _ in range(steps):
        output = network(frames.float() / 255, mask)
        loss = focal_loss(output.logit, target, reduction="mean")
        loss = loss + 0.1 * focal_loss(output.auxiliary_logit, target, reduction="mean")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return steps / (perf_counter() - began)


def toolkit(steps: int, videos: list[VideoRecord], clips: dict[str, Extracted]) -> tuple[float, float]:
    """Steps per second of the toolkit's epoch, and the share of it in which it waited for clips."""
    fold = Fold(0, tuple(videos[: 4 * steps]), (), 0)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        log = FileLog(Path(folder) / "log")
        fit(lambda: ClipNetwork(SETTINGS), fold, clips, SETTINGS, work, log, stream="bench")
        found = {metric.name: metric.value for metric in metrics(log.folder)}
    return found["clips_per_second"] / SETTINGS.batch_size, found["data_wait"]


def main() -> None:
    """Prints ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        count = 4 * arguments.steps
        videos = [VideoRecord(f"v{n:03d}", Path(folder) / "no.mp4", n % 2, "d", "m", (f"p{n}",)) for n in range(count)]
        clips = {v.video_id: Extracted(v.video_id, write_clip(Path(folder) / v.video_id, 0)) for v in videos}
        bare(2)
        found: dict[str, list[float]] = {"plain": [], "bare": [], "toolkit": [], "waits": []}
        for number in range(arguments.rounds):
            found["plain"].append(bare(arguments.steps))
            # The bare loop on both sides, so that a machine that slows down or speeds up meanwhile favours neither.
            with freed_memory_kept():
                before = bare(arguments.steps)
            ours, wait = toolkit(arguments.steps, videos, clips)
            with freed_memory_kept():
                after = bare(arguments.steps)
            found["bare"].append((before + after) / 2)
            found["toolkit"].append(ours)
            found["waits"].append(wait)
            print(
                f"round {number}: " + ", ".join(f"{name} {values[-1]:.3f}" for name, values in found.items()),
                flush=True,
            )

    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))

    print(f"toolkit / bare loop: {ratio('toolkit', 'bare'):.3f} (required 0.95)")
    print(f"toolkit / bare loop that returns freed memory: {ratio('toolkit', 'plain'):.3f}")
    print(f"waiting for clips: {statistics.median(found['waits']):.1%} (required at most 5 %)")
    print(f"peak memory of both: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

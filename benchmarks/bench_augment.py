"""How long does it take to vary a training clip, and how long with torchvision's transforms?

Prints, for 8 frames at 224 pixels and 16 at 299: milliseconds per clip of each recipe over many seeds, then of each step
beside its nearest kin in ``torchvision.transforms.v2`` (which turns clips bilinearly only), and the ratio of the two. CPU
time with one thread, so that on an idle machine it is wall time::

    python benchmarks/bench_augment.py --repeats 10 --seeds 300
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import mean, median, quantiles
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from deepfake_nn.augment import RECIPES, steps

PLACES = ((8, 224), (16, 299))
"""Frames and side."""

KIN: dict[steps.Step, Callable[[Tensor], Tensor]] = {
    steps.Flip(): v2.RandomHorizontalFlip(p=1),
    steps.Pose(): v2.RandomAffine(10, (0.06, 0.06), (0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR),
    steps.Elastic(): v2.ElasticTransform(alpha=3.0, sigma=20.0),
    steps.Tone(): v2.Compose(
        [v2.ColorJitter(brightness=0.2, contrast=0.2), lambda clip: functional.adjust_gamma(clip, 1.2)]
    ),
    steps.Chroma(): v2.ColorJitter(saturation=0.2, hue=0.05),
    steps.Clahe(): functional.equalize,
    steps.Blur(): v2.GaussianBlur(7, (0.4, 1.5)),
    steps.Downscale(): lambda clip: functional.resize(
        functional.resize(clip, [round(0.7 * clip.shape[2])] * 2), list(clip.shape[2:])
    ),
    steps.Posterise(): v2.RandomPosterize(6, p=1),
    steps.Noise(): lambda clip: functional.gaussian_noise(clip, sigma=6 / 255),
    steps.Jpeg(): v2.JPEG((40, 100)),
    steps.Boxes(): v2.RandomErasing(p=1, scale=(0.01, 0.06), value=128),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10, help="of each step")
    parser.add_argument("--seeds", type=int, default=200, help="of each recipe")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for count, side in PLACES:
        clip = film(count, side)
        print(
            f"\n{count} frames at {side} x {side}, ms per clip\n{'recipe':<12}{'median':>8}{'mean':>8}{'p95':>8}{'worst':>8}"
        )
        for name, recipe in RECIPES.items():
            times = [timed(recipe, clip, seed) for seed in range(options.seeds)]
            print(
                f"{name:<12}{median(times):>8.2f}{mean(times):>8.2f}{quantiles(times, n=20)[-1]:>8.2f}{max(times):>8.2f}"
            )
        frames, planar = clip.permute(0, 2, 3, 1).numpy(), clip.contiguous()
        print(f"{'step':<12}{'here':>8}{'v2':>8}{'ratio':>8}   medians of {options.repeats}")
        for step, kin in KIN.items():
            ours, theirs = [], []
            # In turn, so that a busy machine slows both alike.
            for seed in range(options.repeats + 1):
                ours.append(timed(step, frames, np.random.default_rng(seed)))
                theirs.append(timed(kin, planar))
            here, there = median(ours[1:]), median(theirs[1:])
            print(f"{type(step).__name__.lower():<12}{here:>8.2f}{there:>8.2f}{there / here:>8.1f}")


def film(count: int, side: int) -> Tensor:
    """Smooth colours with a little grain, channels last in memory as a loader's warp leaves them."""
    random = torch.Generator().manual_seed(0)
    smooth = interpolate(torch.rand(count, 3, side // 8, side // 8, generator=random), size=side, mode="bicubic")
    grainy = 255 * smooth + 4 * torch.randn(smooth.shape, generator=random)
    return grainy.clamp(0, 255).byte().to(memory_format=torch.channels_last)


def timed(function: Callable[..., Any], *given: Any) -> float:
    begin = time.process_time()
    function(*given)
    return 1e3 * (time.process_time() - begin)


if __name__ == "__main__":
    main()

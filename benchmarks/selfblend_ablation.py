"""Which part of the pseudo-fakes makes `selfblend` recognise real face swaps? One training by folds for each part left out.

Every variant trains on real videos alone, on the same folds and for as many steps; fakes are scored, never learnt from. Judged
is a set of pairs: each fake against the real video of the same footage, whose person no model of it has seen. `supervised` is the
same network trained the ordinary way, on the pairs of the other folds. How many epochs fit into the minutes is measured once and
kept in the output folder; a variant that was interrupted goes on where it stopped.

    python benchmarks/selfblend_ablation.py --index clips.csv --minutes-per-fold 8 --variants all,one_mask,supervised
        [--folds 3] [--weights tf_efficientnet_lite0.safetensors] [--seed 42] [--out selfblend_ablation]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch

from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.data.folds import STOP_PARTS
from deepfake_core.data.index import Index, write_index
from deepfake_core.evaluation.metrics import auc
from deepfake_core.evaluation.resampling import Resamples, auc_interval, bootstrap, interval
from deepfake_core.plugins import load_stream
from deepfake_core.steps import stream
from deepfake_core.steps.index import open_index
from deepfake_nn.memory import freed_memory_kept
from deepfake_selfblend.plugin import stream as selfblend
from deepfake_selfblend.settings import BlendSettings, SelfBlendSettings

PAPER = selfblend.presets["paper"]
PUBLISHED = ",".join(
    f"{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
    for name in (*BlendSettings.model_fields, "compression", "augmentation")
    for value in [getattr(PAPER, name)]
)

VARIANTS = {
    "all": "",
    "one_mask": "masks=face,mask_deformation=0",
    "no_earlier_compression": "base_compression=0",
    "no_later_compression": "compression=0",
    "resolution": "resolution=0.5",
    "colour": "colour=1",
    "sharpness": "sharpness=0.5",
    "misalignment": "shift=0.03,zoom=0.05",
    "weak": "strengths=0.25,0.5,0.75,1,1,1",
    "other_frame": "other_frame=0.5",
    "augmented": "augmentation=standard",
    "published": PUBLISHED,
}
"""What differs from the preset: a part left out, or one of the published parts that it leaves out; or all that was published."""

SUPERVISED = "supervised"
ORDINARY = "xception_frames"
"""The stream whose network is a plain frame network; its preset ``small`` has EfficientNet-Lite0, too."""

TIMED_STEPS = 4
SCORING = 1.3
"""What an epoch takes with the look at the stop split, in steps' time."""


def pairs_of(index: Index) -> dict[str, str]:
    """The real video of the same data set and person, by fake; only where there is one of each."""
    found: dict[tuple[str, str], dict[int, list[VideoRecord]]] = {}
    for video in index.videos:
        found.setdefault((video.dataset, video.identities[0]), {REAL: [], FAKE: []})[int(video.label or 0)].append(
            video
        )
    return {
        sides[FAKE][0].video_id: sides[REAL][0].video_id
        for sides in found.values()
        if len(sides[REAL]) == len(sides[FAKE]) == 1
    }


def seconds_per_step(settings: SelfBlendSettings) -> float:
    """Of training on one batch of pairs, once it is there."""
    torch.manual_seed(0)
    network = selfblend.network(settings, pretrained=False).train()
    frames = torch.rand(2 * settings.batch_size, 1, 3, settings.size, settings.size)
    began = 0.0
    with freed_memory_kept():
        for number in range(TIMED_STEPS + 1):
            if number == 1:  # the first one warms up
                began = perf_counter()
            network(frames, torch.ones(frames.shape[:2], dtype=torch.bool)).logit.square().mean().backward()
    return (perf_counter() - began) / TIMED_STEPS


def budget(out: Path, settings: SelfBlendSettings, index: Index, minutes: float) -> int:
    """Steps that fit into the minutes; as measured when it was first asked, so that a resumed run asks for the same."""
    kept = out / f"budget_{minutes:g}.json"
    if not kept.exists():
        steps = round(60 * minutes / SCORING / seconds_per_step(settings))
        kept.write_text(json.dumps({"steps": steps}))
    return int(json.loads(kept.read_text())["steps"])


def lasting(epochs: int) -> str:
    """Overrides that make a training of one frame per clip so many epochs long."""
    epochs = max(2, epochs)
    return f"epochs={epochs},progressive_frames=1,progressive_epochs={epochs},patience={epochs},swa_from={epochs // 2}"


def trained(variant: str, index: Index, steps: int, folds: int, weights: str, seed: int, out: Path) -> pd.DataFrame:
    """Out-of-fold scores of a variant."""
    start = f"weights={weights}" if weights else ""
    settings = selfblend.presets["small"]
    assert isinstance(settings, SelfBlendSettings)
    learnt_from = (1 - 1 / folds) * (1 - 1 / STOP_PARTS)
    if variant == SUPERVISED:
        pairs = pairs_of(index)
        videos = tuple(video for video in index.videos if video.video_id in {*pairs, *pairs.values()})
        path = out / "pairs.csv"
        write_index(Index(videos, str(path)), path)
        batch = 2 * settings.batch_size
        epochs = round(steps / -(-learnt_from * len(videos) // batch))
        same = f"batch_size={batch},lr={settings.lr},swa_lr={settings.swa_lr},frozen_epochs=0,backbone_lr_from=1,backbone_lr_to=1"
        overrides = [start, lasting(epochs), same, f"monitor=loss,weight_decay={settings.weight_decay}"]
        return run(ORDINARY, str(path), overrides, folds, seed)
    reals = sum(video.label == REAL for video in index.videos)
    epochs = round(steps / -(-learnt_from * reals * settings.passes // settings.batch_size))
    return run("selfblend", index.source, [start, lasting(epochs), VARIANTS[variant]], folds, seed)


def run(name: str, index: str, overrides: list[str], folds: int, seed: int) -> pd.DataFrame:
    """The stream's out-of-fold table."""
    given = ",".join(filter(None, overrides))
    load_stream(name).settings("small", given)  # so that a mistake shows before anything is trained
    return stream.run(name, index, preset="small", overrides=given, folds_given=str(folds), seed=seed, refit=False).oof


def row(oof: pd.DataFrame, pairs: Mapping[str, str]) -> dict[str, str]:
    """AUC among the pairs, pairs whose fake scores higher, AUC among all videos; each with its 95 % interval."""
    scores = oof.set_index("video_id")
    both = scores.loc[scores.index.isin([*pairs, *pairs.values()]) & scores["p"].notna()]
    known = [fake for fake, real in pairs.items() if fake in both.index and real in both.index]
    wins = np.array([both["p"][fake] > both["p"][pairs[fake]] for fake in known], float)
    fakes = np.ones(len(known), int)
    draws = Resamples.draw(fakes, both["group"].loc[known].to_numpy(str))
    won = bootstrap(draws, fakes, np.zeros(len(known)), ["recall"], wins)["recall"]
    return {
        "AUC among pairs": ranked(both),
        "pairs won": f"{wins.mean():.2f} [{interval(won)[0]:.2f}, {interval(won)[1]:.2f}]",
        "AUC among all": ranked(scores[scores["p"].notna()]) if len(scores) > len(both) else "",
    }


def ranked(scores: pd.DataFrame) -> str:
    """AUC with its interval."""
    label, p = scores["label"].to_numpy(), scores["p"].to_numpy()
    low, high = auc_interval(label, p, scores["group"].to_numpy(str))
    return f"{auc(label, p):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    """Prints the table, a line for each variant as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--minutes-per-fold", type=float, default=8)
    parser.add_argument("--variants", default=",".join([*VARIANTS, SUPERVISED]))
    parser.add_argument("--weights", default="", help="file of the backbone's weights; else timm's are downloaded")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--out", type=Path, default=Path("selfblend_ablation"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = [name.strip() for name in asked.variants.split(",")]
    unknown = set(wanted) - {*VARIANTS, SUPERVISED}
    if unknown:
        parser.error(f"no such variant: {', '.join(sorted(unknown))}; there are {', '.join([*VARIANTS, SUPERVISED])}")

    index = open_index(asked.index, workers="auto")
    pairs = pairs_of(index)
    settings = selfblend.presets["small"]
    assert isinstance(settings, SelfBlendSettings)
    steps = budget(asked.out, settings, index, asked.minutes_per_fold)
    print(f"{len(pairs)} pairs, {steps} steps for each fold", flush=True)
    rows = {}
    for variant in wanted:
        oof = trained(variant, index, steps, asked.folds, asked.weights, asked.seed, asked.out)
        oof.to_csv(asked.out / f"{variant}.csv", index=False)
        rows[variant] = row(oof, pairs)
        print(variant, rows[variant], flush=True)
    print("\n" + pd.DataFrame(rows).T.to_string())


if __name__ == "__main__":
    main()

"""Which part of the pseudo-fakes makes `selfblend` recognise real face swaps? One training for each part left out or put in.

Judged is a set of pairs: each fake against the real video of the same footage. Every variant trains on the real videos of all
other people, with the same steps and seeds; no fake is learnt from. `supervised` is the same network trained the ordinary way on
pairs, for as many steps: by folds, since only pairs of other people may teach it. A score is the mean over the seeds. What is
finished is kept in the output folder, and an interrupted run goes on there.

    python benchmarks/selfblend_ablation.py --index clips.csv --variants all,one_mask,supervised
        [--steps 110] [--seeds 2] [--weights tf_efficientnet_lite0.safetensors] [--out selfblend_ablation]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_core import Fold, workspace
from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.data.folds import STOP_PARTS, refit_plan
from deepfake_core.data.identities import components
from deepfake_core.data.index import Index, write_index
from deepfake_core.evaluation.metrics import auc
from deepfake_core.evaluation.resampling import Resamples, auc_interval, bootstrap, interval
from deepfake_core.plugins import load_stream
from deepfake_core.runlog import FileLog
from deepfake_core.steps import stream
from deepfake_core.steps.extract import extract_all
from deepfake_core.steps.index import open_index
from deepfake_selfblend.plugin import PAPER, SMALL
from deepfake_selfblend.settings import BlendSettings

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

FOLDS = 3
"""Of ``supervised``."""


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


def lasting(epochs: int) -> str:
    """Overrides that make a training of one frame per clip so many epochs long."""
    epochs = max(2, epochs)
    return f"epochs={epochs},progressive_frames=1,progressive_epochs={epochs},patience={epochs},swa_from={epochs // 2}"


def pseudo(variant: str, index: Index, judged: Collection[str], steps: int, weights: str, seed: int) -> pd.DataFrame:
    """Scores of the judged videos by a variant that has learnt from the real ones of other people."""
    plugin = load_stream("selfblend")
    plan = refit_plan(others(index, judged), seed=seed)
    epochs = round(steps / -(-len(plan.train) * SMALL.passes // SMALL.batch_size))
    settings = plugin.settings("small", ",".join(filter(None, (weights, lasting(epochs), VARIANTS[variant]))))
    clips = extract_all(plugin, index, settings, workspace.store(), workers="auto")
    fold = Fold(None, plan.train, plan.stop, seed)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        model = plugin.train_fold(fold, clips, settings, work, FileLog(Path(folder) / "log"))
        found = plugin.predict_oof(model, {video_id: clips[video_id] for video_id in sorted(judged)}, settings)
    return pd.DataFrame({"video_id": found.video_id, "p": found.p})


def others(index: Index, judged: Collection[str]) -> Index:
    """The real videos that show nobody of the judged ones."""
    shown = {person for video in index.videos if video.video_id in judged for person in video.identities}
    return Index(tuple(v for v in index.videos if v.label == REAL and not shown & {*v.identities}), index.source)


def supervised(index: Index, judged: Collection[str], steps: int, weights: str, seed: int, out: Path) -> pd.DataFrame:
    """Out-of-fold scores of the judged videos by the same network, which learns from those of other people."""
    videos = tuple(video for video in index.videos if video.video_id in judged)
    path = out / "pairs.csv"
    write_index(Index(videos, str(path)), path)
    batch = 2 * SMALL.batch_size
    learnt_from = (1 - 1 / FOLDS) * (1 - 1 / STOP_PARTS) * len(videos)
    same = (
        f"batch_size={batch},lr={SMALL.lr},swa_lr={SMALL.swa_lr},weight_decay={SMALL.weight_decay},monitor=loss,"
        "frozen_epochs=0,backbone_lr_from=1,backbone_lr_to=1"
    )
    given = ",".join(filter(None, (weights, lasting(round(steps / -(-learnt_from // batch))), same)))
    found = stream.run(
        ORDINARY, str(path), preset="small", overrides=given, folds_given=str(FOLDS), seed=seed, refit=False
    )
    return found.oof[["video_id", "p"]]


def scored(variant: str, index: Index, judged: Collection[str], steps: int, weights: str, seed: int, out: Path) -> Path:
    """A table of scores of the judged videos, kept in the output folder."""
    kept = out / f"{variant}_{steps}_{seed}.csv"
    if not kept.exists():
        if variant == SUPERVISED:
            table = supervised(index, judged, steps, weights, seed, out)
        else:
            table = pseudo(variant, index, judged, steps, weights, seed)
        table.to_csv(kept, index=False)
    return kept


def row(scores: pd.DataFrame, pairs: Mapping[str, str]) -> dict[str, str]:
    """AUC among the pairs, and pairs whose fake scores higher, with their 95 % intervals over people."""
    scores = scores.set_index("video_id").loc[[*pairs, *pairs.values()]].dropna(subset="p")
    known = [fake for fake, real in pairs.items() if {fake, real} <= {*scores.index}]
    wins = np.array([scores["p"][fake] > scores["p"][pairs[fake]] for fake in known], float)
    fakes = np.ones(len(known), int)
    draws = Resamples.draw(fakes, scores["group"].loc[known].to_numpy(str))
    low, high = interval(bootstrap(draws, fakes, np.zeros(len(known)), ["recall"], wins)["recall"])
    return {"AUC": ranked(scores), "pairs won": f"{wins.mean():.2f} [{low:.2f}, {high:.2f}]"}


def ranked(scores: pd.DataFrame) -> str:
    """AUC with its interval."""
    label, p = scores["label"].to_numpy(), scores["p"].to_numpy()
    low, high = auc_interval(label, p, scores["group"].to_numpy(str))
    return f"{auc(label, p):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    """Prints the table, a line for each variant as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--variants", default=",".join([*VARIANTS, SUPERVISED]))
    parser.add_argument("--steps", type=int, default=110, help="batches that a training has, about")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--weights", default="", help="file of the backbone's weights; else timm's are downloaded")
    parser.add_argument("--out", type=Path, default=Path("selfblend_ablation"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = [name.strip() for name in asked.variants.split(",")]
    unknown = set(wanted) - {*VARIANTS, SUPERVISED}
    if unknown:
        parser.error(f"no such variant: {', '.join(sorted(unknown))}; there are {', '.join([*VARIANTS, SUPERVISED])}")

    index = open_index(asked.index, workers="auto")
    pairs = pairs_of(index)
    judged = {*pairs, *pairs.values()}
    facts = pd.DataFrame(
        {
            "video_id": [video.video_id for video in index.videos],
            "label": [video.label for video in index.videos],
            "group": components(index.videos).astype(str),
        }
    )
    weights = f"weights={asked.weights}" if asked.weights else ""
    print(f"{len(pairs)} pairs; {len(others(index, judged).videos)} real videos of other people", flush=True)
    rows = {}
    for variant in wanted:
        found = [
            pd.read_csv(scored(variant, index, judged, asked.steps, weights, seed, asked.out))
            for seed in range(asked.seeds)
        ]
        mean = pd.concat(found).groupby("video_id", as_index=False)["p"].mean()
        rows[variant] = row(mean.merge(facts, on="video_id"), pairs)
        each = [row(table.merge(facts, on="video_id"), pairs) for table in found]
        print(variant, rows[variant], *(f"[seed {n}: {one['AUC']}]" for n, one in enumerate(each)), flush=True)
    print("\n" + pd.DataFrame(rows).T.to_string())


if __name__ == "__main__":
    main()

"""Which part of `selfblend` makes it recognise real face swaps? One training for each part left out or put in.

Judged is a set of pairs: each fake against the real video of the same footage. Every variant trains on the real videos of all
other people, with the same steps and seeds; no fake is learnt from. `supervised` is the same network trained the ordinary way on
pairs, for as many steps: by folds, since only pairs of other people may teach it; `supervised_pixels` likewise, on an ordinary
frame network. A score is the mean over the seeds. What is finished is kept in the output folder, and an interrupted run goes
on there.

    python benchmarks/selfblend_ablation.py --index clips.csv --variants all,one_mask,supervised
        [--steps 350] [--seeds 2] [--weights tf_efficientnet_lite0.safetensors] [--out selfblend_ablation]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_core import Clips, Extracted, Fold, FoldModel, RunLog, workspace
from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.data.folds import draw, refit_plan
from deepfake_core.data.folds import plan as fold_plan
from deepfake_core.data.identities import components
from deepfake_core.data.index import Index
from deepfake_core.evaluation.metrics import auc
from deepfake_core.evaluation.resampling import Resamples, auc_interval, bootstrap, interval
from deepfake_core.plugins import load_stream
from deepfake_core.runlog import FileLog
from deepfake_core.steps.extract import extract_all
from deepfake_core.steps.index import open_index
from deepfake_nn.augment import RecipeName
from deepfake_nn.clips import ClipSet
from deepfake_nn.settings import LearningSettings
from deepfake_nn.stream import TorchStream
from deepfake_selfblend.plugin import PAPER, SMALL, SelfBlend
from deepfake_selfblend.settings import BlendSettings, SelfBlendSettings

PUBLISHED = ",".join(
    f"{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
    for name in (*BlendSettings.model_fields, "compression", "augmentation")
    for value in [getattr(PAPER, name)]
)

PIXELS = "residual=0,contrast_stage=0"
"""The whole encoder on the pictures as they are."""

VARIANTS = {
    "all": "",
    "pixels": "residual=0",
    "no_contrast": "contrast_stage=0",
    "no_residual_no_contrast": PIXELS,
    "no_defocus": "defocus=0",
    "no_pristine_real": "pristine_real=0",
    "no_earlier_compression": "base_compression=0",
    "no_later_compression": "compression=0",
    "one_mask": "masks=face,mask_deformation=0",
    "resolution": "resolution=0.5",
    "colour": "colour=1",
    "sharpness": "sharpness=0.5",
    "misalignment": "shift=0.03,zoom=0.05",
    "weak": "strengths=0.25,0.5,0.75,1,1,1",
    "other_frame": "other_frame=0.5",
    "augmented": "augmentation=standard",
    "published_blends": PUBLISHED,
    "published": f"{PUBLISHED},{PIXELS}",
}
"""What differs from the preset: a part left out, or one of the published parts that it leaves out; or all that was published."""

SUPERVISED = {"supervised": "", "supervised_pixels": PIXELS}
"""Trained the ordinary way."""

FOLDS = 3
"""Of what is trained the ordinary way."""


class Ordinary(SelfBlend):
    """The same network, learning from real and fake videos as they are."""

    def clip_set(
        self, videos: Sequence[VideoRecord], clips: Clips, settings: LearningSettings, *, augmentation: RecipeName
    ) -> ClipSet:
        """The clips, each as it is."""
        return TorchStream.clip_set(self, videos, clips, settings, augmentation=augmentation)

    def train_fold(
        self, fold: Fold, clips: Clips, settings: LearningSettings, work_dir: Path, log: RunLog
    ) -> FoldModel:
        """Trains on all videos of the fold."""
        model: FoldModel = TorchStream.train_fold(self, fold, clips, settings, work_dir, log)
        return model


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


def overridden(*parts: str) -> str:
    """Overrides in one."""
    return ",".join(filter(None, parts))


def learnt(
    plugin: SelfBlend, fold: Fold, clips: Mapping[str, Extracted], settings: SelfBlendSettings, judged: Collection[str]
) -> pd.DataFrame:
    """Scores of the judged videos by a model of the fold."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        model = plugin.train_fold(fold, clips, settings, work, FileLog(Path(folder) / "log"))
        found = plugin.predict_oof(model, {video_id: clips[video_id] for video_id in sorted(judged)}, settings)
    return pd.DataFrame({"video_id": found.video_id, "p": found.p})


def pseudo(variant: str, index: Index, judged: Collection[str], steps: int, weights: str, seed: int) -> pd.DataFrame:
    """Scores of the judged videos by a variant that has learnt from the real ones of other people."""
    loaded = load_stream("selfblend")
    plan = refit_plan(others(index, judged), seed=seed)
    epochs = round(steps / -(-len(plan.train) * SMALL.passes // SMALL.batch_size))
    settings = loaded.settings("small", overridden(weights, lasting(epochs), VARIANTS[variant]))
    clips = extract_all(loaded, index, settings, workspace.store(), workers="auto")
    return learnt(SelfBlend(), Fold(None, plan.train, plan.stop, seed), clips, settings, judged)


def others(index: Index, judged: Collection[str]) -> Index:
    """The real videos that show nobody of the judged ones."""
    shown = {person for video in index.videos if video.video_id in judged for person in video.identities}
    return Index(tuple(v for v in index.videos if v.label == REAL and not shown & {*v.identities}), index.source)


def supervised(
    variant: str, index: Index, judged: Collection[str], steps: int, weights: str, seed: int
) -> pd.DataFrame:
    """Out-of-fold scores of the judged videos by a network that learns from those of other people."""
    loaded = load_stream("selfblend")
    pairs = Index(tuple(video for video in index.videos if video.video_id in judged), index.source)
    folds = draw(pairs, count=FOLDS, seed=seed)
    clips = extract_all(loaded, pairs, loaded.settings("small", weights), workspace.store(), workers="auto")
    batch = 2 * SMALL.batch_size
    tables = []
    for k in range(FOLDS):
        plan = fold_plan(pairs, folds, k, seed=seed)
        epochs = round(steps / -(-len(plan.train) // batch))
        given = overridden(weights, lasting(epochs), f"batch_size={batch}", SUPERVISED[variant])
        settings = loaded.settings("small", given)
        fold = Fold(k, plan.train, plan.stop, seed + k)
        tables.append(learnt(Ordinary(), fold, clips, settings, [video.video_id for video in plan.held_out]))
    return pd.concat(tables)


def scored(variant: str, index: Index, judged: Collection[str], steps: int, weights: str, seed: int, out: Path) -> Path:
    """A table of scores of the judged videos, kept in the output folder."""
    kept = out / f"{variant}_{steps}_{seed}.csv"
    if not kept.exists():
        train = supervised if variant in SUPERVISED else pseudo
        table = train(variant, index, judged, steps, weights, seed)
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
    parser.add_argument("--variants", default=",".join([*VARIANTS, *SUPERVISED]))
    parser.add_argument("--steps", type=int, default=350, help="batches that a training has, about")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--weights", default="", help="file of the backbone's weights; else timm's are downloaded")
    parser.add_argument("--out", type=Path, default=Path("selfblend_ablation"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = [name.strip() for name in asked.variants.split(",")]
    unknown = set(wanted) - {*VARIANTS, *SUPERVISED}
    if unknown:
        parser.error(f"no such variant: {', '.join(sorted(unknown))}; there are {', '.join([*VARIANTS, *SUPERVISED])}")

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

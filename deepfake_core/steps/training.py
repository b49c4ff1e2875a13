"""How one fold is trained and scored: as one store entry, so that a finished fold is never trained twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_core.contract import promises
from deepfake_core.contract.errors import NoUsableVideo
from deepfake_core.contract.records import FAKE, REAL, Extracted, Fold, FoldModel, Predictions, VideoRecord
from deepfake_core.contract.settings import Settings, digest
from deepfake_core.data.folds import Plan
from deepfake_core.data.store import Entry, Store
from deepfake_core.plugins import Stream, load_stream
from deepfake_core.runlog import FileLog, Metric

WORK_DIR = "work"
LOG_DIR = "log"
PREDICTIONS = "predictions.npz"


@dataclass(frozen=True)
class FoldJob:
    """Everything that determines a fold's model and its scores.

    Attributes:
        stream: name of the stream.
        plan: who is on which side.
        clips: the usable videos of the plan, by ``video_id``.
        settings: of the stream.
        seed: for everything random in the fold.
        store: where the result is kept.
        reuse: whether a kept result of an equal job may be used.
    """

    stream: str
    plan: Plan
    clips: Mapping[str, Extracted]
    settings: Settings
    seed: int
    store: Store
    reuse: bool

    @property
    def name(self) -> str:
        """``fold 3``, or ``refit``."""
        return "refit" if self.plan.index is None else f"fold {self.plan.index}"


@dataclass(frozen=True)
class TrainedFold:
    """A finished fold: where its model, its reports and its held-out scores are."""

    entry: Entry

    @property
    def model(self) -> FoldModel:
        """The trained model."""
        return FoldModel(self.entry.path / WORK_DIR / self.entry.facts["model"])

    @property
    def log(self) -> Path:
        """What the plugin reported."""
        return self.entry.path / LOG_DIR

    @property
    def predictions(self) -> Predictions:
        """Scores of the held-out videos; empty for the refit."""
        with np.load(self.entry.path / PREDICTIONS, allow_pickle=False) as file:
            return Predictions(
                tuple(str(i) for i in file["video_id"]),
                file["p"],
                file.get("embedding"),
                tuple(json.loads(str(text)) for text in file["facts"]) if "facts" in file else None,
            )


def run_fold(job: FoldJob, listener: Callable[[Metric], None] | None = None) -> TrainedFold:
    """Trains on the fold's train videos and scores its held-out ones; a finished equal job is taken from the store.

    Args:
        job: the fold.
        listener: hears every number that the plugin reports at once.

    Raises:
        NoUsableVideo: the usable train videos are of one class, or none.
        HookFailed: the plugin failed. What it left in its work folder is there when the fold is tried again.
    """
    stream = load_stream(job.stream)
    train, stop = _usable(job, job.plan.train), _usable(job, job.plan.stop)
    labels = {video.label for video in train}
    if labels != {REAL, FAKE}:
        raise NoUsableVideo(
            f"{job.stream}, {job.name}: {len(train)} of {len(job.plan.train)} train videos are usable, "
            f"{sum(video.label == FAKE for video in train)} of them fake; both classes are needed.",
            hint="look at the statuses of the videos in extracted.csv; use fewer folds or add usable videos.",
        )
    fold = Fold(job.plan.index, train, stop, job.seed)
    held_out = {v.video_id: job.clips[v.video_id] for v in job.plan.held_out if v.video_id in job.clips}

    def make(folder: Path) -> Mapping[str, Any]:
        work = folder / WORK_DIR
        work.mkdir(exist_ok=True)
        clips = {video.video_id: job.clips[video.video_id] for video in (*train, *stop)}
        model = stream.train_fold(fold, clips, job.settings, work, FileLog(folder / LOG_DIR, listener))
        _save(_predict(stream, job.name, model, held_out, job.settings), folder / PREDICTIONS)
        return {"model": model.dir.relative_to(work).as_posix()}

    kind = f"fold-{job.stream}"
    key = _key(job, stream, fold, held_out)
    if not job.reuse:
        job.store.forget(kind, key)
    return TrainedFold(job.store.entry(kind, key, make, resume=True))


def _usable(job: FoldJob, videos: tuple[VideoRecord, ...]) -> tuple[VideoRecord, ...]:
    return tuple(video for video in videos if video.video_id in job.clips)


def _predict(
    stream: Stream, name: str, model: FoldModel, clips: Mapping[str, Extracted], settings: Settings
) -> Predictions:
    if not clips:
        size = stream.info.embedding_size
        return Predictions((), np.zeros(0), np.zeros((0, size), dtype=np.float32) if size else None)
    predictions = stream.predict_oof(model, clips, settings)
    promises.check_speaks(stream.name, name, predictions)
    return predictions


def _key(job: FoldJob, stream: Stream, fold: Fold, held_out: Mapping[str, Extracted]) -> dict[str, Any]:
    def content(video: VideoRecord) -> list[Any]:
        path = job.clips[video.video_id].path
        return [video.video_id, video.label, list(video.identities), path.name if path else None]

    return {
        "stream": stream.name,
        "plugin": stream.listing.plugin_id,
        "code": stream.info.code_version,
        "settings": job.settings.model_dump(mode="json"),
        "fold": fold.index,
        "seed": fold.seed,
        "train": digest([content(video) for video in fold.train]),
        "stop": digest([content(video) for video in fold.stop]),
        "held_out": digest([[i, clip.path.name if clip.path else None] for i, clip in held_out.items()]),
    }


def _save(predictions: Predictions, path: Path) -> None:
    arrays = {"video_id": np.array(predictions.video_id, dtype=str), "p": predictions.p}
    if predictions.embedding is not None:
        arrays["embedding"] = predictions.embedding
    if predictions.facts is not None:
        arrays["facts"] = np.array([json.dumps(dict(facts)) for facts in predictions.facts], dtype=str)
    np.savez(path, allow_pickle=False, **arrays)

"""What does a stream do from its first hook to its last? Functions that are called in a process of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepfake_core.contract.records import Extracted, Fold, FoldModel, Predictions, VideoRecord
from deepfake_core.data.store import Store
from deepfake_core.plugins import load_stream
from deepfake_core.runlog import FileLog, Metric

SCORES, LOG = "scores.npy", "log"
KILLED = 9
MOST_REPORTS = 20
"""A training that numbers no steps is killed after so many reports."""


@dataclass(frozen=True)
class Life:
    """What came of it.

    Attributes:
        extracted: a video under another name, in another folder, extracted into a store of its own.
        model: trained on the fold.
        predictions: of all clips.
        renamed: of ``extracted``.
        panels: how many figures of the first clip there are, and how many of them pyplot holds on to.
    """

    extracted: Extracted
    model: FoldModel
    predictions: Predictions
    renamed: Predictions | None
    panels: tuple[int, int]


def whole_life(
    name: str, preset: str, overrides: str, fold: Fold, clips: Mapping[str, Extracted], video: VideoRecord, folder: Path
) -> Life:
    """Calls every hook once."""
    stream = load_stream(name)
    settings = stream.settings(preset, overrides)
    other = folder / "other" / f"a{video.path.suffix}"
    other.parent.mkdir()
    shutil.copyfile(video.path, other)
    extracted = stream.extract(replace(video, path=other), settings, Store(folder / "store"))
    model = stream.train_fold(fold, _seen(fold, clips), settings, _made(folder / "work"), FileLog(folder / "log"))
    predictions = stream.predict_oof(model, clips, settings)
    renamed = None
    if extracted.path is not None:
        renamed = stream.predict_oof(model, {extracted.video_id: extracted}, settings)
    panels = stream.illustrate(model, next(iter(clips.values())), settings)
    kept = sum(getattr(panel.figure.canvas, "manager", None) is not None for panel in panels)
    return Life(extracted, model, predictions, renamed, (len(panels), kept))


def scores_and_is_killed(
    name: str,
    preset: str,
    overrides: str,
    fold: Fold,
    clips: Mapping[str, Extracted],
    model: FoldModel,
    folder: Path,
) -> None:
    """Scores the first clip with a model of another process, then trains, and dies once that has reported a second step.

    It dies as a process does that is killed. The scores are in ``SCORES``, and the training in ``model``, of ``folder``.
    """
    stream = load_stream(name)
    settings = stream.settings(preset, overrides)
    found = stream.predict_oof(model, dict([next(iter(clips.items()))]), settings)
    embedding = np.zeros(0) if found.embedding is None else found.embedding[0]
    np.save(folder / SCORES, np.concatenate([found.p, embedding]), allow_pickle=False)
    reported: list[Metric] = []

    def listener(metric: Metric) -> None:
        reported.append(metric)
        if metric.step >= 1 or len({(one.name, one.step) for one in reported}) > MOST_REPORTS:
            os._exit(KILLED)

    stream.train_fold(fold, _seen(fold, clips), settings, folder / "model", FileLog(folder / LOG, listener))


def _seen(fold: Fold, clips: Mapping[str, Extracted]) -> dict[str, Extracted]:
    videos: Sequence[VideoRecord] = (*fold.train, *fold.stop)
    return {video.video_id: clips[video.video_id] for video in videos}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder

"""A stream for tests: a video is a text file with a number; the model is a threshold."""

import json
import os
import time
from pathlib import Path

import numpy as np
from pydantic import Field

from deepfake_core import (
    Extracted,
    FoldModel,
    Panel,
    Predictions,
    Settings,
    StreamInfo,
    VideoNoFace,
    VideoUnreadable,
    hookimpl,
)


class ToySettings(Settings):
    """Settings of the toy."""

    width: float = Field(0.2, gt=0, description="width of the slope")
    fail_in_fold: int = Field(-1, description="fold whose training raises")
    die_in_fold: int = Field(-1, description="fold whose training kills the process")


@hookimpl
def stream_info():
    return StreamInfo(
        name="toy",
        settings=ToySettings,
        presets={"paper": ToySettings(), "demo": ToySettings()},
        summary="reads a number",
        embedding_size=2,
        export_name="toy_predictions.csv",
        export_column="P_toy",
        export_fold=True,
        parallel_folds=True,
    )


@hookimpl
def extract(video, store):
    def make(folder):
        text = video.path.read_text()
        if text == "slow":
            time.sleep(60)
        if text == "no face":
            raise VideoNoFace("0 of 10 frames")
        try:
            number = float(text.split()[0])
        except ValueError:
            raise VideoUnreadable("no number") from None
        (folder / "number.json").write_text(json.dumps(number))
        return {"number": number}

    entry = store.video_entry(video, extractor="toy", version=1, settings=Settings(), make=make)
    return Extracted(video.video_id, entry.path, quality=entry.facts)


@hookimpl
def train_fold(fold, clips, settings, work_dir, log):
    if fold.index == settings.fail_in_fold:
        raise RuntimeError("planned failure")
    if fold.index == settings.die_in_fold:
        os._exit(9)
    numbers = {video.video_id: _number(clips[video.video_id]) for video in fold.train}
    means = [np.mean([numbers[v.video_id] for v in fold.train if v.label == label]) for label in (0, 1)]
    for step, mean in enumerate(means):
        log.metric("mean", mean, step)
    folder = work_dir / "model"
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(json.dumps({"threshold": float(np.mean(means))}))
    log.artifact(folder / "model.json")
    return FoldModel(folder)


@hookimpl
def predict_oof(model, clips, settings):
    threshold = json.loads((model.dir / "model.json").read_text())["threshold"]
    x = np.array([_number(clip) for clip in clips.values()])
    p = 1 / (1 + np.exp(-(x - threshold) / settings.width))
    return Predictions(tuple(clips), p, np.stack([x, x - threshold], axis=1).astype(np.float32))


@hookimpl
def illustrate(clip):
    from matplotlib.figure import Figure

    figure = Figure((2, 1))
    figure.subplots().barh(["number"], [_number(clip)])
    return [Panel("Its number", f"The number in the file is {_number(clip)}.", figure)]


def _number(clip):
    return json.loads((Path(clip.path) / "number.json").read_text())

"""A stream as it is written for version 1 of the hook contract. Never edited: what runs here must go on running."""

import json

import numpy as np
from matplotlib.figure import Figure
from pydantic import Field

from deepfake_core import (
    Extracted,
    FoldModel,
    Panel,
    Predictions,
    Settings,
    StreamInfo,
    VideoTooShort,
    hookimpl,
    inner_folds,
)


class InputSettings(Settings):
    least: int = Field(1, ge=0, description="fewest bytes of a file that can be used")


class FrozenSettings(InputSettings):
    width: float = Field(0.2, gt=0, description="width of the slope")


@hookimpl
def stream_info():
    return StreamInfo(
        name="frozen_stream",
        settings=FrozenSettings,
        presets={"paper": FrozenSettings(), "demo": FrozenSettings(width=0.3)},
        summary="reads a number",
        embedding_size=1,
        export_name="frozen_predictions.csv",
        export_column="P_frozen",
        export_fold=True,
        code_version=1,
        parallel_folds=True,
        api_version=1,
    )


@hookimpl
def extract(video, settings, store):
    part = settings.part(InputSettings)

    def make(folder):
        text = video.path.read_text()
        if len(text) < part.least:
            raise VideoTooShort(f"{len(text)} bytes of {part.least}")
        (folder / "number.json").write_text(json.dumps(float(text)))
        return {"bytes": len(text)}

    entry = store.video_entry(video, extractor="frozen_stream", version=1, settings=part, make=make)
    return Extracted(video.video_id, entry.path, quality=entry.facts)


@hookimpl
def train_fold(fold, clips, work_dir, log):
    labels = np.array([video.label for video in fold.train])
    numbers = np.array([_number(clips[video.video_id]) for video in fold.train])
    cuts = [
        (numbers[train][labels[train] == 0].mean() + numbers[train][labels[train] == 1].mean()) / 2
        for train, _ in inner_folds(fold.train, count=2, seed=fold.seed)
    ]
    log.metric("cut", float(np.mean(cuts)), step=1)
    folder = work_dir / "model"
    folder.mkdir(exist_ok=True)
    (folder / "cut.json").write_text(json.dumps(float(np.mean(cuts))))
    log.artifact(folder / "cut.json")
    log.figure("cuts", _bars(cuts))
    return FoldModel(folder)


@hookimpl
def predict_oof(model, clips, settings):
    cut = json.loads((model.dir / "cut.json").read_text())
    numbers = np.array([_number(clip) for clip in clips.values()])
    p = 1 / (1 + np.exp(-(numbers - cut) / settings.width))
    embedding = numbers[:, None].astype(np.float32)
    return Predictions(tuple(clips), p, embedding, facts=tuple({"number": float(n)} for n in numbers))


@hookimpl
def illustrate(model, clip, settings):
    return [Panel("Its number", "The number in the file.", _bars([_number(clip)]))]


def _number(clip):
    return json.loads((clip.path / "number.json").read_text())


def _bars(values):
    figure = Figure((2, 1))
    figure.subplots().bar(range(len(values)), values)
    return figure

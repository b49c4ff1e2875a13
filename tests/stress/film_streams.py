"""Two streams for tests that look at real frames: one at how bright they are, one at how sharp."""

GLOW = """
import json

import numpy as np
from pathlib import Path
from deepfake_core import Extracted, FoldModel, Predictions, Settings, StreamInfo, hookimpl
from deepfake_core.data.video import frames

NAME = "glow"


def measured(rgb):
    return float(rgb.mean())


@hookimpl
def stream_info():
    return StreamInfo(name=NAME, settings=Settings, presets={"paper": Settings(), "demo": Settings()})


@hookimpl
def extract(video, store):
    def make(folder):
        number = float(np.mean([measured(frame.rgb) for frame in frames(video.path)]))
        (folder / "number.json").write_text(json.dumps(number))
        return {"number": number}

    entry = store.video_entry(video, extractor=NAME, version=1, settings=Settings(), make=make)
    return Extracted(video.video_id, entry.path, quality=entry.facts)


@hookimpl
def train_fold(fold, clips, settings, work_dir, log):
    numbers = [[_number(clips[v.video_id]) for v in fold.train if v.label == label] for label in (0, 1)]
    model = {"middle": float(np.mean(numbers[0]) + np.mean(numbers[1])) / 2, "width": float(np.std(sum(numbers, [])))}
    folder = work_dir / "model"
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(json.dumps(model))
    return FoldModel(folder)


@hookimpl
def predict_oof(model, clips, settings):
    found = json.loads((model.dir / "model.json").read_text())
    x = np.array([_number(clip) for clip in clips.values()])
    return Predictions(tuple(clips), 1 / (1 + np.exp(-2 * (x - found["middle"]) / found["width"])))


def _number(clip):
    return json.loads((Path(clip.path) / "number.json").read_text())
"""

GRAIN = GLOW.replace('NAME = "glow"', 'NAME = "grain"').replace(
    "return float(rgb.mean())", "return float(np.abs(np.diff(rgb.astype(float), axis=1)).mean())"
)

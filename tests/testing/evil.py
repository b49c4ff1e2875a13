"""Plugins that break promises, one each: a module that stands in a site directory, with one entry point per class.

``STREAMS``, ``FUSERS`` and ``DATASETS`` say by which check each is caught, and what the run-time error says; None where at run time
nothing can tell.
"""

import json
import os
import pickle
import sys
from pathlib import Path

import numpy as np
from pydantic import Field

from deepfake_core import (
    DatasetInfo,
    Extracted,
    FoldModel,
    FusedModel,
    FuserInfo,
    Panel,
    Predictions,
    Settings,
    StreamInfo,
    VideoRecord,
    VideoUnreadable,
    hookimpl,
)

STREAMS = {
    "raises": ("test_it_loads", "failed in stream_info: RuntimeError: no"),
    "raises_late": ("test_every_video_is_usable", "failed in extract: RuntimeError: no"),
    "exits": ("test_it_trains_on_everything", "failed in train_fold: SystemExit"),
    "shapes": ("test_scores_keep_the_contract", r"p has shape \(\d+, 1\)"),
    "wide": ("test_scores_keep_the_contract", "embedding has shape"),
    "strangers": ("test_scores_keep_the_contract", "missing, unasked or repeated video_id"),
    "nan": ("test_it_has_something_to_say", "abstained on all .* every score is NaN"),
    "outside": ("test_scores_keep_the_contract", r"outside \[0, 1\]"),
    "pickles": ("test_it_trains_on_everything", "files that unpickle: weights.bin"),
    "elsewhere": ("test_it_trains_on_everything", "is not inside"),
    "own_store": ("test_every_video_is_usable", "is not inside the store"),
    "labels": ("test_every_video_is_usable", "failed in extract: TypeError"),
    "held_out": ("test_it_trains_on_everything", "failed in train_fold: KeyError"),
    "no_panels": ("test_figures_are_drawn_without_pyplot", "not a Panel"),
    "litters": ("test_it_writes_where_it_may", None),
    "prints": ("test_it_prints_nothing", None),
    "file_names": ("test_file_name_does_not_reach_extraction", None),
    "remembers": ("test_held_out_labels_do_not_matter", None),
    "keeps_figures": ("test_figures_are_drawn_without_pyplot", None),
    "scribbles": ("test_extracts_stay_as_they_are", None),
    "stumbles": ("test_a_killed_training_goes_on", "failed in train_fold: FileExistsError"),
    "in_memory": ("test_model_loads_in_a_fresh_process", None),
    "heavy": ("test_listing_it_imports_nothing_heavy", None),
}
FUSERS = {
    "f_raises": ("test_it_loads", "failed in fuser_info: RuntimeError: no"),
    "f_shapes": ("test_scores_keep_the_contract", "p has shape"),
    "f_nan": ("test_scores_keep_the_contract", "are NaN or lie outside"),
    "f_outside": ("test_scores_keep_the_contract", "are NaN or lie outside"),
    "f_labels": ("test_scores_keep_the_contract", "failed in predict_fused: KeyError"),
    "f_prints": ("test_it_prints_nothing", None),
    "f_litters": ("test_it_writes_where_it_may", None),
    "f_scribbles": ("test_what_it_was_given_stays_as_it_was", None),
    "f_ranks": ("test_one_row_alone_scores_as_among_others", None),
}
DATASETS = {
    "d_raises": ("test_it_loads", "failed in dataset_info: RuntimeError: no"),
    "d_raises_late": ("test_records_keep_the_contract", "failed in index_dataset: RuntimeError: no"),
    "d_strings": ("test_records_keep_the_contract", "listed str, not VideoRecord"),
    "d_nobody": ("test_records_keep_the_contract", "identities are no tuple of names"),
    "d_twice": ("test_records_keep_the_contract", "comes more than once"),
    "d_unlimited": ("test_limits_cap_a_method", None),
    "d_shuffles": ("test_it_lists_the_same_again", None),
    "d_litters": ("test_the_folder_stays_as_it_is", None),
    "d_prints": ("test_it_prints_nothing", None),
}


class EvilSettings(Settings):
    """One setting."""

    width: float = Field(0.2, gt=0, description="width of the slope")


# ---- streams: a video is a text file with a number, a model a threshold


class Stream:
    """A good one."""

    name = "good"

    @hookimpl
    def stream_info(self):
        presets = {"paper": EvilSettings(), "demo": EvilSettings()}
        return StreamInfo(self.name, EvilSettings, presets, summary="reads a number", embedding_size=2)

    @hookimpl
    def extract(self, video, store):
        def make(folder):
            try:
                number = float(video.path.read_text())
            except ValueError:
                raise VideoUnreadable("no number") from None
            (folder / "number.json").write_text(json.dumps(self.measured(video, number)))
            return {"number": number}

        entry = store.video_entry(video, extractor=self.name, version=1, settings=Settings(), make=make)
        return Extracted(video.video_id, entry.path, quality=entry.facts)

    def measured(self, video, number):
        return number

    @hookimpl
    def train_fold(self, fold, clips, settings, work_dir, log):
        means = [np.mean([self.number(clips[v.video_id]) for v in fold.train if v.label == label]) for label in (0, 1)]
        for step, mean in enumerate(means):
            log.metric("mean", mean, step)
        folder = work_dir / "model"
        folder.mkdir(exist_ok=True)
        (folder / "model.json").write_text(json.dumps(float(np.mean(means))))
        return self.learned(fold, folder)

    def learned(self, fold, folder):
        return FoldModel(folder)

    @hookimpl
    def predict_oof(self, model, clips, settings):
        x = np.array([self.number(clip) for clip in clips.values()]) - self.threshold(model)
        return self.scored(tuple(clips), 1 / (1 + np.exp(-x / settings.width)), np.stack([x, x], 1).astype(np.float32))

    def threshold(self, model):
        return json.loads((model.dir / "model.json").read_text())

    def scored(self, ids, p, embedding):
        return Predictions(ids, p, embedding)

    @hookimpl
    def illustrate(self, clip):
        from matplotlib.figure import Figure

        return [Panel("Nothing", "An empty figure.", Figure((1, 1)))]

    @staticmethod
    def number(clip):
        return json.loads((Path(clip.path) / "number.json").read_text())


class Raises(Stream):
    @hookimpl
    def stream_info(self):
        raise RuntimeError("no")

    @hookimpl
    def extract(self):
        raise RuntimeError("no")

    train_fold = predict_oof = illustrate = extract


class RaisesLate(Stream):
    @hookimpl
    def extract(self):
        raise RuntimeError("no")


class Exits(Stream):
    def learned(self, fold, folder):
        sys.exit(0)


class Shapes(Stream):
    def scored(self, ids, p, embedding):
        return Predictions(ids, p[:, None], embedding)


class Wide(Stream):
    def scored(self, ids, p, embedding):
        return Predictions(ids, p, np.hstack([embedding, embedding]))


class Strangers(Stream):
    def scored(self, ids, p, embedding):
        return Predictions(tuple(f"{i}!" for i in ids), p, embedding)


class Nan(Stream):
    def scored(self, ids, p, embedding):
        return Predictions(ids, p * np.nan, embedding)


class Outside(Stream):
    def scored(self, ids, p, embedding):
        return Predictions(ids, p + 1, embedding)


class Pickles(Stream):
    def learned(self, fold, folder):
        (folder / "weights.bin").write_bytes(pickle.dumps({"a": 1}))
        return FoldModel(folder)


class Elsewhere(Stream):
    def learned(self, fold, folder):
        return FoldModel(folder.parent.parent)


class OwnStore(Stream):
    @hookimpl
    def extract(self, video):
        return Extracted(video.video_id, video.path.parent)


class Labels(Stream):
    @hookimpl
    def extract(self, video, store):
        return Extracted(video.video_id, store.root, quality={"label": video.label + 0})


class HeldOut(Stream):
    def learned(self, fold, folder):
        raise KeyError("a clip of the held-out videos")


class NoPanels(Stream):
    @hookimpl
    def illustrate(self):
        return ["a picture"]


class Litters(Stream):
    def learned(self, fold, folder):
        Path("left_here.txt").write_text("x")
        return FoldModel(folder)


class Prints(Stream):
    def learned(self, fold, folder):
        print("epoch 1")
        return FoldModel(folder)


class FileNames(Stream):
    def measured(self, video, number):
        return number + ("fake" in video.path.name) - ("real" in video.path.name)


class Remembers(Stream):
    known = {}

    @hookimpl
    def train_fold(self, fold, clips, settings, work_dir, log):
        self.known.update({video.video_id: video.label for video in fold.train})
        return Stream.train_fold(self, fold, clips, settings, work_dir, log)

    def scored(self, ids, p, embedding):
        return Predictions(ids, np.array([self.known.get(i, q) for i, q in zip(ids, p, strict=True)], float), embedding)


class KeepsFigures(Stream):
    @hookimpl
    def illustrate(self):
        from matplotlib import pyplot

        return [Panel("Nothing", "An empty figure.", pyplot.figure())]


class Scribbles(Stream):
    @staticmethod
    def number(clip):
        (Path(clip.path) / "seen.txt").write_text(str(os.urandom(2)))
        return Stream.number(clip)


class Stumbles(Stream):
    @hookimpl
    def train_fold(self, fold, clips, settings, work_dir, log):
        (work_dir / "started").mkdir()
        return Stream.train_fold(self, fold, clips, settings, work_dir, log)


class InMemory(Stream):
    models = {}

    def learned(self, fold, folder):
        self.models[str(folder)] = Stream.threshold(self, FoldModel(folder))
        return FoldModel(folder)

    def threshold(self, model):
        return self.models[str(model.dir)]


class Heavy(Stream):
    @hookimpl
    def stream_info(self):
        import sklearn  # noqa: F401

        return Stream.stream_info(self)


# ---- fusers: the mean of the scores


class Fuser:
    """A good one."""

    name = "f_good"

    @hookimpl
    def fuser_info(self):
        return FuserInfo(self.name, EvilSettings, {"paper": EvilSettings()}, summary="the mean")

    @hookimpl
    def fuse(self, oof, work_dir):
        (work_dir / "model.json").write_text("{}")
        return FusedModel(work_dir)

    @hookimpl
    def predict_fused(self, table):
        return self.scored(table, self.scores(table).mean(axis=1).to_numpy())

    def scored(self, table, p):
        return p

    @hookimpl
    def explain(self, table):
        scores = self.scores(table)
        return (scores.sub(0.5).div(scores.notna().sum(axis=1), axis=0)).fillna(0.0)

    @staticmethod
    def scores(table):
        return table[[name for name in table if name.endswith("_p")]]


class FuserRaises(Fuser):
    @hookimpl
    def fuser_info(self):
        raise RuntimeError("no")


class FuserShapes(Fuser):
    def scored(self, table, p):
        return p[:, None]


class FuserNan(Fuser):
    def scored(self, table, p):
        return p * np.nan


class FuserOutside(Fuser):
    def scored(self, table, p):
        return p + 1


class FuserLabels(Fuser):
    def scored(self, table, p):
        return table["label"].to_numpy(float)


class FuserPrints(Fuser):
    def scored(self, table, p):
        print("fused")
        return p


class FuserLitters(Fuser):
    def scored(self, table, p):
        (Path.home() / "fused.txt").write_text("x")
        return p


class FuserScribbles(Fuser):
    def scored(self, table, p):
        table["fused"] = p
        return p


class FuserRanks(Fuser):
    def scored(self, table, p):
        return (np.argsort(np.argsort(p)) + 1) / len(p)


# ---- data sets: <person>_<method>_<number>.mp4


class Dataset:
    """A good one."""

    name = "d_good"

    @hookimpl
    def dataset_info(self):
        return DatasetInfo(self.name, EvilSettings, summary="names tell")

    @hookimpl
    def index_dataset(self, root, limits):
        taken = {}
        for path in self.paths(root.resolve()):
            person, method, _ = path.stem.split("_")
            taken[method] = taken.get(method, 0) + 1
            if taken[method] <= self.most(limits, method):
                yield self.record(path, person, method)

    def paths(self, root):
        return sorted(root.glob("*.mp4"))

    def most(self, limits, method):
        return limits.get(method, 1000)

    def record(self, path, person, method):
        return VideoRecord(path.stem, path, int(method != "real"), self.name, method, (person,))


class DatasetRaises(Dataset):
    @hookimpl
    def dataset_info(self):
        raise RuntimeError("no")


class DatasetRaisesLate(Dataset):
    def record(self, path, person, method):
        raise RuntimeError("no")


class DatasetStrings(Dataset):
    def record(self, path, person, method):
        return str(path)


class DatasetNobody(Dataset):
    def record(self, path, person, method):
        return VideoRecord(path.stem, path, int(method != "real"), self.name, method, ())


class DatasetTwice(Dataset):
    def paths(self, root):
        return [*Dataset.paths(self, root), *Dataset.paths(self, root)]


class DatasetUnlimited(Dataset):
    def most(self, limits, method):
        return 1000


class DatasetShuffles(Dataset):
    def paths(self, root):
        return sorted(Dataset.paths(self, root), key=lambda path: os.urandom(4))


class DatasetLitters(Dataset):
    def paths(self, root):
        (root / "cache.json").write_text("{}")
        return Dataset.paths(self, root)


class DatasetPrints(Dataset):
    def paths(self, root):
        print("looking")
        return Dataset.paths(self, root)


def _made(base, prefix, title, names):
    made = {}
    for name in names:
        cls = globals()[title + "".join(part.capitalize() for part in name.removeprefix(prefix).split("_"))]
        made[name] = cls()
        made[name].name = name
    return made


PLUGINS = {
    "streams": {"good": Stream(), **_made(Stream, "", "", STREAMS)},
    "fusers": {"f_good": Fuser(), **_made(Fuser, "f_", "Fuser", FUSERS)},
    "datasets": {"d_good": Dataset(), **_made(Dataset, "d_", "Dataset", DATASETS)},
}
globals().update({name: plugin for plugins in PLUGINS.values() for name, plugin in plugins.items()})
ENTRY_POINTS = "".join(
    f"[deepfake_core.{group}]\n" + "".join(f"{name} = evil:{name}\n" for name in plugins)
    for group, plugins in PLUGINS.items()
)

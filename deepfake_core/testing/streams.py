"""What every stream must pass.

Inherit, name the stream, and give it labelled videos::

class TestMyStream(StreamConformance):
    name = "my_stream"
    overrides = "epochs=1"

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, tmp_path_factory):
        return make_some_tiny_videos(tmp_path_factory.mktemp("videos"))
"""

from __future__ import annotations

import subprocess
import sys
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepfake_core.contract.records import (
    FAKE,
    REAL,
    STATUS_OK,
    Extracted,
    Fold,
    FoldModel,
    Predictions,
    VideoRecord,
)
from deepfake_core.contract.settings import Settings
from deepfake_core.data.folds import Plan
from deepfake_core.data.store import Store
from deepfake_core.plugins import Stream, load_stream
from deepfake_core.runlog import FileLog
from deepfake_core.steps.training import FoldJob, run_fold

SEED = 7


class StreamConformance:
    """Checks of the stream contract.

    Attributes:
        name: entry-point name of the stream.
        preset: preset the checks run with.
        overrides: settings that make it quick.
    """

    name: str
    preset = "demo"
    overrides = ""

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls) -> Sequence[VideoRecord]:
        """At least six usable videos of at least three people, both classes. To be overridden."""
        raise NotImplementedError("override the fixture `videos`")

    @pytest.fixture(scope="class")
    @classmethod
    def stream(cls) -> Stream:
        """The loaded stream."""
        return load_stream(cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls, stream: Stream) -> Settings:
        """The settings the checks run with."""
        return stream.settings(cls.preset, cls.overrides)

    @pytest.fixture(scope="class")
    @classmethod
    def clips(
        cls, stream: Stream, settings: Settings, conformance_store: Store, videos: Sequence[VideoRecord]
    ) -> Mapping[str, Extracted]:
        """Every video, extracted."""
        return {v.video_id: stream.extract(v, settings, conformance_store) for v in videos}

    @pytest.fixture(scope="class")
    @classmethod
    def fold(cls, videos: Sequence[VideoRecord]) -> Fold:
        """Everything but the last real and the last fake video, which are held out."""
        last = {next(v.video_id for v in reversed(videos) if v.label == label) for label in (REAL, FAKE)}
        return Fold(0, tuple(v for v in videos if v.video_id not in last), (), SEED)

    @pytest.fixture(scope="class")
    @classmethod
    def model(
        cls,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        fold: Fold,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> FoldModel:
        """A trained model."""
        return cls._train(stream, settings, clips, fold, tmp_path_factory.mktemp("work"))

    @staticmethod
    def _train(
        stream: Stream, settings: Settings, clips: Mapping[str, Extracted], fold: Fold, folder: Path
    ) -> FoldModel:
        seen = {v.video_id: clips[v.video_id] for v in (*fold.train, *fold.stop)}
        work = folder / "model"
        work.mkdir()
        return stream.train_fold(fold, seen, settings, work, FileLog(folder / "log"))

    def test_info_is_complete(self, stream: Stream) -> None:
        """It has a summary and the presets ``paper`` and ``demo``, all of its settings class."""
        assert stream.info.summary
        assert {"paper", "demo"} <= set(stream.info.presets)
        assert all(type(preset) is stream.info.settings for preset in stream.info.presets.values())

    def test_settings_are_described(self, stream: Stream) -> None:
        """Every setting says what it is."""
        undescribed = [name for name, field in stream.info.settings.model_fields.items() if not field.description]
        assert not undescribed

    def test_every_video_is_usable(self, clips: Mapping[str, Extracted]) -> None:
        """The test videos extract; without that the other checks say nothing."""
        assert {clip.video_id: clip.status for clip in clips.values()} == dict.fromkeys(clips, STATUS_OK)

    def test_extraction_is_kept(
        self,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        conformance_store: Store,
        videos: Sequence[VideoRecord],
    ) -> None:
        """A second extraction returns the kept folder, untouched."""
        path = clips[videos[0].video_id].path
        assert path is not None
        before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}
        again = stream.extract(videos[0], settings, conformance_store)
        assert again == clips[videos[0].video_id]
        assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before

    def test_label_does_not_reach_extraction(
        self,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        conformance_store: Store,
        videos: Sequence[VideoRecord],
    ) -> None:
        """The same file with another label, method and people gives the same clip."""
        other = replace(videos[0], label=1 - (videos[0].label or 0), method="other", identities=("nobody",))
        assert stream.extract(other, settings, conformance_store) == clips[videos[0].video_id]

    def test_unusable_file_becomes_a_status(
        self, stream: Stream, settings: Settings, conformance_store: Store, not_a_video: Path
    ) -> None:
        """A file that is no video raises a ``VideoError``, which becomes the row's status."""
        found = stream.extract(VideoRecord("broken", not_a_video), settings, conformance_store)
        assert found.status == "decode_error"
        assert found.path is None

    def test_missing_file_becomes_a_status(
        self, stream: Stream, settings: Settings, conformance_store: Store, tmp_path: Path
    ) -> None:
        """So does a file that isn't there."""
        found = stream.extract(VideoRecord("gone", tmp_path / "gone.mp4"), settings, conformance_store)
        assert found.status == "missing"

    def test_one_clip_alone_scores_as_among_others(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], model: FoldModel
    ) -> None:
        """Scores don't depend on what else is scored in the same call."""
        together = _by_id(stream.predict_oof(model, clips, settings))
        for video_id, clip in clips.items():
            alone = _by_id(stream.predict_oof(model, {video_id: clip}, settings))
            _assert_same(alone[video_id], together[video_id])

    def test_order_of_clips_does_not_matter(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], model: FoldModel
    ) -> None:
        """Nor on their order."""
        forth = _by_id(stream.predict_oof(model, clips, settings))
        back = _by_id(stream.predict_oof(model, dict(reversed(list(clips.items()))), settings))
        for video_id in clips:
            _assert_same(forth[video_id], back[video_id])

    def test_same_seed_gives_the_same_model(
        self,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        fold: Fold,
        model: FoldModel,
        tmp_path: Path,
    ) -> None:
        """Training again gives the same files, byte for byte."""
        again = self._train(stream, settings, clips, fold, tmp_path)
        files = {path.relative_to(model.dir): path.read_bytes() for path in model.dir.rglob("*") if path.is_file()}
        assert files == {
            path.relative_to(again.dir): path.read_bytes() for path in again.dir.rglob("*") if path.is_file()
        }

    def test_held_out_labels_do_not_matter(
        self,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        fold: Fold,
        videos: Sequence[VideoRecord],
        model: FoldModel,
        tmp_path: Path,
    ) -> None:
        """With the labels of the held-out videos exchanged, fold and predictions are the same."""
        seen = {video.video_id for video in fold.train}
        held_out = tuple(video for video in videos if video.video_id not in seen)
        exchanged = tuple(replace(video, label=1 - (video.label or 0)) for video in held_out)
        plan = Plan(fold.index, fold.train, fold.stop, exchanged, ())
        job = FoldJob(stream.name, plan, clips, settings, fold.seed, Store(tmp_path), reuse=False)
        without = _by_id(stream.predict_oof(model, {v.video_id: clips[v.video_id] for v in held_out}, settings))
        for video_id, row in _by_id(run_fold(job).predictions).items():
            _assert_same(row, without[video_id])

    def test_model_holds_nothing_that_unpickles(self, model: FoldModel) -> None:
        """No file is a pickle, nor an archive with one inside, whatever its name."""
        unsafe = [path.name for path in model.dir.rglob("*") if path.is_file() and _unpickles(path)]
        assert not unsafe

    def test_every_setting_counts_in_the_digest(self, settings: Settings) -> None:
        """Another value of any setting is another digest, unless the setting says that it doesn't change results."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the other value is of another type
            silent = [
                name
                for name, field in type(settings).model_fields.items()
                if not field.exclude and settings.model_copy(update={name: "another"}).digest == settings.digest
            ]
        assert not silent

    def test_model_loads_in_a_fresh_process(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], model: FoldModel, tmp_path: Path
    ) -> None:
        """A model is its folder and nothing else."""
        video_id, clip = next(iter(clips.items()))
        here = _by_id(stream.predict_oof(model, {video_id: clip}, settings))[video_id]
        script = (
            "import sys, numpy as np\nfrom pathlib import Path\n"
            "from deepfake_core.contract.records import Extracted, FoldModel\n"
            "from deepfake_core.plugins import load_stream\n"
            "name, model, video_id, clip, preset, overrides, out = sys.argv[1:]\n"
            "stream = load_stream(name)\n"
            "found = stream.predict_oof(FoldModel(Path(model)), {video_id: Extracted(video_id, Path(clip))}, "
            "stream.settings(preset, overrides))\n"
            "extra = [] if found.embedding is None else found.embedding[0]\n"
            "np.save(out, np.concatenate([found.p, extra]))\n"
        )
        out = tmp_path / "scores.npy"
        arguments = [self.name, model.dir, video_id, clip.path, self.preset, self.overrides, out]
        subprocess.run([sys.executable, "-c", script, *map(str, arguments)], check=True, timeout=300)
        _assert_same(np.load(out, allow_pickle=False), here)


def _by_id(predictions: Predictions) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    size = len(predictions.video_id)
    embedding = np.zeros((size, 0)) if predictions.embedding is None else predictions.embedding
    rows = np.concatenate([predictions.p[:, None], embedding], axis=1)
    return dict(zip(predictions.video_id, rows, strict=True))


def _unpickles(path: Path) -> bool:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") for name in archive.namelist())
    with path.open("rb") as file:
        return file.read(2) in {b"\x80" + bytes([protocol]) for protocol in range(2, 6)}


def _assert_same(one: object, other: object) -> None:
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=0, atol=1e-6)

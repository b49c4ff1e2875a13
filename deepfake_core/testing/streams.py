"""What every stream must pass.

Inherit, name the stream, and give it labelled videos::

    class TestMyStream(StreamConformance):
        name = "my_stream"
        overrides = "epochs=1"

        @pytest.fixture(scope="class")
        @classmethod
        def videos(cls, tmp_path_factory):
            return make_some_tiny_videos(tmp_path_factory.mktemp("videos"))

Without that fixture, the checks are made on a few clips of the demo data set, or of the index CSV that ``index`` names.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from deepfake_core.contract.promises import unpickling
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
from deepfake_core.data.store import Store
from deepfake_core.plugins import Dataset, Fuser, Stream, load_stream
from deepfake_core.runlog import FileLog
from deepfake_core.testing import alone as process
from deepfake_core.testing.alone import Died, Lived
from deepfake_core.testing.life import LOG, SCORES, Life, scores_and_is_killed, whole_life
from deepfake_core.testing.plugin import PluginConformance
from deepfake_core.testing.videos import DEMO, examples

SEED = 7


class StreamConformance(PluginConformance):
    """Checks of the stream contract.

    Attributes:
        name: entry-point name of the stream.
        preset: preset the checks run with.
        overrides: settings that make it quick.
        index: whose videos the checks are made on, unless the fixture ``videos`` is overridden.
    """

    kind = "stream"
    preset: ClassVar[str] = "demo"
    index: ClassVar[str] = DEMO

    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls) -> Sequence[VideoRecord]:
        """At least six usable videos of at least three people, both classes. To be overridden."""
        return examples(cls.index)

    @pytest.fixture(scope="class")
    @classmethod
    def stream(cls) -> Stream:
        """The loaded stream."""
        return load_stream(cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls, plugin: Stream | Fuser | Dataset) -> Settings:
        """The settings the checks run with."""
        assert isinstance(plugin, Stream)
        return plugin.settings(cls.preset, cls.overrides)

    @pytest.fixture(scope="class")
    @classmethod
    def clips(
        cls, stream: Stream, settings: Settings, conformance_store: Store, videos: Sequence[VideoRecord]
    ) -> Mapping[str, Extracted]:
        """Every video, extracted."""
        return {v.video_id: stream.extract(v, settings, conformance_store) for v in videos}

    @pytest.fixture(scope="class")
    @classmethod
    def before(cls, clips: Mapping[str, Extracted]) -> Mapping[str, object]:
        """The extracted files as they were when nothing had been learned from them."""
        return _state(clips)

    @pytest.fixture(scope="class")
    @classmethod
    def fold(cls, videos: Sequence[VideoRecord]) -> Fold:
        """Everything but the last real and the last fake video, which are held out."""
        last = {next(v.video_id for v in reversed(videos) if v.label == label) for label in (REAL, FAKE)}
        return Fold(0, tuple(v for v in videos if v.video_id not in last), (), SEED)

    @pytest.fixture(scope="class")
    @classmethod
    def refit(
        cls,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        before: Mapping[str, object],
        videos: Sequence[VideoRecord],
        tmp_path_factory: pytest.TempPathFactory,
    ) -> FoldModel:
        """A model of all videos, with another seed; trained here before the fold's."""
        everything = Fold(None, tuple(videos), (), SEED + 1)
        return cls._train(stream, settings, clips, everything, tmp_path_factory.mktemp("refit"))

    @pytest.fixture(scope="class")
    @classmethod
    def model(
        cls,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        fold: Fold,
        refit: FoldModel,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> FoldModel:
        """A trained model."""
        return cls._train(stream, settings, clips, fold, tmp_path_factory.mktemp("work"))

    @pytest.fixture(scope="class")
    @classmethod
    def alone(
        cls,
        clips: Mapping[str, Extracted],
        before: Mapping[str, object],
        fold: Fold,
        videos: Sequence[VideoRecord],
        conformance_store: Store,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Lived:
        """All hooks, called in a process that has seen no label but those of the fold."""
        folder = tmp_path_factory.mktemp("alone")
        arguments = (cls.name, cls.preset, cls.overrides, fold, dict(clips), videos[0], folder)
        return process.call(whole_life, *arguments, folder=folder, allowed=[conformance_store.root])

    @pytest.fixture(scope="class")
    @classmethod
    def ended(
        cls,
        clips: Mapping[str, Extracted],
        fold: Fold,
        model: FoldModel,
        conformance_store: Store,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Path:
        """What a process left that scored a clip with the moved model, and was killed while it trained."""
        folder = tmp_path_factory.mktemp("ended")
        moved = FoldModel(Path(shutil.copytree(model.dir, folder / "moved")))
        (folder / "model").mkdir()
        arguments = (cls.name, cls.preset, cls.overrides, fold, dict(clips), moved, folder)
        # A training that reports nothing isn't killed: it finishes, and is called again all the same.
        with contextlib.suppress(Died):
            process.call(scores_and_is_killed, *arguments, folder=folder, allowed=[conformance_store.root])
        return folder

    @pytest.fixture(scope="class")
    @classmethod
    def life(cls, alone: Lived) -> Life:
        """What came of that."""
        assert isinstance(alone.value, Life)
        return alone.value

    @staticmethod
    def _train(
        stream: Stream, settings: Settings, clips: Mapping[str, Extracted], fold: Fold, folder: Path
    ) -> FoldModel:
        seen = {v.video_id: clips[v.video_id] for v in (*fold.train, *fold.stop)}
        work = folder / "model"
        work.mkdir(exist_ok=True)
        return stream.train_fold(fold, seen, settings, work, FileLog(folder / "log"))

    def test_presets_are_those_that_users_know(self, stream: Stream) -> None:
        """``paper`` for published values, ``demo`` for minutes on a laptop; all of its settings class."""
        assert {"paper", "demo"} <= set(stream.info.presets)
        assert all(type(preset) is stream.info.settings for preset in stream.info.presets.values())

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
        clip = clips[videos[0].video_id]
        before = _state({clip.video_id: clip})
        assert stream.extract(videos[0], settings, conformance_store) == clip
        assert _state({clip.video_id: clip}) == before

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

    def test_file_name_does_not_reach_extraction(self, clips: Mapping[str, Extracted], life: Life) -> None:
        """A copy under another name, in another folder, gives the same clip: names often tell the label."""
        assert life.renamed is not None
        video_id = life.extracted.video_id
        assert life.extracted.quality == clips[video_id].quality
        _assert_same(_by_id(life.renamed)[video_id], _by_id(life.predictions)[video_id])

    def test_pseudo_fakes_are_other_clips_and_always_the_same(
        self,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        conformance_store: Store,
        videos: Sequence[VideoRecord],
        tmp_path: Path,
    ) -> None:
        """A stream that learns from real videos alone makes a pseudo-fake of one: another clip, and the same if made again."""
        if not stream.info.real_only:
            pytest.skip("it learns from real and fake videos")
        real = next(video for video in videos if video.label == REAL)
        asked = replace(real, pseudo=True)
        made = stream.extract(asked, settings, conformance_store)
        again = stream.extract(asked, settings, Store(tmp_path))
        assert made.path is not None
        assert again.path is not None
        assert made.path != clips[real.video_id].path
        assert _content(made.path) == _content(again.path)

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

    def test_it_trains_on_everything(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], refit: FoldModel
    ) -> None:
        """As the refit does: no fold number, nothing to stop on."""
        assert len(stream.predict_oof(refit, clips, settings).p) == len(clips)

    def test_scores_keep_the_contract(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], model: FoldModel
    ) -> None:
        """Each clip asked for has a score in [0, 1] or NaN, and an embedding of the announced width, finite with its score."""
        found = stream.predict_oof(model, clips, settings)
        if found.embedding is not None:
            assert found.embedding.dtype == np.float32
            assert np.isfinite(found.embedding[~np.isnan(found.p)]).all()

    def test_it_has_something_to_say(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], model: FoldModel
    ) -> None:
        """It doesn't abstain on every video."""
        assert not np.isnan(stream.predict_oof(model, clips, settings).p).all()

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

    def test_same_seed_gives_the_same_model(self, model: FoldModel, life: Life) -> None:
        """In another process, too, and whatever was trained before: the same files, byte for byte."""
        assert _content(model.dir) == _content(life.model.dir)

    def test_held_out_labels_do_not_matter(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], model: FoldModel, life: Life
    ) -> None:
        """A process that has never seen them scores as this one does, in which a model has learned from all videos."""
        here, there = _by_id(stream.predict_oof(model, clips, settings)), _by_id(life.predictions)
        for video_id in clips:
            _assert_same(here[video_id], there[video_id])

    def test_a_killed_training_goes_on(
        self,
        stream: Stream,
        settings: Settings,
        clips: Mapping[str, Extracted],
        fold: Fold,
        model: FoldModel,
        ended: Path,
    ) -> None:
        """What a killed call left in ``work_dir`` is resumed or overwritten: the model is the same."""
        assert (ended / LOG).is_dir(), "it didn't come to the training"
        assert _content(self._train(stream, settings, clips, fold, ended).dir) == _content(model.dir)

    def test_model_holds_nothing_that_unpickles(self, model: FoldModel) -> None:
        """No file is a pickle, nor an archive with one inside, whatever its name."""
        assert unpickling(model.dir) == []

    def test_model_loads_in_a_fresh_process(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], model: FoldModel, ended: Path
    ) -> None:
        """A model is its folder and nothing else, wherever that stands."""
        video_id, clip = next(iter(clips.items()))
        here = _by_id(stream.predict_oof(model, {video_id: clip}, settings))[video_id]
        assert (ended / SCORES).is_file(), "it couldn't be loaded"
        _assert_same(np.load(ended / SCORES, allow_pickle=False), here)

    def test_extracts_stay_as_they_are(
        self, clips: Mapping[str, Extracted], before: Mapping[str, object], model: FoldModel, life: Life
    ) -> None:
        """Training and scoring read them only: other streams may share them."""
        assert _state(clips) == before

    def test_figures_are_drawn_without_pyplot(
        self, stream: Stream, settings: Settings, clips: Mapping[str, Extracted], model: FoldModel, life: Life
    ) -> None:
        """Panels can be saved; pyplot would keep each figure for good."""
        panels = stream.illustrate(model, next(iter(clips.values())), settings)
        if not panels:
            pytest.skip("it draws nothing, as it may")
        for panel in panels:
            panel.figure.savefig(io.BytesIO(), format="png")
        assert life.panels == (len(panels), 0)


def _by_id(predictions: Predictions) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    size = len(predictions.video_id)
    embedding = np.zeros((size, 0)) if predictions.embedding is None else predictions.embedding
    rows = np.concatenate([predictions.p[:, None], embedding], axis=1)
    return dict(zip(predictions.video_id, rows, strict=True))


def _state(clips: Mapping[str, Extracted]) -> dict[str, object]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_size)
        for clip in clips.values()
        if clip.path is not None
        for path in clip.path.rglob("*")
    }


def _content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _assert_same(one: object, other: object) -> None:
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=0, atol=1e-6)

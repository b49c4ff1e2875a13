"""What every fuser must pass.

Inherit, and name the fuser::

    class TestMyFuser(FuserConformance):
        name = "my_fuser"
        overrides = "trees=10"
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from deepfake_core.contract import tables
from deepfake_core.contract.promises import unpickling
from deepfake_core.contract.records import FusedModel
from deepfake_core.contract.settings import Settings
from deepfake_core.plugins import Fuser, load_fuser
from deepfake_core.testing import alone as process
from deepfake_core.testing.alone import Lived
from deepfake_core.testing.plugin import PluginConformance

SEED = 7
STREAMS = ("one", "two", "three")
EMBEDDING = 4


def joined_table(videos: int = 60, seed: int = 0) -> pd.DataFrame:
    """A joined out-of-fold table: three streams of different worth, the last of which abstains on every seventh video."""
    random = np.random.default_rng(seed)
    label = np.arange(videos) % 2
    table = pd.DataFrame(
        {
            "video_id": [f"d__m__{n:03d}" for n in range(videos)],
            "label": label,
            "dataset": "d",
            "method": np.where(label == 1, "swap", "real"),
            "identity": [f"p{n // 4}" for n in range(videos)],
            "group": [f"p{n // 4}" for n in range(videos)],
            "fold": np.arange(videos) // 4 % 5,
        }
    )
    for place, stream in enumerate(STREAMS):
        strength = (2.0, 1.0, 0.3)[place]
        logit = strength * (2 * label - 1) + random.normal(0, 1, videos)
        table[tables.score_column(stream)] = 1 / (1 + np.exp(-logit))
        features = random.normal(0, 1, (videos, EMBEDDING)) + strength * label[:, None]
        table[tables.feature_columns(stream, EMBEDDING)] = features
    table.loc[table.index % 7 == 3, [tables.score_column("three"), *tables.feature_columns("three", EMBEDDING)]] = (
        np.nan
    )
    return table


class FuserConformance(PluginConformance):
    """Checks of the fuser contract, on a table that is made up.

    Attributes:
        name: entry-point name of the fuser.
        overrides: settings that make it quick.
    """

    kind = "fuser"

    @pytest.fixture
    def fuser(self) -> Fuser:
        """The fuser."""
        return load_fuser(self.name)

    @pytest.fixture
    def oof(self, fuser: Fuser) -> pd.DataFrame:
        """What it may learn from."""
        return _seen(joined_table(), fuser)

    @pytest.fixture
    def new(self, fuser: Fuser) -> pd.DataFrame:
        """Rows that it has never seen, as it gets them: without anything that tells a label."""
        return _unlabelled(_seen(joined_table(seed=1), fuser))

    @pytest.fixture
    def model(self, fuser: Fuser, settings: Settings, oof: pd.DataFrame, tmp_path: Path) -> FusedModel:
        """Learned from ``oof``."""
        return _learn(fuser, settings, oof, tmp_path / "model")

    @pytest.fixture(scope="class")
    @classmethod
    def alone(cls, tmp_path_factory: pytest.TempPathFactory) -> Lived:
        """All hooks, called in a process of its own."""
        folder = tmp_path_factory.mktemp("alone")
        return process.call(whole_life, cls.name, cls.overrides, folder, folder=folder)

    @pytest.fixture(scope="class")
    @classmethod
    def life(cls, alone: Lived) -> FusedLife:
        """What came of that."""
        assert isinstance(alone.value, FusedLife)
        return alone.value

    def test_it_has_a_preset(self, fuser: Fuser) -> None:
        """The first is the default; all are of its settings class."""
        assert fuser.info.presets
        assert all(type(preset) is fuser.info.settings for preset in fuser.info.presets.values())

    def test_scores_keep_the_contract(
        self, fuser: Fuser, settings: Settings, model: FusedModel, new: pd.DataFrame
    ) -> None:
        """Each row has a score in [0, 1], never NaN."""
        assert len(fuser.predict(model, new, settings)) == len(new)

    def test_learns_something(self, fuser: Fuser, settings: Settings, model: FusedModel, new: pd.DataFrame) -> None:
        """On streams that know a lot, the fusion does; a constant or a flipped score isn't one."""
        from sklearn.metrics import roc_auc_score

        assert roc_auc_score(joined_table(seed=1)["label"], fuser.predict(model, new, settings)) > 0.8

    def test_one_row_alone_scores_as_among_others(
        self, fuser: Fuser, settings: Settings, model: FusedModel, new: pd.DataFrame
    ) -> None:
        """A single video can be scored, in any order."""
        together = fuser.predict(model, new, settings)
        alone = [fuser.predict(model, new.iloc[[row]].reset_index(drop=True), settings)[0] for row in range(len(new))]
        np.testing.assert_allclose(together, alone, rtol=1e-9)
        backwards = fuser.predict(model, new.iloc[::-1].reset_index(drop=True), settings)
        np.testing.assert_allclose(together[::-1], backwards, rtol=1e-9)

    def test_explanations_add_up_to_the_order_of_scores(
        self, fuser: Fuser, settings: Settings, model: FusedModel, new: pd.DataFrame
    ) -> None:
        """Also of videos that a stream abstained on; the contract's check of rows, columns and numbers applies."""
        from scipy.stats import spearmanr

        total = fuser.explain(model, new, settings).sum(axis=1)
        assert spearmanr(total.round(5), fuser.predict(model, new, settings).round(7)).statistic > 0.999

    def test_one_row_alone_is_explained_as_among_others(
        self, fuser: Fuser, settings: Settings, model: FusedModel, new: pd.DataFrame
    ) -> None:
        """A verdict on a single video can say what it rests on."""
        together = fuser.explain(model, new, settings)
        alone = pd.concat([fuser.explain(model, new.loc[[row]], settings) for row in new.index])
        pd.testing.assert_frame_equal(together, alone, rtol=1e-6, atol=1e-9)

    def test_what_only_one_stream_scored_is_scored(
        self, fuser: Fuser, settings: Settings, model: FusedModel, new: pd.DataFrame
    ) -> None:
        """The others abstained; the contract's check of scores in [0, 1] applies."""
        for stream in STREAMS:
            others = [name for name in new if name != "video_id" and not str(name).startswith(f"{stream}_")]
            rows = new[new[tables.score_column(stream)].notna()].reset_index(drop=True)
            rows[others] = np.nan
            assert len(fuser.predict(model, rows, settings)) == len(rows)
            assert len(fuser.explain(model, rows, settings)) == len(rows)

    def test_constant_scores_are_no_error(
        self, fuser: Fuser, settings: Settings, oof: pd.DataFrame, tmp_path: Path
    ) -> None:
        """A stream that says the same of all videos."""
        oof[tables.score_column("one")] = 0.5
        model = _learn(fuser, settings, oof, tmp_path / "constant")
        assert len(fuser.predict(model, oof, settings)) == len(oof)
        assert len(fuser.explain(model, oof, settings)) == len(oof)

    def test_same_seed_gives_the_same_model(self, model: FusedModel, life: FusedLife) -> None:
        """In another process, too: the same files, byte for byte."""
        assert _content(model.dir) == _content(life.model.dir)

    def test_another_seed_is_no_error(
        self, fuser: Fuser, settings: Settings, oof: pd.DataFrame, new: pd.DataFrame, tmp_path: Path
    ) -> None:
        """It may give another model, as good as the first."""
        folder = tmp_path / "other"
        folder.mkdir()
        assert len(fuser.predict(fuser.fuse(oof, settings, folder, SEED + 1), new, settings)) == len(new)

    def test_what_was_left_in_its_folder_does_not_matter(
        self, fuser: Fuser, settings: Settings, oof: pd.DataFrame, model: FusedModel, tmp_path: Path
    ) -> None:
        """Learning again where it learned before gives the same model."""
        again = fuser.fuse(oof, settings, tmp_path / "model", SEED)
        assert _content(again.dir) == _content(model.dir)

    def test_model_holds_nothing_that_unpickles(self, model: FusedModel) -> None:
        """No file is a pickle, nor an archive with one inside, whatever its name."""
        assert unpickling(model.dir) == []

    def test_what_it_was_given_stays_as_it_was(
        self, fuser: Fuser, settings: Settings, model: FusedModel, oof: pd.DataFrame, new: pd.DataFrame, tmp_path: Path
    ) -> None:
        """Tables are read only."""
        before, before_new = oof.copy(), new.copy()
        _learn(fuser, settings, oof, tmp_path / "read_only")
        fuser.predict(model, new, settings)
        fuser.explain(model, new, settings)
        pd.testing.assert_frame_equal(oof, before)
        pd.testing.assert_frame_equal(new, before_new)

    def test_model_loads_in_a_fresh_process(
        self, fuser: Fuser, settings: Settings, model: FusedModel, new: pd.DataFrame, tmp_path: Path
    ) -> None:
        """The folder is all there is of a model, wherever it stands."""
        here = fuser.predict(model, new, settings)
        moved = FusedModel(model.dir.rename(tmp_path / "moved"))
        folder = tmp_path / "fresh"
        folder.mkdir()
        there = process.call(predicted, self.name, self.overrides, moved, new, folder=folder)
        np.testing.assert_array_equal(there.value, here)


@dataclass(frozen=True)
class FusedLife:
    """What came of a fuser's hooks: its model, and the scores of new rows."""

    model: FusedModel
    p: NDArray[np.float64]


def whole_life(name: str, overrides: str, folder: Path) -> FusedLife:
    """Calls every hook once."""
    fuser = load_fuser(name)
    settings = fuser.settings(overrides)
    model = _learn(fuser, settings, _seen(joined_table(), fuser), folder / "work")
    new = _unlabelled(_seen(joined_table(seed=1), fuser))
    fuser.explain(model, new, settings)
    return FusedLife(model, fuser.predict(model, new, settings))


def predicted(name: str, overrides: str, model: FusedModel, table: pd.DataFrame) -> NDArray[np.float64]:
    """Scores of a model that was learned elsewhere."""
    fuser = load_fuser(name)
    return fuser.predict(model, table, fuser.settings(overrides))


def _unlabelled(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=[name for name in tables.JOINED.names if name != "video_id"])


def _seen(table: pd.DataFrame, fuser: Fuser) -> pd.DataFrame:
    """The columns that this fuser gets."""
    features = [name for stream in STREAMS for name in tables.feature_columns(stream, EMBEDDING)]
    return table if fuser.info.needs_embeddings else table.drop(columns=features)


def _learn(fuser: Fuser, settings: Settings, oof: pd.DataFrame, folder: Path) -> FusedModel:
    folder.mkdir()
    return fuser.fuse(oof, settings, folder, SEED)


def _content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

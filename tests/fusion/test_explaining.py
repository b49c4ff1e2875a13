"""Do explanations say what the fits that scored a video made of it, and are wrong ones refused?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pluggy
import pytest
from scipy.special import logit

from deepfake_core.contract.errors import HookFailed
from deepfake_core.contract.hookspecs import PROJECT, FuserHooks, hookimpl
from deepfake_core.contract.records import FusedModel
from deepfake_core.contract.settings import Settings
from deepfake_core.fusion.crossfit import CrossFitted, Rows, crossfit
from deepfake_core.fusion.explaining import Explanation, importance, placed
from deepfake_core.fusion.figures import strongest, swarm
from deepfake_core.plugins import Fuser, Listing
from tests.fusion.conftest import World, candidates


@pytest.fixture
def explained(tmp_path):
    """Explains rows by a fuser, all fits made anew."""

    def explain(name: str, rows: Rows, **options: int) -> tuple[CrossFitted, Explanation]:
        (candidate,) = candidates(name)
        found = crossfit(candidate, rows, tmp_path / name, 0, lambda: None)
        return found, Explanation.held_out(candidate, found, rows, 0, **options)

    return explain


def test_a_video_is_explained_by_the_fit_that_left_it_out(explained):
    rows = World().rows(1.5, 0.5, missing=0.2)
    found, explanation = explained("logistic", rows)
    rest = logit(found.outer) - explanation.added.sum(axis=1)
    intercepts = [rest[rows.fold == k] for k in rows.folds]
    assert all(np.ptp(each) < 1e-9 for each in intercepts)
    assert len({each.iloc[0].round(9) for each in intercepts}) == len(rows.folds)


def test_labels_of_a_fold_don_t_reach_its_explanations(tmp_path):
    rows = World().rows(1.5, 0.5)
    mine = rows.fold == 2
    other = rows.table.copy()
    other.loc[mine, "label"] = 1 - other.loc[mine, "label"]
    (candidate,) = candidates("logistic")
    before, after = (
        Explanation.held_out(candidate, crossfit(candidate, each, tmp_path / name, 0, lambda: None), each, 0).added
        for name, each in (("before", rows), ("after", Rows(other, rows.clear)))
    )
    np.testing.assert_array_equal(after[mine], before[mine])
    assert not np.array_equal(after[~mine], before[~mine])


def test_the_importance_of_a_mean_is_known(explained):
    rows = World(videos=200).rows(1.5, 0.5)
    table = importance(explained("mean", rows)[1], ("s0", "s1")).set_index("stream")
    expected = {name: (rows.table[f"{name}_p"] - 0.5).abs().mean() / 2 for name in ("s0", "s1")}
    for name, value in expected.items():
        assert table.loc[name, "importance"] == pytest.approx(value) == table.loc[name, "score"]
        assert table.loc[name, "low"] < value < table.loc[name, "high"] < 2 * value
        assert table.loc[name, "share"] == pytest.approx(value / sum(expected.values()))
    assert (table["embedding"] == 0).all() and (table["columns"] == 1).all()


def test_score_and_embedding_of_a_stream_count_together():
    rows = World(videos=40).rows(1.0, 1.0)
    flat = np.ones(40)
    added = pd.DataFrame({"s0_p": 3 * flat, "s0_f00": -2 * flat, "s0_f01": flat, "s1_f00": 0.5 * flat})
    table = importance(Explanation("any", rows, added), ("s0", "s1", "s2")).set_index("stream")
    assert list(table["importance"]) == [2, 0.5, 0] and list(table["share"]) == [0.8, 0.2, 0]
    assert list(table["score"]) == [3, 0, 0] and list(table["embedding"]) == [1, 0.5, 0]
    assert list(table["columns"]) == [3, 1, 0]


def test_of_many_videos_some_are_explained_as_among_all(explained):
    rows = World(videos=100).rows(1.0, 0.5)
    (candidate,) = candidates("rank_mean")
    found, everything = explained("rank_mean", rows)
    some = Explanation.held_out(candidate, found, rows, 0, most=30)
    assert len(some.added) == len(some.rows.label) == 30
    places = rows.table["video_id"].isin(some.rows.table["video_id"]).to_numpy()
    np.testing.assert_array_equal(some.added, everything.added[places])


def test_the_strongest_columns_are_drawn_the_strongest_on_top():
    rows = World(videos=40).rows(1.0, 1.0, 1.0)
    sign = np.where(rows.label == 1, 1.0, -1.0)
    explanation = Explanation("any", rows, pd.DataFrame({"s0_p": 0.1 * sign, "s1_p": -sign, "s2_p": 0 * sign}))
    assert explanation.strongest() == ["s1_p", "s0_p", "s2_p"]
    axes = strongest(explanation).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["s2_p", "s0_p", "s1_p"]


def test_points_of_a_swarm_keep_apart_and_stay_in_their_row():
    x = np.repeat([0.0, 0.5, 0.5, 0.5, 1.0], 3)
    height = swarm(x, 0.0, 1.0)
    assert len(set(zip(x, height, strict=True))) == len(x) and np.abs(height).max() <= 1
    assert height[0] == height[-3] == 0
    np.testing.assert_array_equal(swarm(np.zeros(1), 0.0, 0.0), [0])


def test_values_are_placed_among_the_others():
    np.testing.assert_allclose(placed(pd.Series([3.0, 1.0, np.nan, 2.0, 2.0])), [0.875, 0.125, np.nan, 0.5, 0.5])


class Lies:
    """A fuser whose explanation is whatever it was given."""

    def __init__(self, explanation: object) -> None:
        self.explanation = explanation

    @hookimpl
    def explain(self):
        return self.explanation


def ask(explanation: object) -> pd.DataFrame:
    """What the core makes of it, for a table of two rows."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(FuserHooks)
    manager.register(Lies(explanation))
    fuser = Fuser(Listing("fusers", "lies", "deepfake-lies", "1", "lies"), manager.hook)
    table = pd.DataFrame({"video_id": ["v", "w"], "a_p": [0.1, 0.2], "a_f00": [1.0, 2.0]}, index=[4, 7])
    return fuser.explain(FusedModel(Path()), table, Settings())


GOOD = pd.DataFrame({"a_p": [0.1, -0.1], "a_f00": [0.0, 0.2]}, index=[4, 7])


@pytest.mark.parametrize(
    ("explanation", "says"),
    [
        (GOOD.to_numpy(), "returned ndarray"),
        (GOOD.iloc[:1], "1 rows came for 2"),
        (GOOD.reset_index(drop=True), "another index"),
        (GOOD.rename(columns={"a_p": "bias"}), "no score or embedding column of the table: bias"),
        (GOOD.rename(columns={"a_p": "video_id"}), "video_id"),
        (GOOD[[]], "none, or one twice"),
        (GOOD[["a_p", "a_p"]], "none, or one twice"),
        (GOOD.astype(np.float32), "not float64: a_p, a_f00"),
        (GOOD.where(GOOD > 0), "not finite: a_p, a_f00"),
    ],
)
def test_an_explanation_that_breaks_the_contract_names_the_plugin(explanation, says):
    with pytest.raises(HookFailed, match=says) as caught:
        ask(explanation)
    assert "'lies' broke the contract of explain" in str(caught.value)


def test_a_good_explanation_may_leave_columns_out():
    pd.testing.assert_frame_equal(ask(GOOD), GOOD)
    pd.testing.assert_frame_equal(ask(GOOD[["a_f00"]]), GOOD[["a_f00"]])

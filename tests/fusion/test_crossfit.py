"""Does a fit that leaves folds out really see nothing of them?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepfake_core.contract.errors import FoldsImpossible, NoUsableVideo
from deepfake_core.fusion.crossfit import Rows, fits, outer_scores
from deepfake_core.fusion.joining import join
from tests.fusion.conftest import World, candidates, crossfitted


@pytest.mark.parametrize("name", ["auc_weighted", "logistic", "simplex"])
def test_labels_and_scores_of_a_fold_don_t_reach_its_scores(name):
    rows = World().rows(1.5, 0.5, 0.0)
    (candidate,) = candidates(name)
    before = crossfitted(candidate, rows)
    mine = rows.fold == 2
    other = rows.table.copy()
    other.loc[mine, "label"] = 1 - other.loc[mine, "label"]
    after = crossfitted(candidate, Rows(other, rows.clear))
    np.testing.assert_array_equal(after.outer[mine], before.outer[mine])
    # Whatever is chosen for fold 2 is chosen by row 2 of the inner scores: nothing of fold 2 is in it, either.
    np.testing.assert_array_equal(after.inner[2], before.inner[2])
    assert np.isnan(before.inner[2, mine]).all() and not np.isnan(before.inner[2, ~mine]).any()
    assert not np.array_equal(after.outer[~mine], before.outer[~mine])


def test_a_score_of_another_video_in_the_fold_changes_nothing():
    rows = World().rows(1.5, 0.5)
    (candidate,) = candidates("rank_mean")
    before = crossfitted(candidate, rows)
    other = rows.table.copy()
    first, *rest = np.flatnonzero(rows.fold == 1)
    other.loc[first, "s0_p"] = 0.999
    after = crossfitted(candidate, Rows(other, rows.clear))
    np.testing.assert_array_equal(after.outer[rest], before.outer[rest])
    assert after.outer[first] != before.outer[first]


def test_who_touches_a_person_of_the_fold_is_no_part_of_its_fit():
    world = World(videos=60)
    videos = world.videos
    # Each fake swaps in the real person of the next fold's first pair.
    videos[2] = replace(videos[2], identities=("p001", "p000"))
    rows = Rows.of(join({"one": world.oof("one", 1.0)}), videos)
    assert rows.fold[0] == 0 and rows.fold[2] == 1
    assert not rows.clear[0, 2] and not rows.learnable([0])[2]
    assert not rows.clear[1, 0] and not rows.learnable([1])[0]
    assert rows.learnable([2])[[0, 2]].all()
    assert rows.learnable([]).all()


def test_as_many_fits_as_announced():
    called = []
    crossfitted(*candidates("mean"), World().rows(1.0), lambda: called.append(1))
    assert len(called) == fits(5) == 16


def test_outer_scores_are_those_of_the_whole():
    rows = World().rows(1.0, 0.5, missing=0.2)
    (candidate,) = candidates("logistic")
    np.testing.assert_array_equal(outer_scores(candidate, rows, 0), crossfitted(candidate, rows).outer)


def test_two_folds_leave_nothing_to_choose_on():
    with pytest.raises(FoldsImpossible, match="needs 3 folds, there are 2"):
        World(folds=2).rows(1.0)


def test_one_class_left_is_named_with_the_folds():
    world = World(videos=30, folds=3)
    world.label = np.where(world.fold == 2, 0, world.label)
    with pytest.raises(NoUsableVideo, match=r"without fold 0 and 1 .* 10 videos are left .* 0 of them fake"):
        crossfitted(*candidates("mean"), world.rows(1.0))

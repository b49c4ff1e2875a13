"""Does a second layer on scores and embeddings know only what it may? On shuffled labels, and on a planted leak."""

from __future__ import annotations

import numpy as np
import pytest

from deepfake_core.data import folds
from deepfake_core.data.index import make_index
from deepfake_core.evaluation.metrics import auc
from deepfake_core.evaluation.resampling import Resamples, bootstrap, interval
from deepfake_core.fusion.crossfit import Rows, outer_scores
from deepfake_core.fusion.joining import join
from tests.fusion.conftest import World, candidates


def meta_auc(rows: Rows) -> tuple[float, float, float]:
    """Cross-fitted AUC of the meta-classifier, and its 95 % interval over identity groups."""
    (candidate,) = candidates("xgboost_meta", overrides="trees=60")
    p = outer_scores(candidate, rows, 0)
    drawn = bootstrap(Resamples.draw(rows.label, rows.group), rows.label, p, ("auc",))
    return (auc(rows.label, p), *interval(drawn["auc"]))


def encoders(world: World, strength: float) -> Rows:
    """Two streams whose scores and embeddings know the label."""
    oofs = {}
    for name in ("one", "two"):
        noise = world.random.normal(0, 1, (len(world.ids), 8))
        oofs[name] = world.oof(name, strength, embedding=noise + strength * world.label[:, None])
    return Rows.of(join(oofs), world.videos)


def test_with_shuffled_labels_nothing_is_left():
    # Few videos would scatter more than their interval says: fakes that one fold has too many of, the others lack.
    world = World(videos=400)
    rows = encoders(world, 0.5)
    assert meta_auc(rows)[1] > 0.7
    found = []
    for seed in range(5):
        shuffled = rows.table.assign(label=np.random.default_rng(seed).permutation(rows.label))
        found.append(meta_auc(Rows(shuffled, rows.clear)))
    assert sum(low <= 0.5 <= high for _, low, high in found) >= 4
    assert np.mean([value for value, _, _ in found]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("folds_know_people", "leaks"), [(False, True), (True, False)])
def test_an_embedding_that_codes_who_it_is_leaks_through_folds_that_ignore_people(folds_know_people, leaks):
    world = World(videos=240)
    who = np.arange(240) // 4
    world.label = world.random.permutation(np.arange(60) % 2)[who]
    world.person = [f"p{n:02d}" for n in who]
    by_people = folds.draw(make_index(world.videos, "world"))
    world.fold = np.array([by_people.fold[i] for i in world.ids]) if folds_know_people else np.arange(240) % 5
    people = world.person
    if not folds_know_people:
        world.person = world.ids
    code = world.random.normal(0, 1, (60, 8))[who] + world.random.normal(0, 0.05, (240, 8))
    rows = Rows.of(join({"one": world.oof("one", embedding=code)}), world.videos)
    # However the folds came about, the interval must take the videos of a person for one.
    found, low, high = meta_auc(Rows(rows.table.assign(group=people), rows.clear))
    if leaks:
        assert found > 0.95 and low > 0.9
    else:
        assert low <= 0.5 <= high

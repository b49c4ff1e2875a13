"""Does each fusion compute what it says, against references and by hand?"""

from __future__ import annotations

from itertools import product
from time import perf_counter

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import percentileofscore
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deepfake_late_fusion.plugin import FOURSTREAM, auc_weighted, logistic, mean, rank_mean, simplex
from deepfake_late_fusion.weighted import STEPS, auc, grid, weighted_mean

NAN = float("nan")


def scores(streams: int, videos: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of streams that are worth less and less, with ties."""
    random = np.random.default_rng(seed)
    label = random.permutation(np.arange(videos) % 2 == 1)
    p = 1 / (1 + np.exp(-random.normal(label[:, None] * np.linspace(1.5, 0, streams), 1.0)))
    return p.round(2), label


def fused(fuser, p, label, new=None):
    return fuser.combine(p if new is None else new, fuser.learn(p, label, fuser.settings))


def test_mean_leaves_out_who_abstains():
    p = np.array([[0.2, 0.4, 0.9], [NAN, 0.4, 0.8], [NAN, NAN, 0.3]])
    np.testing.assert_allclose(fused(mean, *scores(3), new=p), [0.5, 0.6, 0.3])


def test_weights_by_auc():
    p, label = scores(3)
    aucs = np.array([roc_auc_score(label, column) for column in p.T])
    np.testing.assert_allclose(auc_weighted.weights(p, label), aucs / aucs.sum())
    np.testing.assert_allclose(fused(auc_weighted, p, label), p @ aucs / aucs.sum())


def test_a_stream_of_one_class_weighs_as_one_at_chance():
    p, label = scores(2)
    p[label, 1] = NAN
    assert auc_weighted.weights(p, label)[1] == pytest.approx(0.5 / (0.5 + roc_auc_score(label, p[:, 0])))


def test_ranks_are_shares_of_the_training_scores_below():
    p, label = scores(3)
    new = np.array([[0.0, 0.5, 1.0], [p[3, 0], p[4, 1], p[5, 2]]])
    expected = [[percentileofscore(p[:, s], row[s], kind="mean") / 100 for s in range(3)] for row in new]
    np.testing.assert_allclose(fused(rank_mean, p, label, new=new), np.mean(expected, axis=1))


def test_ranks_without_any_known_stream_say_nothing():
    p, label = scores(2)
    p[:, 1] = NAN
    assert fused(rank_mean, p, label, new=np.array([[NAN, 0.9]])) == [0.5]


def test_logistic_is_scikit_learns():
    p, label = scores(4)
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, class_weight="balanced")).fit(p, label)
    np.testing.assert_allclose(fused(logistic, p, label), reference.predict_proba(p)[:, 1], rtol=1e-6)


def test_logistic_learns_what_abstaining_means():
    p, label = scores(1, videos=200)
    p = np.hstack([p * 0 + 0.5, np.where(label, NAN, 0.5)[:, None]])
    found = fused(logistic, p, label)
    assert found[label].min() > 0.9 and found[~label].max() < 0.1


@pytest.mark.parametrize("streams", [1, 2, 3, 4])
def test_the_grid_is_whole(streams):
    expected = {steps for steps in product(range(STEPS + 1), repeat=streams) if sum(steps) == STEPS}
    assert {tuple(row) for row in grid(streams)} == expected and len(grid(streams)) == len(expected)


@pytest.mark.parametrize("seed", range(5))
def test_simplex_is_the_best_of_all_combinations(seed):
    p, label = scores(3, seed=seed)
    best = max(roc_auc_score(label, (p @ steps).round(9)) for steps in grid(3))
    found = simplex.weights(p, label)
    assert roc_auc_score(label, (p @ (found * STEPS)).round(9)) == pytest.approx(best)
    assert found.sum() == pytest.approx(1) and np.allclose(found * STEPS, (found * STEPS).round())


@pytest.mark.parametrize("seed", range(3))
def test_with_many_streams_the_search_finds_what_all_combinations_would(seed):
    p, label = scores(6, videos=300, seed=seed)
    best = max(auc(weighted_mean(p, part.T / STEPS), label).max() for part in np.array_split(grid(6), 60))
    found = auc(weighted_mean(p, simplex.weights(p, label)[:, None]), label)[0]
    assert best - 0.002 <= found <= best + 1e-12


def test_ten_streams_take_seconds_not_hours():
    p, label = scores(10, videos=1000)
    began = perf_counter()
    weights = simplex.weights(p, label)
    assert perf_counter() - began < 20
    assert auc(weighted_mean(p, weights[:, None]), label)[0] >= max(
        auc(p, label).max(), auc(p.mean(axis=1)[:, None], label)[0]
    )


def test_of_equally_good_weights_the_most_even_ones():
    p = np.array([[0.1, 0.2], [0.2, 0.1], [0.8, 0.9], [0.9, 0.8]])
    np.testing.assert_allclose(simplex.weights(p, np.array([False, False, True, True])), [0.5, 0.5])


def test_auc_against_scikit_learn_with_ties():
    p, label = scores(4)
    np.testing.assert_allclose(auc(p, label), [roc_auc_score(label, column) for column in p.T])


def test_a_weight_of_nothing_falls_back_on_who_is_there():
    p = np.array([[NAN, 0.3]])
    np.testing.assert_allclose(weighted_mean(p, np.array([[1.0], [0.0]])), [[0.3]])


def test_the_four_streams():
    assert FOURSTREAM.streams == ("rppg", "efficientnet_b4", "xception", "swin_tiny")


@pytest.mark.parametrize("fuser", [mean, auc_weighted, rank_mean, simplex], ids=lambda fuser: fuser.name)
def test_contributions_and_one_half_are_the_score(fuser):
    p, label = scores(3)
    p[::5, 0], p[1::5, 1:] = NAN, NAN
    learned = fuser.learn(p, label, fuser.settings)
    np.testing.assert_allclose(0.5 + fuser.contributions(p, learned).sum(axis=1), fuser.combine(p, learned))


def test_contributions_of_a_mean_by_hand():
    p = np.array([[0.2, 0.5, 0.9], [NAN, 0.4, 0.8], [NAN, NAN, 0.3]])
    expected = [[-0.1, 0, 0.4 / 3], [0, -0.05, 0.15], [0, 0, -0.2]]
    np.testing.assert_allclose(mean.contributions(p, {"weights": [1 / 3] * 3}), expected, atol=1e-12)


def test_contributions_where_only_streams_without_weight_speak():
    p = np.array([[NAN, 0.3, 0.5]])
    np.testing.assert_allclose(mean.contributions(p, {"weights": [1.0, 0.0, 0.0]}), [[0, -0.1, 0]])


def test_contributions_to_a_regression_are_log_odds_and_silence_counts_to_its_stream():
    p, label = scores(2, videos=200)
    p[label, 1] = NAN
    learned = logistic.learn(p, label, logistic.settings)
    added = logistic.contributions(p, learned)
    np.testing.assert_allclose(added.sum(axis=1) + learned["intercept"], logit(logistic.combine(p, learned)), rtol=1e-6)
    assert (added[label, 1] == learned["coefficients"][2]).all() and learned["coefficients"][2] > 1

"""Figures of scores agree with their definitions and with scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from deepfake_core.audit.scores import auc, check_score, optimism


def scores(count: int, separation: float, seed: int = 0, decimals: int = 6):
    rng = np.random.default_rng(seed)
    y = rng.random(count) < 0.5
    p = np.clip(rng.normal(0.5 + separation * (y - 0.5), 0.2), 0, 1).round(decimals)
    return y, p, np.arange(count)


@pytest.mark.parametrize("decimals", [1, 6])
def test_auc_and_best_metrics_agree_with_scikit_learn(decimals):
    y, p, group = scores(300, 0.2, decimals=decimals)
    found = optimism(y, p, group)
    thresholds = [*np.unique(p), 2.0]
    assert auc(y, p) == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert found["f1_best"] == pytest.approx(max(f1_score(y, p >= t, zero_division=0.0) for t in thresholds))
    assert found["accuracy_best"] == pytest.approx(max(accuracy_score(y, p >= t) for t in thresholds[:-1]))


def test_pure_noise_is_optimistic_at_its_best_threshold_and_fair_on_other_people():
    gains = []
    for seed in range(20):
        y, _, group = scores(100, 0, seed)
        p = np.random.default_rng(seed + 100).random(100)
        found = optimism(y, p, group)
        assert found["accuracy_best"] >= 0.5
        gains.append((found["accuracy_best"], found["accuracy_crossfitted"]))
    best, fair = np.mean(gains, axis=0)
    assert best > 0.57
    assert fair < 0.52


def test_perfect_scores_are_not_optimistic():
    y = np.arange(100) % 2 == 1
    found = optimism(y, np.where(y, 0.9, 0.1), np.arange(100) // 2)
    assert found["f1_optimism"] == found["accuracy_optimism"] == 0
    assert found["f1_crossfitted"] == 1


def test_groups_are_kept_together():
    """A detector that recognises people: within a person all scores are equal, so only a threshold of other people is fair."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(12), 20)
    y, p = (rng.random(12) < 0.5)[group], rng.random(12)[group]
    apart, mixed = optimism(y, p, group), optimism(y, p, np.arange(240))
    assert apart["accuracy_best"] == mixed["accuracy_best"]
    assert apart["accuracy_crossfitted"] < mixed["accuracy_crossfitted"] - 0.1


@pytest.mark.parametrize("label", [0.0, 1.0, math.nan])
def test_one_class_or_no_label_gives_nan_not_zero(label):
    facts, _ = check_score("f", "p", np.array(["a", "b"]), np.full(2, label), np.array([0.1, 0.9]), np.arange(2))
    assert all(math.isnan(facts[name]) for name in ("auc", "f1_best", "f1_crossfitted", "accuracy_optimism"))


def test_one_group_has_no_fair_threshold():
    y, p, _ = scores(50, 0.5)
    found = optimism(y, p, np.zeros(50, dtype=np.int64))
    assert found["f1_best"] > 0.5
    assert math.isnan(found["f1_crossfitted"])

"""Intervals are those of people, not of videos."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from deepfake_core.evaluation.resampling import auc_interval, weighted_auc


def test_weighted_auc_is_scikit_learn_s():
    random = np.random.default_rng(0)
    label = random.random(60) < 0.4
    p = random.integers(0, 12, 60) / 12  # with ties
    weight = random.integers(0, 4, (20, 60)).astype(float)
    found = weighted_auc(label, p, weight)
    assert found == pytest.approx([roc_auc_score(label, p, sample_weight=w) for w in weight])


def test_a_replicate_of_one_class_has_no_auc():
    assert np.isnan(weighted_auc(np.array([True, False]), np.array([0.1, 0.2]), np.array([[1.0, 0.0]])))[0]


def test_copies_of_a_video_don_t_narrow_the_interval():
    """Ten copies of everything, each with its original's person: the interval stays; taken as people of their own, it shrinks."""
    random = np.random.default_rng(1)
    label = np.arange(40) % 2
    p = label * 0.5 + random.normal(0, 0.6, 40)
    people = [f"p{n // 2}" for n in range(40)]
    low, high = auc_interval(label, p, people)
    copied = auc_interval(np.tile(label, 10), np.tile(p, 10), people * 10)
    alone = auc_interval(np.tile(label, 10), np.tile(p, 10), [f"v{n}" for n in range(400)])
    assert copied == pytest.approx((low, high), abs=0.01)
    assert alone[1] - alone[0] < 0.5 * (high - low)
    assert low < roc_auc_score(label, p) < high


def test_videos_without_a_score_don_t_count():
    label, p, group = [0, 1, 0, 1, 0], [0.1, 0.9, 0.3, 0.8, math.nan], ["a", "a", "b", "b", "c"]
    assert auc_interval(label, p, group) == auc_interval(label[:4], p[:4], group[:4])


@pytest.mark.parametrize(("label", "group"), [([0, 0, 0], "abc"), ([0, 1, 1], "aaa")])
def test_what_can_t_be_resampled_has_no_interval(label, group):
    assert all(math.isnan(end) for end in auc_interval(label, [0.1, 0.2, 0.3], list(group)))

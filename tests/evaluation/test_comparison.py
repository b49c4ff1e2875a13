"""DeLong against its definition and a published example; Holm by hand; paired differences over people."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from deepfake_core.evaluation.comparison import delong, delong_test, holm, paired_difference
from deepfake_core.evaluation.resampling import Resamples, bootstrap


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def by_definition(label, scores):
    """Structural components from all pairs: eqs. 3 to 6 of DeLong et al. (1988)."""
    fakes, reals = scores[label], scores[~label]
    wins = (fakes[:, None] > reals[None]) + 0.5 * (fakes[:, None] == reals[None])
    auc, of_fakes, of_reals = wins.mean(axis=(0, 1)), wins.mean(axis=1), wins.mean(axis=0)
    m, n = len(fakes), len(reals)
    first = (of_fakes - auc).T @ (of_fakes - auc) / (m - 1)
    second = (of_reals - auc).T @ (of_reals - auc) / (n - 1)
    return auc, first / m + second / n


@pytest.mark.parametrize("levels", [5, 1_000_000])
def test_delong_is_its_definition(levels):
    random = np.random.default_rng(levels)
    label = random.random(160) < 0.3
    scores = np.round(expit(label[:, None] * [0.5, 1, 2] + random.normal(0, 1, (160, 3))) * levels)
    auc, covariance = delong(label, scores)
    expected_auc, expected = by_definition(label, scores)
    assert auc == pytest.approx(expected_auc, abs=1e-10)
    assert covariance == pytest.approx(expected, abs=1e-10)
    assert auc == pytest.approx([roc_auc_score(label, column) for column in scores.T], abs=1e-12)
    found = delong_test(label, scores[:, 2], scores[:, 0])
    error = math.sqrt(expected[0, 0] + expected[2, 2] - 2 * expected[0, 2])
    assert found[:3] == pytest.approx((auc[2] - auc[0], error, (auc[2] - auc[0]) / error), abs=1e-10)
    assert found.p_value == pytest.approx(math.erfc(abs(found.z) / math.sqrt(2)), abs=1e-12)


def test_delong_on_the_109_images_of_hanley_and_mcneil():
    """Ratings 1 to 5 of 58 normal and 51 abnormal images (Hanley & McNeil 1982, 10.1148/radiology.143.1.7063747, table I); area
    0.8932 with standard error 0.0307 as Stata's manual of ``roctab`` has it by DeLong's method."""
    rating = np.concatenate([np.repeat(range(1, 6), [33, 6, 6, 11, 2]), np.repeat(range(1, 6), [3, 2, 2, 11, 33])])
    auc, covariance = delong(np.repeat([0, 1], [58, 51]), rating[:, None])
    assert (round(auc[0], 4), round(math.sqrt(covariance[0, 0]), 4)) == (0.8932, 0.0307)


def test_one_ranking_doesn_t_differ_from_itself():
    random = np.random.default_rng(0)
    label, p = random.random(50) < 0.5, random.random(50)
    assert delong_test(label, p, p**3) == (0, 0, 0, 1)
    resamples = Resamples.draw(label, np.arange(50) // 2)
    assert paired_difference(resamples, label, p, p**3) == (0, 0, 0, 1)


def test_delong_without_enough_videos():
    assert np.isnan(np.append(*map(np.ravel, delong([0, 0], [[0.1], [0.2]])))).all()
    auc, covariance = delong([0, 0, 1], [[0.1], [0.2], [0.3]])
    assert (auc[0], np.isnan(covariance).all()) == (1, True)
    assert all(math.isnan(value) for value in delong_test([0, 0, 1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]))
    with pytest.raises(ValueError, match="1 videos lack a score"):
        delong([0, 1], [[0.1, math.nan], [0.2, 0.3]])


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; the last is raised to 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, math.nan, 0.04, 0.03, 0.005]) == pytest.approx([0.03, math.nan, 0.06, 0.06, 0.02], nan_ok=True)
    assert holm([0.6, 0.5]) == pytest.approx([1, 1])
    assert holm([]).shape == (0,)


def two_streams(random, *, better=0.0):
    """60 people with 4 videos, half of them fake; both streams err alike on a person."""
    group = np.repeat(np.arange(60), 4)
    label = np.arange(240) % 2 == 1
    shared = 1.5 * label + random.normal(0, 1, (60, 2))[group, label.astype(int)]
    a = shared + better * label + random.normal(0, 0.7, 240)
    return label, expit(a), expit(shared + random.normal(0, 0.7, 240)), group


def test_a_difference_is_that_of_the_metric_and_its_p_value_that_of_the_interval():
    label, a, b, group = two_streams(np.random.default_rng(2), better=0.4)
    resamples = Resamples.draw(label, group)
    found, swapped = paired_difference(resamples, label, a, b), paired_difference(resamples, label, b, a)
    assert found.estimate == pytest.approx(roc_auc_score(label, a) - roc_auc_score(label, b))
    assert swapped == pytest.approx((-found.estimate, -found.high, -found.low, found.p_value))
    for step in (-1e-6, 1e-6):
        low = paired_difference(resamples, label, a, b, level=1 - found.p_value - step).low
        assert (low > 0) == (step > 0)


def test_a_difference_of_decisions():
    label, a, b, group = two_streams(np.random.default_rng(3), better=1.0)
    resamples = Resamples.draw(label, group)
    found = paired_difference(resamples, label, a > 0.6, b > 0.6, "accuracy")
    assert found.estimate == pytest.approx(((a > 0.6) == label).mean() - ((b > 0.6) == label).mean())
    assert found.low < found.estimate < found.high


def test_a_difference_that_can_t_be_judged_has_no_p_value():
    """Every person's videos are right by one stream and wrong by the other; one person only; the biased calibration error."""
    label, right, people = np.array([0, 1] * 6), np.array([0, 1] * 6), np.repeat(np.arange(6), 2)
    found = paired_difference(Resamples.draw(label, people), label, right, 1 - right, "accuracy")
    assert found == pytest.approx((1, *[math.nan] * 3), nan_ok=True)
    found = paired_difference(Resamples.draw(label, people * 0), label, right * 0.5, right * 0.1)
    assert found == pytest.approx((0, *[math.nan] * 3), nan_ok=True)
    found = paired_difference(Resamples.draw(label, people), label, right * 0.5, right * 0.1, "ece")
    assert np.isnan(found[1:]).all()


def test_equal_streams_are_told_apart_in_one_of_twenty():
    random, told_apart = np.random.default_rng(4), []
    for number in range(300):
        label, a, b, group = two_streams(random)
        resamples = Resamples.draw(label, group, replicates=300, seed=number)
        told_apart.append(paired_difference(resamples, label, a, b).p_value < 0.05)
    assert 0.02 <= np.mean(told_apart) <= 0.08


def test_shared_draws_narrow_a_difference():
    label, a, b, group = two_streams(np.random.default_rng(5))
    one, other = (Resamples.draw(label, group, seed=seed) for seed in (0, 1))
    first = bootstrap(one, label, a, ["auc"])["auc"]
    paired, apart = (first - bootstrap(draws, label, b, ["auc"])["auc"] for draws in (one, other))
    assert paired.estimate == apart.estimate
    assert paired.standard_error < 0.8 * apart.standard_error

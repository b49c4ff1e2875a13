"""Point metrics against closed forms and brute force."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from deepfake_core.evaluation.metrics import auc, by_part, decision_metrics, video_metrics

RANKING = ("auc", "average_precision", "eer", "tpr_at_1_fpr", "tpr_at_5_fpr", "partial_auc")


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_ranking_of_two_normal_distributions():
    """Quantiles of N(0, 1) for reals and N(2, 1) for fakes: each metric has a closed form."""
    gap, quantiles = 2.0, norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    found = video_metrics(np.repeat([0, 1], 20_000), norm.cdf(np.concatenate([quantiles, quantiles + gap]) / 3))

    def true_rate(false_rate: float) -> float:
        return float(norm.cdf(gap + norm.ppf(false_rate)))

    area = quad(true_rate, 0, 0.1)[0]
    expected = {
        "auc": norm.cdf(gap / math.sqrt(2)),
        "eer": norm.cdf(-gap / 2),
        "tpr_at_1_fpr": true_rate(0.01),
        "tpr_at_5_fpr": true_rate(0.05),
        "partial_auc": 0.5 * (1 + (area - 0.005) / (0.1 - 0.005)),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("levels", [8, 10_000])
def test_operating_points_by_brute_force(levels):
    random = np.random.default_rng(levels)
    label = random.random(150) < 0.6
    p = np.clip(np.round((label * 0.2 + random.random(150)) / 1.2 * levels) / levels, 0, 1)
    found = video_metrics(label, p)
    points = [((p[~label] >= t).mean(), (p[label] >= t).mean()) for t in [2.0, *np.unique(p)[::-1]]]
    for name, limit in (("tpr_at_1_fpr", 0.01), ("tpr_at_5_fpr", 0.05)):
        assert found[name] == max(true for false, true in points if false <= limit)
    fine = np.linspace(0, 1, 400_001)
    lengths = np.cumsum([0, *np.abs(np.diff(points, axis=0)).sum(axis=1)])
    false, true = (np.interp(fine * lengths[-1], lengths, [point[axis] for point in points]) for axis in (0, 1))
    assert found["eer"] == pytest.approx(false[np.argmin(np.abs(false - (1 - true)))], abs=1e-5)


def test_operating_points_on_a_straight_curve():
    """40 scores, each of one real and one fake: the curve is the diagonal, and each of its points can be set."""
    found = video_metrics(np.tile([0, 1], 40), np.repeat(np.linspace(0.05, 0.95, 40), 2))
    expected = {"tpr_at_1_fpr": 0, "tpr_at_5_fpr": 2 / 40, "eer": 0.5, "partial_auc": 0.5, "auc": 0.5}
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_probabilities_by_hand():
    """Bins of a fifteenth: 0.10 and 0.12 share one, 0.7 stands alone, 1.0 belongs to the last."""
    label, p = [0, 1, 1, 1], [0.10, 0.12, 0.7, 1.0]
    found = video_metrics(label, p)
    assert found["ece"] == pytest.approx((abs(0.10 + 0.12 - 1) + 0.3 + 0) / 4)
    assert found["brier"] == pytest.approx((0.01 + 0.88**2 + 0.09) / 4)
    assert found["log_loss"] == pytest.approx(-(math.log(0.9) + math.log(0.12) + math.log(0.7)) / 4)


def test_a_perfect_ranking():
    found = video_metrics([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    assert {name: found[name] for name in RANKING} == dict.fromkeys(RANKING, 1.0) | {"eer": 0.0}


def test_videos_without_a_score_count_for_coverage_only():
    label, p = [0, 1, 0, 1], [0.2, 0.9, math.nan, math.nan]
    found, alone = video_metrics(label, p), video_metrics(label[:2], p[:2])
    assert (found.pop("videos"), found.pop("scored"), found.pop("coverage")) == (4, 2, 0.5)
    assert found == {name: alone[name] for name in found}
    assert auc(label, p) == alone["auc"] == 1
    assert math.isnan(auc(label[1:], p[1:]))


@pytest.mark.parametrize(
    ("p", "undefined"), [([0.2, 0.4], RANKING), ([math.nan] * 2, (*RANKING, "brier", "log_loss", "ece"))]
)
def test_what_is_undefined_is_nan(p, undefined):
    found = video_metrics([1, 1], p)
    assert {name for name, value in found.items() if math.isnan(value)} == set(undefined)
    assert math.isnan(video_metrics([], [])["coverage"])


def test_decisions_by_hand():
    """3 fakes found, 1 missed, 2 reals called fake, 4 called real, 2 videos undecided."""
    label = [1] * 4 + [0] * 6 + [1, 0]
    decision = [1, 1, 1, 0, 1, 1, 0, 0, 0, 0, math.nan, math.nan]
    assert decision_metrics(label, decision) == pytest.approx(
        {"accuracy": 0.7, "balanced_accuracy": (3 / 4 + 4 / 6) / 2, "f1": 6 / 9, "precision": 3 / 5, "recall": 3 / 4}
    )


@pytest.mark.parametrize(
    ("label", "decision", "undefined"),
    [
        ([0, 0], [False, False], {"balanced_accuracy", "f1", "precision", "recall"}),
        ([0, 1], [False, False], {"precision"}),
        ([1, 1], [True, False], {"balanced_accuracy"}),
        ([0, 1], [math.nan, math.nan], {"accuracy", "balanced_accuracy", "f1", "precision", "recall"}),
    ],
)
def test_a_decision_metric_without_denominator_is_nan(label, decision, undefined):
    assert {name for name, value in decision_metrics(label, decision).items() if math.isnan(value)} == undefined


def test_methods_against_reals_of_their_own_data_set():
    rows = [
        ("a", "real", 0, 0.1), ("a", "real", 0, 0.3), ("a", "real", 0, math.nan),
        ("b", "real", 0, 0.6),
        ("a", "swap", 1, 0.2), ("a", "swap", 1, 0.5), ("a", "lips", 1, 0.9),
        ("b", "swap", 1, 0.7), ("b", "lips", 1, math.nan), ("c", "swap", 1, 0.4),
    ]  # fmt: skip
    dataset, method, label, p = zip(*rows, strict=True)
    found = by_part(label, p, dataset, method)
    assert list(found.columns) == ["dataset", "method", "fakes", "reals", "auc", "auc_all_reals"]
    expected = [
        ("a", "lips", 1, 2, 1.0, 1.0),
        ("a", "swap", 2, 2, 0.75, 3 / 6),
        ("b", "lips", 0, 1, math.nan, math.nan),
        ("b", "swap", 1, 1, 1.0, 1.0),
        ("c", "swap", 1, 0, math.nan, 2 / 3),
    ]
    for row, wanted in zip(found.itertuples(index=False), expected, strict=True):
        assert tuple(row)[:4] == wanted[:4]
        assert tuple(row)[4:] == pytest.approx(wanted[4:], nan_ok=True)

"""Replicates are what repeated rows would give, and intervals are those of people, not of videos."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from deepfake_core.evaluation.metrics import decision_metrics, video_metrics
from deepfake_core.evaluation.resampling import Resamples, auc_interval, bootstrap, interval

COUNTS = {"videos", "scored", "coverage"}
OF_SCORES = [name for name in video_metrics([0, 1], [0.1, 0.2]) if name not in COUNTS]
OF_DECISIONS = list(decision_metrics([0, 1], [0, 1]))


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("levels", [6, 50, None])
@pytest.mark.parametrize("fakes", [0.1, 0.5, 0.9])
def test_replicates_are_metrics_of_repeated_rows(levels, fakes):
    random = np.random.default_rng(int(100 * fakes))
    label = random.random(90) < fakes
    p = expit(1.5 * label + random.normal(-1, 1.5, 90))
    if levels:
        p = np.round(p * levels) / levels
    decision = np.where(random.random(90) < 0.1, np.nan, p >= 0.4)
    resamples = Resamples.draw(label, random.integers(0, 25, 90), replicates=40, seed=1)
    found = bootstrap(resamples, label, p, OF_SCORES + OF_DECISIONS, decision)
    assert list(found) == OF_SCORES + OF_DECISIONS
    for number, counts in enumerate(np.vstack([np.ones_like(resamples.counts[0]), resamples.counts])):
        times = counts[resamples.group]
        y, q, d = (np.repeat(column, times) for column in (label, p, decision))
        expected = {name: value for name, value in video_metrics(y, q).items() if name not in COUNTS}
        expected |= decision_metrics(y, d)
        values = {n: r.values[number - 1] if number else r.estimate for n, r in found.items()}
        assert values == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_replicates_without_a_class_are_nan():
    label, p = np.array([False, True, True]), np.array([0.3, 0.2, 0.9])
    resamples = Resamples(np.arange(3), np.array([[0, 1, 1], [2, 0, 0], [0, 0, 0], [1, 1, 1]], np.int32), 1, 1)
    found = bootstrap(resamples, label, p, [*OF_SCORES, "recall"], p > 0.5)
    assert found["auc"].values == pytest.approx([math.nan, math.nan, math.nan, 0.5], nan_ok=True)
    assert found["brier"].values == pytest.approx([0.325, 0.09, math.nan, 0.74 / 3], nan_ok=True)
    assert found["recall"].values == pytest.approx([0.5, math.nan, math.nan, 0.5], nan_ok=True)


def test_many_replicates_at_once_are_the_same_as_one_by_one():
    """More cells than are held in memory together."""
    random = np.random.default_rng(3)
    label, p, group = random.random(4000) < 0.5, random.random(4000), random.integers(0, 300, 4000)
    resamples = Resamples.draw(label, group, replicates=150)
    together = bootstrap(resamples, label, p, OF_SCORES)
    for number in (0, 64, 65, 66, 149):
        one = Resamples(resamples.group, resamples.counts[[number]], resamples.holders, resamples.freedom)
        alone = bootstrap(one, label, p, OF_SCORES)
        expected = {name: found.values[0] for name, found in alone.items()}
        assert {name: found.values[number] for name, found in together.items()} == pytest.approx(expected, abs=1e-12)


def test_groups_are_drawn_with_others_of_their_kind():
    """Groups 0-4 hold reals, 5-7 fakes, 8-19 both."""
    group = np.concatenate([np.arange(5), np.arange(5, 8), np.arange(8, 20), np.arange(8, 20)])
    label = np.repeat([0, 1, 0, 1], [5, 3, 12, 12])
    resamples = Resamples.draw(label, [f"person {g:02d}" for g in group], replicates=3000, seed=5)
    counts = resamples.counts
    assert [set(counts[:, part].sum(axis=1)) for part in (slice(0, 5), slice(5, 8), slice(8, 20))] == [{5}, {3}, {12}]
    assert counts.mean(axis=0) == pytest.approx(np.ones(20), abs=0.1)
    # A group is drawn n times with chance 1/n: binomial variance 1 - 1/n.
    assert counts.var(axis=0) == pytest.approx(np.repeat([4 / 5, 2 / 3, 11 / 12], [5, 3, 12]), abs=0.1)
    assert (resamples.holders, resamples.freedom) == (15, 17)
    assert (Resamples.draw(label, group, replicates=3000, seed=5).counts == counts).all()
    assert (Resamples.draw(label, group, replicates=3000, seed=6).counts != counts).any()


def test_a_group_alone_of_its_kind_varies_too_and_no_class_gets_lost():
    """One group of fakes and reals, one of reals, seven of fakes."""
    label, group = [0, 1, 0, *[1] * 7], [0, 0, 1, *range(2, 9)]
    resamples = Resamples.draw(label, group, replicates=2000)
    assert resamples.counts[:, 0].std() > 0.5
    assert resamples.counts[:, 1].std() > 0.5
    assert (resamples.counts[:, :2].sum(axis=1) > 0).all()
    assert (resamples.counts.sum(axis=1) == 9).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": [0.1, math.nan, 0.3]}, "1 videos have no score"),
        ({"metrics": ["auc", "auk"]}, "no such metric: auk"),
        ({"metrics": ["f1"]}, "decisions are needed for f1"),
        ({"p": [0.1, 0.2]}, "differ in length"),
        ({"decision": [1.0]}, "differ in length"),
    ],
)
def test_what_can_t_be_resampled_is_refused(change, message):
    given = {"label": [0, 1, 1], "p": [0.1, 0.2, 0.3], "metrics": ["auc"]} | change
    with pytest.raises(ValueError, match=message):
        bootstrap(Resamples.draw([0, 1, 1], list("abc"), replicates=3), **given)


def test_the_standard_error_of_a_mean():
    """Of 40 independent decisions, 28 right: sqrt(q (1 - q) / (n - 1)) in closed form, with the bootstrap's own noise of 2 %."""
    right = np.arange(40) < 28
    resamples = Resamples.draw(np.ones(40), np.arange(40), replicates=4000)
    found = bootstrap(resamples, np.ones(40), right * 0.5, ["accuracy"], right)["accuracy"]
    assert found.standard_error == pytest.approx(math.sqrt(0.7 * 0.3 / 39), rel=0.05)


def test_a_perfect_ranking_is_not_certain():
    """8 people without a mistake: with an AUC below 0.025 ** (1 / 8) = 0.63 that is rarer than 1 in 40."""
    label, p, people = [0, 1] * 8, [0.2, 0.8] * 8, np.repeat(np.arange(8), 2)
    found = bootstrap(Resamples.draw(label, people), label, p, ["auc", "average_precision", "partial_auc", "eer"])
    for name in ("auc", "average_precision", "partial_auc"):
        assert interval(found[name]) == pytest.approx((0.025 ** (1 / 8), 1))
    assert interval(found["eer"]) == pytest.approx((0, 1 - 0.025 ** (1 / 8)))
    assert interval(found["auc"], 0.8)[0] == pytest.approx(0.1 ** (1 / 8))


def test_a_perfect_operating_point_that_a_replicate_loses():
    """One real of 100 outscores all fakes, so that drawing it twice costs every fake: the quantile is further than the bound."""
    label, p = np.repeat([0, 1], [100, 30]), np.concatenate([np.linspace(0, 0.5, 99), [0.9], np.linspace(0.6, 0.8, 30)])
    found = bootstrap(Resamples.draw(label, np.arange(130)), label, p, ["tpr_at_1_fpr"])["tpr_at_1_fpr"]
    assert found.estimate == 1
    assert interval(found) == (0, 1)


def test_the_calibration_error_has_no_interval():
    """Scores that are true probabilities: the error is 0, its estimate of 120 videos isn't, that of a replicate even less so."""
    random = np.random.default_rng(0)
    p = random.random(120)
    label = random.random(120) < p
    resamples = Resamples.draw(label, np.arange(120))
    found = bootstrap(resamples, label, p, ["ece"])["ece"]
    assert 0.03 < found.estimate < found.values.mean()
    assert all(
        math.isnan(end)
        for end in (*interval(found), *interval(found - bootstrap(resamples, label, p / 2, ["ece"])["ece"]))
    )


@pytest.mark.parametrize(
    ("label", "group"),
    [([0, 0, 0, 0], "abcd"), ([0, 0, 1, 1], "aaaa"), ([0, 1, 1, 1], "abcd"), ([0, 0, 0, 1], "aabc")],
)
def test_a_class_of_fewer_than_two_people_has_no_interval(label, group):
    assert all(math.isnan(end) for end in auc_interval(label, [0.1, 0.3, 0.2, 0.4], list(group)))


def test_copies_of_a_video_don_t_narrow_the_interval():
    """Ten copies of everything, each with its original's person: the interval stays; taken as people of their own, it shrinks."""
    random = np.random.default_rng(1)
    label = np.arange(40) % 2
    p = expit(label * 1.5 + random.normal(0, 1.5, 40))
    people = [f"p{n // 2}" for n in range(40)]
    low, high = auc_interval(label, p, people)
    copied = auc_interval(np.tile(label, 10), np.tile(p, 10), people * 10)
    alone = auc_interval(np.tile(label, 10), np.tile(p, 10), [f"v{n}" for n in range(400)])
    assert copied == pytest.approx((low, high), abs=1e-9)
    assert alone[1] - alone[0] < 0.5 * (high - low)
    assert low < roc_auc_score(label, p) < high


def test_videos_without_a_score_don_t_count():
    label, p, group = [0, 1, 0, 1, 0], [0.1, 0.3, 0.2, 0.15, math.nan], ["a", "a", "b", "b", "c"]
    assert auc_interval(label, p, group) == auc_interval(label[:4], p[:4], group[:4])


def simulated(random, people, gap, *, of_one_class):
    """4 videos per person; scores have a part of the person, one of the person in this class, and one of the video."""
    group = np.repeat(np.arange(people), 4)
    label = (group if of_one_class else np.arange(4 * people)) % 2 == 1
    if not of_one_class:
        label &= group % 3 > 0  # a third of the people have no fake
    person, in_class = (
        random.normal(0, 0.8, people)[group],
        random.normal(0, 0.5, (people, 2))[group, label.astype(int)],
    )
    return label, expit(gap * (label - 0.5) + person + in_class + random.normal(0, 0.6, 4 * people)), group


SPREAD = math.sqrt(2 * (0.8**2 + 0.5**2 + 0.6**2))


@pytest.mark.parametrize(
    ("gap", "of_one_class", "naive_at_most"), [(1.0, True, 0.8), (1.0, False, 0.91), (3.0, False, 0.91)]
)
def test_intervals_hold_the_true_auc_as_often_as_they_say(gap, of_one_class, naive_at_most):
    """60 people, true AUC Phi(gap / spread) of 0.74 or 0.97; taking videos as independent holds it too rarely."""
    truth, random, held = norm.cdf(gap / SPREAD), np.random.default_rng(0), []
    for number in range(1000):
        label, p, people = simulated(random, 60, gap, of_one_class=of_one_class)
        ends = []
        for group in (people, np.arange(len(p))):
            resamples = Resamples.draw(label, group, replicates=200, seed=number)
            ends.append(interval(bootstrap(resamples, label, p, ["auc"])["auc"]))
        held.append([low <= truth <= high for low, high in ends])
    by_people, by_video = np.mean(held, axis=0)
    assert 0.93 <= by_people <= 0.97
    assert by_video <= naive_at_most

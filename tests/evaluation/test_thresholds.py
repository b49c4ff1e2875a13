"""Thresholds are the best there are, and no video stands on them."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_core.contract.errors import UsageError
from deepfake_core.evaluation.thresholds import choose, decide

SCORES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def worth(label, called, rule):
    """What a rule maximises, by definition; None where it forbids."""
    true, false = called[label].mean(), called[~label].mean()
    if rule == "youden":
        return round(true - false, 12)
    if rule == "f1":
        return 2 * called[label].sum() / (called.sum() + label.sum())
    return true if false <= float(rule.removeprefix("fpr=")) else None


@pytest.mark.parametrize("rule", ["f1", "youden", "fpr=0.01", "fpr=0.25", "fpr=1"])
@given(fakes=st.lists(SCORES, min_size=1, max_size=9), reals=st.lists(SCORES, min_size=1, max_size=9))
@settings(deadline=None)
def test_no_threshold_is_better_and_of_equal_ones_it_is_the_highest(rule, fakes, reals):
    label, p = np.arange(len(fakes) + len(reals)) < len(fakes), np.array(fakes + reals)
    found = choose(label, p, rule)
    chosen = worth(label, p >= found, rule)
    assert chosen is not None
    for other in [*np.unique(p), math.inf]:
        value = worth(label, p >= other, rule)
        assert value is None or value < chosen or (value == chosen and (p >= other).sum() >= (p >= found).sum())


def test_the_middle_between_neighbours():
    label, p = [0, 0, 1, 1], [0.1, 0.3, 0.6, 0.9]
    assert [choose(label, p, rule) for rule in ("f1", "youden", "fpr=0")] == pytest.approx([0.45] * 3)
    assert choose([0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8], "fpr=0") == pytest.approx(0.7)
    assert choose([0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8], "fpr=0.5") == pytest.approx(0.3)


def test_the_ends():
    """All, none, and none though a real video scores 1: half the way to 0, half the way to 1, just above 1."""
    assert choose([1, 1], [0.4, 0.6]) == pytest.approx(0.2)
    assert choose([1, 0], [0.2, 0.6], "fpr=0") == pytest.approx(0.8)
    assert choose([1, 0], [0.2, 1.0], "fpr=0") == np.nextafter(1, 2)
    assert choose([1, 0], [0.0, 0.0]) == 0.0


def test_neighbouring_floats_have_no_middle():
    low = 0.3
    high = np.nextafter(low, 1)
    assert choose([0, 1], [low, high]) == high


def test_missing_scores_are_left_out():
    assert choose([0, 1, 0], [0.2, 0.8, math.nan]) == choose([0, 1], [0.2, 0.8])
    assert decide([[0.2, 0.5], [math.nan, 0.7]], 0.5) == pytest.approx(np.array([[0, 1], [math.nan, 1]]), nan_ok=True)
    assert np.isnan(decide([0.2, 0.9], math.nan)).all()


@pytest.mark.parametrize(
    ("label", "rule"),
    [([0, 0], "f1"), ([0, 0], "youden"), ([1, 1], "youden"), ([1, 1], "fpr=0.1"), ([], "f1"), ([], "fpr=0.1")],
)
def test_a_rule_that_lacks_a_class_has_no_threshold(label, rule):
    assert math.isnan(choose(label, [0.3, 0.4][: len(label)], rule))


@pytest.mark.parametrize(
    "rule", ["", "best", "fpr", "fpr=", "fpr=high", "fpr=1.5", "fpr=-0.1", "fpr=nan", "f1=0.5", "tpr=0.5"]
)
def test_an_unknown_rule(rule):
    with pytest.raises(UsageError, match="unknown threshold rule") as raised:
        choose([0, 1], [0.1, 0.9], rule)
    assert "f1, youden, fpr=<rate>" in raised.value.hint

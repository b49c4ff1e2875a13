"""Calibrators find the map that distorted the scores, and never claim certainty."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from deepfake_core.contract.errors import UsageError
from deepfake_core.evaluation.calibration import KINDS, Calibrator, choose_kind, fit, reliability

GRID = np.linspace(0, 1, 501)


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def distorted(count, *, scale, shift, seed=0):
    """Scores whose true probability is ``expit(scale * logit(p) + shift)``."""
    random = np.random.default_rng(seed)
    p = expit(random.normal(0, 2, count))
    return random.random(count) < expit(scale * logit(p) + shift), p


@pytest.mark.parametrize(
    ("kind", "scale", "shift"), [("temperature", 0.4, 0.0), ("platt", 0.4, -1.0), ("platt", 2.5, 0.5)]
)
def test_the_distortion_is_found(kind, scale, shift):
    found = fit(*distorted(40_000, scale=scale, shift=shift), kind)
    assert (found.scale, found.shift) == pytest.approx((scale, shift), abs=0.06)


def test_isotonic_finds_any_rising_map():
    random = np.random.default_rng(1)
    p = random.random(40_000)
    truth = np.where(p < 0.5, 0.1 + 0.2 * p, 0.8)
    inner = (GRID > 0.02) & (np.abs(GRID - 0.5) > 0.02) & (GRID < 0.98)
    found = fit(random.random(40_000) < truth, p, "isotonic")(GRID)
    assert found[inner] == pytest.approx(np.where(GRID < 0.5, 0.1 + 0.2 * GRID, 0.8)[inner], abs=0.06)


def test_platt_is_a_logistic_regression_on_softened_targets():
    """7 fakes and 13 reals: targets 8/9 and 1/15, each row given twice with weights t and 1 - t."""
    random = np.random.default_rng(2)
    label = np.arange(20) < 7
    p = expit(label + random.normal(0, 1, 20))
    target = np.where(label, 8 / 9, 1 / 15)
    twice = np.tile(logit(p)[:, None], (2, 1))
    reference = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(
        twice, np.repeat([1, 0], 20), sample_weight=np.concatenate([target, 1 - target])
    )
    found = fit(label, p, "platt")
    assert (found.scale, found.shift) == pytest.approx((reference.coef_[0, 0], reference.intercept_[0]), abs=1e-5)


def test_isotonic_pools_by_hand():
    """2 fakes, 2 reals: targets 3/4 and 1/4; fake 0.3 and real 0.6 are out of order and share their mean 1/2."""
    found = fit([0, 1, 0, 1], [0.1, 0.3, 0.6, 0.9], "isotonic")
    assert found([0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.9, 1]) == pytest.approx([0.25, 0.25, 0.375, 0.5, 0.5, 0.5, 0.75, 0.75])


@pytest.mark.parametrize("kind", KINDS)
@given(
    videos=st.lists(
        st.tuples(st.booleans(), st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))), min_size=1, max_size=12
    )
)
@settings(max_examples=60, deadline=None)
def test_few_videos_of_any_kind(kind, videos):
    """One class, one video, ties, a perfect or a reversed ranking, scores of 0 and 1."""
    found = fit(*zip(*videos, strict=True), kind)
    calibrated = found(GRID)
    assert ((calibrated > 0) & (calibrated < 1)).all()
    assert (np.diff(calibrated) >= -1e-15).all()
    again = Calibrator.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found
    assert (again(GRID) == calibrated).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_reversed_ranking_is_not_turned_round(kind):
    calibrated = fit(GRID < 0.5, GRID, kind)(GRID)
    assert calibrated == pytest.approx(np.full(501, 0.5), abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_score_stays_missing_and_teaches_nothing(kind):
    label, p = distorted(200, scale=0.5, shift=0.2)
    found = fit(label, p, kind)
    assert fit(np.append(label, True), np.append(p, math.nan), kind) == found
    assert np.isnan(found([[0.2, math.nan]])).tolist() == [[False, True]]


def test_what_can_t_be_fitted():
    with pytest.raises(UsageError, match="unknown calibration 'beta'") as raised:
        fit([0, 1], [0.1, 0.9], "beta")
    assert "temperature, platt, isotonic" in raised.value.hint
    with pytest.raises(UsageError, match="no scored video"):
        fit([0, 1], [math.nan, math.nan], "platt")


def test_the_kind_that_fits_unseen_folds_is_chosen():
    folds = np.arange(3000) % 5
    assert choose_kind(*distorted(3000, scale=0.4, shift=0), folds) == "temperature"
    assert choose_kind(*distorted(3000, scale=0.4, shift=-1.5), folds) == "platt"
    random = np.random.default_rng(0)
    p = random.random(3000)
    assert choose_kind(random.random(3000) < np.where(p < 0.8, 0.2, 0.7), p, folds) == "isotonic"


@pytest.mark.parametrize("fold", [[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 2, 3], ["a", "b", "b", "b"]])
def test_folds_of_one_class_or_one_video(fold):
    assert choose_kind([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9], fold) in KINDS
    assert choose_kind([1, 1, 1, 1], [0.1, 0.4, math.nan, 0.9], fold) in KINDS


def test_equal_kinds_go_to_the_simpler():
    """All scores 0.5 and as many fakes as reals in each fold: no kind moves anything."""
    assert choose_kind([0, 1] * 6, [0.5] * 12, np.repeat([0, 1, 2], 4)) == "temperature"


def test_reliability_by_hand():
    found = reliability([0, 1, 1, 0, 1], [0.05, 0.1, 0.19, math.nan, 1.0], bins=10)
    assert found["videos"].tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (found["low"].iloc[1], found["high"].iloc[1]) == (0.1, 0.2)
    assert found["mean_p"].dropna().tolist() == pytest.approx([0.05, 0.145, 1.0])
    assert found["fake_share"].dropna().tolist() == [0, 1, 1]
    assert found.loc[found["videos"] == 0, ["mean_p", "fake_share"]].isna().all(axis=None)

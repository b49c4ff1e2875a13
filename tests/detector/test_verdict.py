"""From probabilities to an answer: the band that doesn't decide, and how far members differ."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from deepfake_core.data.pseudo import DEEPFAKES
from deepfake_core.detector.verdict import Band, Verdict, spread


def test_the_band_of_well_separated_videos_is_narrow():
    label = np.repeat([0, 1], 50)
    p = np.concatenate([np.linspace(0.01, 0.30, 50), np.linspace(0.70, 0.99, 50)])
    band = Band.of(label, p, 0.5)
    # The 46th of 50 reals, the 5th of 50 fakes; (50 + 1) x 0.9 = 45.9, (50 + 1) x 0.1 = 5.1
    assert (band.low, band.high) == (pytest.approx(p[45]), pytest.approx(p[54]))
    assert [band.answer(x) for x in (0.05, 0.5, 0.95)] == ["real", "inconclusive", "fake"]


def test_outside_the_band_at_most_one_in_ten_of_each_class_is_called_wrongly():
    """The promise of conformal prediction: over new videos and calibration sets alike."""
    rng = np.random.default_rng(5)
    wrong = {0: [], 1: []}
    for _ in range(400):
        label = rng.permutation(np.repeat([0, 1], 40))
        p = 1 / (1 + np.exp(-rng.normal(label * 1.0, 1.0)))
        band = Band.of(label, p, 0.5)
        for truth, bad in ((0, "fake"), (1, "real")):
            new = 1 / (1 + np.exp(-rng.normal(truth * 1.0, 1.0, 50)))
            wrong[truth].append(np.mean([band.answer(x) == bad for x in new]))
    for shares in wrong.values():
        assert 0.07 < np.mean(shares) <= 0.105


def test_few_videos_decide_nothing():
    band = Band.of(np.repeat([0, 1], 8), np.repeat([0.01, 0.99], 8), 0.5)
    assert (band.low, band.high) == (0.0, 1.0)
    assert band.answer(0.999) == band.answer(0.001) == "inconclusive"


def test_the_threshold_never_lies_outside_the_band():
    label, p = np.repeat([0, 1], 30), np.concatenate([np.linspace(0.1, 0.2, 30), np.linspace(0.3, 0.4, 30)])
    assert Band.of(label, p, 0.9).high == 0.9
    assert Band.of(label, p, 0.05).low == 0.05


def test_the_spread_of_members_is_students_t_on_the_logit():
    members = 1 / (1 + np.exp(-np.array([-1.0, 0.0, 1.0])))
    low, high = spread(members, 0.5)
    reach = t.ppf(0.975, 2) * 1.0 * np.sqrt(1 + 1 / 3)
    assert low == pytest.approx(1 / (1 + np.exp(reach))) and high == pytest.approx(1 / (1 + np.exp(-reach)))
    assert spread(members[:1], 0.5) is None
    assert spread(np.array([0.7, 0.7, 0.7]), 0.7) == (pytest.approx(0.7), pytest.approx(0.7))
    low, high = spread(np.array([0.0, 1.0, 1.0]), 1.0)
    assert 0 <= low < high <= 1


def test_a_failed_video_has_a_row():
    row = Verdict.failed("a.mp4", "decode_error: cut off", DEEPFAKES).row()
    assert (row["verdict"], row["probability"], row["error"]) == ("inconclusive", None, "decode_error: cut off")

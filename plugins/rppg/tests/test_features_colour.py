from __future__ import annotations

import numpy as np
import pytest

from deepfake_rppg.features.colour import colour_features
from deepfake_rppg.features.measure import summarise
from deepfake_rppg.pulse import pulse

pytestmark = pytest.mark.filterwarnings("error")

FS = 30.0
T = np.arange(300) / FS
BASE = np.array([160.0, 110.0, 90.0])


def report_of(rgb: np.ndarray):
    return summarise(FS, rgb, pulse(rgb, FS, "green"))


def lit(light: np.ndarray) -> np.ndarray:
    """Nine regions of skin in a light that changes over time, ``[300]`` or ``[300, 9]`` or ``[300, 1, 3]``."""
    shape = light.reshape(300, *(light.shape[1:] or (1,)))
    shape = shape[..., None] if shape.ndim == 2 else shape
    return np.broadcast_to(BASE * shape, (300, 9, 3)).copy()


def test_variance_of_brightness_is_that_of_the_light():
    light = np.ones((300, 9))
    light[:, 0] += 0.03 * np.sin(2 * np.pi * 1.2 * T)
    light[:, 1] += 0.05 * np.sin(2 * np.pi * 0.3 * T)
    values = colour_features(report_of(lit(light)))
    assert values["skin_reflection_variance_fh"] == pytest.approx(0.03**2 / 2, rel=0.01)
    assert values["skin_reflection_variance_lc"] == pytest.approx(0.05**2 / 2, rel=0.01)


def test_channels_weigh_in_brightness_as_in_bt_601():
    rgb = lit(np.ones(300))
    rgb[:, 0, 0] += 16 * np.sin(2 * np.pi * 1.2 * T)
    luma = 0.299 * 160 + 0.587 * 110 + 0.114 * 90
    expected = (0.299 * 16) ** 2 / 2 / luma**2
    assert colour_features(report_of(rgb))["skin_reflection_variance_fh"] == pytest.approx(expected, rel=0.01)


def test_difference_of_brightness_between_forehead_and_cheek():
    light = np.ones((300, 9))
    light[:, 0] = 1.2
    light[:, 1] = 0.8
    assert colour_features(report_of(lit(light)))["skin_reflection_mean_difference"] == pytest.approx(0.4)


def test_the_specular_score_is_the_whiteness_of_the_skin():
    values = colour_features(report_of(lit(np.ones(300))))
    assert values["skin_reflection_specular_score"] == pytest.approx(90 / 160)
    grey = np.full((300, 9, 3), 140.0)
    assert colour_features(report_of(grey))["skin_reflection_specular_score"] == pytest.approx(1)


def test_white_light_added_raises_the_specular_score():
    matt = lit(1 + 0.01 * np.sin(2 * np.pi * 1.2 * T))
    scores = [colour_features(report_of(matt + shine))["skin_reflection_specular_score"] for shine in (0, 30, 60)]
    assert scores[0] < scores[1] < scores[2]


@pytest.mark.parametrize(("red", "blue"), [(1.0, -1.0), (-0.5, 2.0)])
def test_channels_that_move_together_and_against_each_other(red, blue):
    beat = np.sin(2 * np.pi * 1.2 * T)
    light = 1 + 0.01 * beat[:, None, None] * np.array([red, 1.0, blue])
    values = colour_features(report_of(lit(light)))
    assert values["rgb_corr_green_red"] == pytest.approx(np.sign(red), abs=1e-6)
    assert values["rgb_corr_green_blue"] == pytest.approx(np.sign(blue), abs=1e-6)


def test_channels_a_quarter_period_apart_do_not_correlate():
    waves = np.stack([np.cos(2 * np.pi * 1.2 * T), np.sin(2 * np.pi * 1.2 * T), np.sin(2 * np.pi * 1.2 * T)], axis=1)
    values = colour_features(report_of(lit(1 + 0.01 * waves[:, None])))
    assert values["rgb_corr_green_red"] == pytest.approx(0, abs=0.05)
    assert values["rgb_corr_green_blue"] == pytest.approx(1, abs=1e-6)


def test_a_change_of_light_outside_the_pulse_band_does_not_correlate_channels():
    beat, slow = np.sin(2 * np.pi * 1.2 * T), np.sin(2 * np.pi * 0.1 * T)
    light = 1 + 0.01 * beat[:, None, None] * np.array([-1.0, 1.0, 1.0]) + 0.02 * slow[:, None, None]
    assert colour_features(report_of(lit(light)))["rgb_corr_green_red"] < -0.9


def test_a_channel_that_never_changes_has_no_correlation():
    light = 1 + 0.01 * np.sin(2 * np.pi * 1.2 * T)[:, None, None] * np.array([0.0, 1.0, 1.0])
    values = colour_features(report_of(lit(light)))
    assert np.isnan(values["rgb_corr_green_red"])
    assert values["rgb_corr_green_blue"] == pytest.approx(1)


def test_unseen_skin_is_unknown():
    rgb = lit(1 + 0.01 * np.sin(2 * np.pi * 1.2 * T))
    rgb[:, 1] = np.nan
    values = colour_features(report_of(rgb))
    assert np.isnan(values["skin_reflection_variance_lc"])
    assert np.isnan(values["skin_reflection_mean_difference"])
    assert values["skin_reflection_specular_score"] == pytest.approx(90 / 160, rel=0.01)
    assert values["rgb_corr_green_red"] == pytest.approx(1)
    assert np.isnan(list(colour_features(report_of(np.full((300, 9, 3), np.nan))).values())).all()


def test_black_skin_regions_are_unknown_not_zero():
    values = colour_features(report_of(np.zeros((300, 9, 3))))
    assert np.isnan(list(values.values())).all()

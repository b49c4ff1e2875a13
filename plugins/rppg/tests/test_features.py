from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepfake_rppg.features import FEATURES, FREQUENCY, GEOMETRY, all_features, compute, measure
from deepfake_rppg.rate import snr
from deepfake_rppg.settings import FeatureSettings
from deepfake_rppg.traces import REGIONS, Traces

pytestmark = pytest.mark.filterwarnings("error")

SETTINGS = FeatureSettings()
TABLE = Path(__file__).parents[3] / "docs" / "science.md"


def pulse_features(traces: Traces) -> dict[str, float]:
    values = compute(traces, SETTINGS)
    return {name: value for name, value in values.items() if name not in GEOMETRY}


def test_there_are_117_features_and_64_frequencies():
    assert len(FEATURES) == len(set(FEATURES)) == 117
    assert len(GEOMETRY) == 26
    assert set(GEOMETRY) < set(FEATURES)
    assert len(FREQUENCY) == 64
    assert (FREQUENCY[0], FREQUENCY[31], FREQUENCY[32], FREQUENCY[63]) == ("fft_r00", "fft_r31", "dct_b00", "dct_b31")


def test_the_documentation_defines_every_feature_in_order():
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", TABLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [name for name, _ in rows] == [*FEATURES, *FREQUENCY]
    for name, rest in rows:
        cells = [cell.strip() for cell in rest.split(" | ")]
        assert len(cells) == 3, name
        assert all(cells), name


def test_a_clip_with_a_clear_pulse_has_all_but_the_slow_variability(film):
    values = compute(film(bpm=66, noise=0.2), SETTINGS)
    assert tuple(values) == FEATURES
    assert all(type(value) is float for value in values.values())
    unknown = {name for name, value in values.items() if not np.isfinite(value)}
    assert unknown == {"hrv_lf_power", "hrv_lf_hf_ratio", "hrv_total_power"}
    assert values["bpm_estimate"] == pytest.approx(66, abs=0.5)
    assert values["spatial_bpm_consistency"] == 1


def test_half_a_minute_has_every_feature(film):
    values = compute(film(bpm=66, noise=0.2, seconds=32), SETTINGS)
    assert np.isfinite(list(values.values())).all()


def test_the_image_frequencies_follow(film):
    traces = film()
    values = all_features(measure(traces, SETTINGS), traces)
    assert tuple(values) == (*FEATURES, *FREQUENCY)
    assert [values[name] for name in FREQUENCY] == traces.spectrum.tolist()
    assert {name: values[name] for name in FEATURES} == pytest.approx(compute(traces, SETTINGS), abs=0, nan_ok=True)


@pytest.mark.parametrize("method", ["chrom", "pos", "green"])
def test_the_method_is_the_settings(film, method):
    traces = film(bpm=84)
    report = measure(traces, FeatureSettings(method=method))
    assert report.overall_bpm == pytest.approx(84, abs=0.5)
    assert report.bpm == pytest.approx(np.full(9, 84), abs=0.5)
    assert report.overall_snr > 10
    assert report.signals.shape == (300, 9)
    others = [measure(traces, FeatureSettings(method=other)) for other in {"chrom", "pos", "green"} - {method}]
    for other in others:
        assert not np.allclose(other.signals, report.signals)


def test_the_face_knows_the_rate_when_most_regions_are_noise(film):
    rng = np.random.default_rng(0)
    traces = film(bpm=96, noise=0.3)
    loud = np.array([1, 1, 0, 1, 1, 0, 1, 1, 1])
    rgb = traces.rgb + rng.normal(size=traces.rgb.shape) * 2 * loud[:, None]
    report = measure(replace(traces, rgb=rgb.astype(np.float32)), SETTINGS)
    assert np.abs(report.bpm - 96).max() > 10
    assert report.overall_bpm == pytest.approx(96, abs=2)
    unweighted = (report.signals / report.signals.std(axis=0)).mean(axis=1)
    assert report.overall_snr > snr(unweighted, report.fs, 96) + 3


def test_one_gain_for_all_channels_changes_nothing(film):
    traces = film()
    louder = replace(traces, rgb=traces.rgb * np.float32(0.5))
    assert pulse_features(louder) == pytest.approx(pulse_features(traces), rel=1e-4, abs=1e-9, nan_ok=True)


def test_time_may_start_anywhere(film):
    traces = film()
    later = replace(traces, times=traces.times + 1000.0)
    assert pulse_features(later) == pytest.approx(pulse_features(traces), rel=1e-4, abs=1e-9, nan_ok=True)


def test_the_same_traces_give_the_same_features_and_stay_as_they_are(film):
    traces, untouched = film(), film()
    assert compute(traces, SETTINGS) == pytest.approx(compute(traces, SETTINGS), rel=0, abs=0, nan_ok=True)
    for name, value in untouched.__dict__.items():
        np.testing.assert_array_equal(getattr(traces, name), value)


def test_stored_traces_give_the_same_features(film, tmp_path):
    traces = film()
    traces.save(tmp_path)
    assert compute(Traces.load(tmp_path), SETTINGS) == pytest.approx(compute(traces, SETTINGS), abs=0, nan_ok=True)


@pytest.mark.parametrize("region", range(len(REGIONS)))
def test_a_region_out_of_sight_leaves_the_rest(film, region):
    traces = film(bpm=66)
    traces.rgb[:, region] = np.nan
    values = pulse_features(traces)
    short = ("fh", "lc", "rc", "lf", "rf", "chin", "nose", "lj", "rj")[region]
    unknown = {name for name, value in values.items() if np.isnan(value)}
    assert values["bpm_estimate"] == pytest.approx(66, abs=0.5)
    for name in unknown - {"hrv_lf_power", "hrv_lf_hf_ratio", "hrv_total_power"}:
        assert short in name.split("_") or name == "skin_reflection_mean_difference", name
    assert {name for name in values if short in name.split("_")} <= unknown


NO_PULSE = {
    "unseen": lambda rgb: np.full_like(rgb, np.nan),
    "constant": lambda rgb: np.full_like(rgb, 120.0),
    "black": np.zeros_like,
}


@pytest.mark.parametrize("case", NO_PULSE)
def test_without_a_pulse_there_are_no_numbers(film, case):
    traces = film()
    values = pulse_features(replace(traces, rgb=NO_PULSE[case](traces.rgb)))
    known = {name for name, value in values.items() if not np.isnan(value)}
    assert known <= {name for name in FEATURES if name.startswith("skin_reflection_")}
    assert known == set() or case == "constant"


def test_a_face_never_seen_leaves_everything_unknown(film):
    traces = film()
    empty = replace(traces, rgb=traces.rgb * np.nan, landmarks=traces.landmarks * np.nan)
    assert np.isnan(list(compute(empty, SETTINGS).values())).all()


@pytest.mark.parametrize("seconds", [0.1, 1.0, 3.3, 5.0])
def test_short_clips_have_what_they_carry(film, seconds):
    values = compute(film(seconds=seconds, bpm=90), SETTINGS)
    assert tuple(values) == FEATURES
    assert np.isfinite(values["bpm_estimate"]) == (seconds > 3.2)
    assert np.isnan(values["coherence_fh_lc"])


def test_sixty_frames_of_ten_seconds_still_carry_a_slow_pulse(film):
    values = compute(film(fps=6.0, bpm=66), SETTINGS)
    assert values["bpm_estimate"] == pytest.approx(66, abs=1)
    assert np.isnan(values["band_power_high_fh"])


def test_sixty_frames_of_a_minute_carry_none(film):
    values = compute(film(fps=1.0, seconds=60, bpm=66), SETTINGS)
    assert np.isnan(values["bpm_estimate"])
    assert np.isfinite(values["geo_asymmetry"])


def test_noise_has_numbers_but_no_agreement(film):
    rng = np.random.default_rng(0)
    traces = film()
    values = compute(replace(traces, rgb=(100 + rng.normal(size=traces.rgb.shape)).astype(np.float32)), SETTINGS)
    assert values["spatial_bpm_consistency"] < 0.7
    assert values["phase_sync_mean"] < 0.3
    assert values["fh_snr"] < 0

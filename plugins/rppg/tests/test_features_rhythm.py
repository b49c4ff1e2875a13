from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from deepfake_rppg.features.measure import summarise
from deepfake_rppg.features.rhythm import find_beats, intervals, rhythm_features, variability

pytestmark = pytest.mark.filterwarnings("error")

FS = 30.0


def report_of(signal: np.ndarray):
    columns = np.repeat(signal[:, None], 9, axis=1)
    return summarise(FS, np.full((len(signal), 9, 3), 100.0), columns)


def beats_of(lengths_ms: np.ndarray) -> np.ndarray:
    return 0.5 + np.concatenate([[0.0], np.cumsum(lengths_ms)]) / 1000


def pulse_train(beats: np.ndarray, seconds: float, fs: float = FS) -> np.ndarray:
    """A cosine that is at its maximum at each beat."""
    t = np.arange(round(seconds * fs)) / fs
    return np.cos(PchipInterpolator(beats, 2 * np.pi * np.arange(len(beats)), extrapolate=True)(t))


class TestVariability:
    def test_alternating_intervals(self):
        """900 and 1000 ms in turn: every difference is 100 ms, the deviation 50 ms times sqrt(n/(n-1))."""
        values = variability(beats_of(np.tile([900.0, 1000.0], 5)))
        assert values["hrv_rmssd"] == pytest.approx(100)
        assert values["hrv_sdnn"] == pytest.approx(50 * np.sqrt(10 / 9))
        assert values["hrv_pnn50"] == 1
        assert values["hrv_pnn20"] == 1

    def test_known_series(self):
        lengths = np.array([800.0, 830.0, 820.0, 900.0, 900.0])
        values = variability(beats_of(lengths))
        assert values["hrv_rmssd"] == pytest.approx(np.sqrt((30**2 + 10**2 + 80**2) / 4))
        assert values["hrv_sdnn"] == pytest.approx(lengths.std(ddof=1))
        assert values["hrv_pnn50"] == pytest.approx(1 / 4)
        assert values["hrv_pnn20"] == pytest.approx(2 / 4)

    def test_a_steady_beat_has_none(self):
        values = variability(beats_of(np.full(70, 1000.0)))
        assert values["hrv_rmssd"] == pytest.approx(0, abs=1e-6)
        assert values["hrv_total_power"] == pytest.approx(0, abs=1e-6)

    def test_a_missed_beat_is_left_out_with_both_of_its_differences(self):
        lengths = np.array([800.0, 810.0, 800.0, 1600.0, 800.0, 790.0, 800.0])
        values = variability(beats_of(lengths))
        assert np.isnan(intervals(beats_of(lengths))[3])
        assert values["hrv_rmssd"] == pytest.approx(10)
        assert values["hrv_sdnn"] == pytest.approx(np.delete(lengths, 3).std(ddof=1))

    @pytest.mark.parametrize(("hz", "band"), [(0.1, "hrv_lf_power"), (0.25, "hrv_hf_power")])
    def test_power_of_a_sinusoidal_variation_is_half_its_squared_amplitude(self, hz, band):
        beats = [0.0]
        while beats[-1] < 120:
            beats.append(beats[-1] + 0.8 + 0.03 * np.sin(2 * np.pi * hz * beats[-1]))
        values = variability(np.array(beats))
        assert values[band] == pytest.approx(450, rel=0.15)
        assert values["hrv_total_power"] == pytest.approx(450, rel=0.15)
        ratio = values["hrv_lf_power"] / values["hrv_hf_power"]
        assert values["hrv_lf_hf_ratio"] == pytest.approx(ratio)
        assert (ratio > 10) == (band == "hrv_lf_power")

    def test_ten_seconds_have_no_low_frequency_power(self):
        values = variability(beats_of(np.tile([800.0, 850.0], 6)))
        for name in ("hrv_lf_power", "hrv_lf_hf_ratio", "hrv_total_power"):
            assert np.isnan(values[name])
        assert np.isfinite(values["hrv_hf_power"])

    def test_six_seconds_have_no_high_frequency_power_either(self):
        assert np.isnan(variability(beats_of(np.tile([800.0, 850.0], 3)))["hrv_hf_power"])

    def test_a_slow_heart_does_not_sample_the_high_frequencies(self):
        assert np.isnan(variability(beats_of(np.full(60, 1300.0)))["hrv_hf_power"])

    @pytest.mark.parametrize("count", [0, 1, 2, 4])
    def test_few_beats_have_no_variability(self, count):
        values = variability(np.arange(count, dtype=float))
        assert len(values) == 8
        assert np.isnan(list(values.values())).all()


@pytest.mark.parametrize("fs", [15.0, 30.0, 60.0])
def test_beats_are_found_within_milliseconds(fs):
    rng = np.random.default_rng(0)
    beats = beats_of(rng.uniform(780, 920, 30))
    signal = pulse_train(beats, 10, fs)
    found = find_beats(signal, fs, 60 / 0.85)
    inner = found[(found > 1) & (found < 9)]
    error = inner - beats[np.abs(beats[:, None] - inner).argmin(axis=0)]
    assert len(inner) >= 8
    assert np.abs(error).max() < 0.006


def test_variability_through_the_whole_chain():
    lengths = np.tile([780.0, 820.0, 900.0, 850.0], 10)
    beats = beats_of(lengths)
    values = rhythm_features(report_of(pulse_train(beats, 10)))
    shown = beats[(beats > 0.1) & (beats < 9.9)]
    expected = variability(shown)
    assert values["hrv_rmssd"] == pytest.approx(expected["hrv_rmssd"], rel=0.1)
    assert values["hrv_sdnn"] == pytest.approx(expected["hrv_sdnn"], rel=0.1)


class TestCourse:
    @pytest.mark.parametrize("bpm", [60.0, 80.0, 110.0])
    def test_a_steady_pulse(self, bpm):
        values = rhythm_features(report_of(np.sin(2 * np.pi * bpm / 60 * np.arange(300) / FS)))
        assert values["bpm_estimate"] == pytest.approx(bpm, abs=0.2)
        assert values["bpm_consistency"] == pytest.approx(1, abs=0.01)
        assert values["signal_stationarity"] > 0.97
        assert values["temporal_bpm_std"] < 1
        assert values["temporal_bpm_range"] < 2
        assert values["temporal_snr_std"] < 1
        assert values["temporal_bpm_stability"] > 0.99
        assert values["temporal_bpm_consistency"] == 1

    def test_a_pulse_that_speeds_up(self):
        """From 60 to 120 bpm in 20 s: windows of 3 s are centred on 64.5 to 115.5 bpm."""
        t = np.arange(600) / FS
        values = rhythm_features(report_of(np.sin(2 * np.pi * (t + t**2 / 40))))
        centres = 60 + 3 * np.arange(1.5, 19)
        assert values["temporal_bpm_range"] == pytest.approx(51, abs=5)
        assert values["temporal_bpm_std"] == pytest.approx(centres.std(), rel=0.1)
        assert values["temporal_bpm_stability"] == pytest.approx(1 / (1 + centres.std() / centres.mean()), rel=0.05)
        assert values["temporal_bpm_consistency"] < 0.5

    def test_a_pulse_that_grows(self):
        """Windows whose strength runs from 1 to 3 in even steps, one a second."""
        t = np.arange(330) / FS
        values = rhythm_features(report_of((1 + 0.25 * (t - 1.5)) * np.sin(2 * np.pi * 2 * t)))
        strength = np.linspace(1, 3, 9)
        expected = 1 / (1 + strength.std() / strength.mean())
        assert values["signal_stationarity"] == pytest.approx(expected, rel=0.03)

    def test_noise_in_part_of_the_clip_spreads_the_signal_to_noise_ratio(self):
        t = np.arange(450) / FS
        rng = np.random.default_rng(0)
        signal = np.sin(2 * np.pi * 1.3 * t) + np.where(t > 8, 2.0, 0.02) * rng.normal(size=450)
        assert rhythm_features(report_of(signal))["temporal_snr_std"] > 3

    def test_spectrum_and_beats_may_disagree(self):
        rng = np.random.default_rng(1)
        values = [rhythm_features(report_of(rng.normal(size=300)))["bpm_consistency"] for _ in range(10)]
        assert np.nanmean(values) < 0.95
        assert np.nanmax(values) <= 1

    def test_without_a_pulse_all_are_unknown(self):
        values = rhythm_features(report_of(np.full(300, np.nan)))
        assert len(values) == 16
        assert np.isnan(list(values.values())).all()

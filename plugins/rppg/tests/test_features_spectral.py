from __future__ import annotations

import numpy as np
import pytest

from deepfake_rppg.features.measure import summarise
from deepfake_rppg.features.names import PER_REGION
from deepfake_rppg.features.spectral import band_features, describe, region_features, signal_features
from deepfake_rppg.rate import spectrum

pytestmark = pytest.mark.filterwarnings("error")

FS = 30.0
T = np.arange(300) / FS


def of(*signals: np.ndarray) -> dict[str, np.ndarray]:
    columns = np.stack(signals, axis=1)
    return describe(columns, FS, spectrum(columns, FS))


def sine(hz: float, amplitude: float = 1.0, phase: float = 0.3, t: np.ndarray = T) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * t + phase)


def report_of(*signals: np.ndarray):
    """A report whose regions have these pulses; the last one fills the rest of the nine."""
    columns = np.stack([*signals, *[signals[-1]] * (9 - len(signals))], axis=1)
    return summarise(FS, np.full((len(columns), 9, 3), 100.0), columns)


@pytest.mark.parametrize("hz", [0.9, 1.2, 1.7, 2.4])
def test_a_sine_is_described_in_closed_form(hz):
    values = of(sine(hz, 0.004))
    assert values["snr"] > 20
    assert values["spectral_purity"] > 0.99
    assert values["peak_prominence"] > 0.99
    assert values["dominant_freq"] == pytest.approx(hz, abs=0.003)
    assert values["spectral_entropy"] < 0.03
    assert values["spectral_centroid"] == pytest.approx(hz, abs=0.02)
    assert values["mad"] == pytest.approx(0.004 * np.sin(np.pi / 4), rel=0.03)
    assert values["std"] == pytest.approx(0.004 / np.sqrt(2), rel=0.01)
    assert values["zcr"] == pytest.approx(2 * hz, abs=0.1)
    assert values["kurtosis"] == pytest.approx(-1.5, abs=0.02)
    assert values["skewness"] == pytest.approx(0, abs=0.02)


def test_noise_is_impure_flat_and_normally_distributed():
    rng = np.random.default_rng(0)
    values = of(*rng.normal(size=(20, 3000)))
    assert values["snr"].max() < -3
    assert values["spectral_purity"].max() < 0.25
    assert values["peak_prominence"].max() < 0.5
    assert values["spectral_entropy"].min() > 0.9
    assert values["spectral_centroid"] == pytest.approx(np.full(20, 2.35), abs=0.15)
    assert values["kurtosis"].mean() == pytest.approx(0, abs=0.1)
    assert values["skewness"].mean() == pytest.approx(0, abs=0.05)


def test_the_harmonic_ratio_is_a_ratio_of_powers():
    assert of(sine(1.2) + sine(2.4, 0.5))["harmonic_ratio"] == pytest.approx(0.25, rel=0.02)


def test_a_harmonic_beyond_the_band_is_unknown():
    assert np.isnan(of(sine(2.1))["harmonic_ratio"]).all()


def test_the_prominence_compares_with_the_second_peak():
    assert of(sine(1.0) + sine(2.0, 0.6))["peak_prominence"] == pytest.approx(1 - 0.36, abs=0.02)


def test_entropy_does_not_depend_on_the_length_of_the_clip():
    lengths = [6.0, 10.0, 30.0]
    lines = [of(sine(1.3, t=np.arange(round(s * FS)) / FS))["spectral_entropy"][0] for s in lengths]
    pairs = [
        of(sine(1.3, t=np.arange(round(s * FS)) / FS) + sine(2.7, t=np.arange(round(s * FS)) / FS))["spectral_entropy"][
            0
        ]
        for s in lengths
    ]
    assert max(lines) < 0.03
    assert min(pairs) > 0.2
    assert max(pairs) - min(pairs) < 0.15


def test_skewness_and_kurtosis_of_a_known_distribution():
    """Three samples in four at -1 and one at 3: mean 0, variance 3, skewness 6/3^1.5, excess kurtosis 21/9 - 3."""
    values = of(np.tile([-1.0, -1.0, -1.0, 3.0], 75))
    assert values["skewness"] == pytest.approx(6 / 3**1.5)
    assert values["kurtosis"] == pytest.approx(21 / 9 - 3)
    assert values["mad"] == pytest.approx(0)


def test_a_signal_that_is_nan_has_no_description():
    values = of(sine(1.2), np.full(300, np.nan))
    assert sorted(values) == sorted(PER_REGION)
    for name, value in values.items():
        assert np.isfinite(value[0]), name
        assert np.isnan(value[1]), name


def test_region_features_are_those_of_forehead_and_left_cheek():
    forehead, cheek, rest = sine(1.0, 0.01), sine(1.5, 0.02), sine(2.0, 0.03)
    values = region_features(report_of(forehead, cheek, rest))
    assert values["fh_dominant_freq"] == pytest.approx(1.0, abs=0.01)
    assert values["lc_dominant_freq"] == pytest.approx(1.5, abs=0.01)
    assert values["fh_std"] == pytest.approx(0.01 / np.sqrt(2), rel=0.01)
    assert values["lc_std"] == pytest.approx(0.02 / np.sqrt(2), rel=0.01)
    assert len(values) == 24


class TestSignalFeatures:
    def test_of_a_sine(self):
        values = signal_features(report_of(sine(1.2, 0.01)))
        assert values["signal_energy"] == pytest.approx(0.01**2 / 2, rel=0.01)
        assert values["crest_factor"] == pytest.approx(np.sqrt(2), rel=0.01)
        assert values["signal_complexity"] == pytest.approx(1, abs=0.02)
        assert values["spectral_flatness"] < 0.01

    def test_of_noise(self):
        rng = np.random.default_rng(0)
        values = signal_features(report_of(rng.normal(size=3000)))
        assert values["signal_energy"] == pytest.approx(1, rel=0.1)
        assert values["spectral_flatness"] > 0.9
        assert values["signal_complexity"] == pytest.approx(np.sqrt(3 / 2), rel=0.05)  # sd 1, sqrt 2, sqrt 6
        assert values["crest_factor"] > 2.5

    def test_entropy_of_amplitudes_is_that_of_their_levels(self):
        """Two levels in equal numbers hold ln 2 of the ln 16 that sixteen levels could."""
        assert signal_features(report_of(np.tile([-1.0, 1.0], 150)))["signal_entropy"] == pytest.approx(0.25)

    def test_a_steady_spread_of_amplitudes_has_more_entropy_than_a_spike(self):
        spike = np.zeros(300)
        spike[150] = 1.0
        ramp = np.linspace(-1, 1, 300)
        values = [signal_features(report_of(s + sine(1.0, 1e-3)))["signal_entropy"] for s in (spike, ramp)]
        assert values[0] < 0.1 < 0.7 < values[1]

    def test_without_a_pulse_all_are_unknown(self):
        values = signal_features(report_of(np.full(300, np.nan)))
        assert len(values) == 5
        assert np.isnan(list(values.values())).all()


class TestBandFeatures:
    def test_shares_of_three_sines(self):
        """Powers 9:4:1 in the three bands."""
        values = band_features(report_of(sine(1.0, 3) + sine(2.0, 2) + sine(3.2, 1), sine(1.0)))
        shares = [values[f"band_power_{band}_fh"] for band in ("low", "mid", "high")]
        assert shares == pytest.approx([9 / 14, 4 / 14, 1 / 14], abs=0.01)
        assert sum(shares) == pytest.approx(1)
        assert values["band_power_ratio_fh"] == pytest.approx(9, rel=0.05)
        assert values["band_power_low_lc"] == pytest.approx(1, abs=0.01)
        assert values["band_power_high_lc"] < 0.001

    def test_variance_over_regions(self):
        assert band_features(report_of(sine(1.0)))["band_power_variance"] == pytest.approx(0, abs=1e-9)
        values = band_features(report_of(sine(1.0), sine(2.0), sine(1.0)))
        share = 1 / 9
        assert values["band_power_variance"] == pytest.approx(2 / 3 * share * (1 - share), rel=0.02)

    def test_a_band_beyond_the_nyquist_frequency_is_unknown(self):
        t = np.arange(60) / 6.0
        columns = np.repeat(sine(1.0, t=t)[:, None], 9, axis=1)
        values = band_features(summarise(6.0, np.ones((60, 9, 3)), columns))
        assert values["band_power_low_fh"] > 0.9
        assert np.isnan(values["band_power_high_fh"])
        assert np.isnan(values["band_power_variance"])

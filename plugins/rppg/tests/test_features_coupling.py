from __future__ import annotations

import numpy as np
import pytest

from deepfake_rppg.features.coupling import agreement_features, correlation, coupling_features, cross_spectrum, spread
from deepfake_rppg.features.measure import summarise
from deepfake_rppg.features.names import COHERENCES, CORRELATIONS, SHORT
from deepfake_rppg.pulse import bandpass

pytestmark = pytest.mark.filterwarnings("error")

FS = 30.0
T = np.arange(300) / FS


def sine(hz: float, lag_s: float = 0.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * (T - lag_s) + 0.3)


def report_of(**signals: np.ndarray):
    """A report with these pulses in the regions named; the others have a sine of 1.2 Hz."""
    columns = np.stack([signals.get(name, sine(1.2)) for name in SHORT], axis=1)
    return summarise(FS, np.full((300, 9, 3), 100.0), columns)


def noises(count: int, seed: int = 0) -> np.ndarray:
    return bandpass(np.random.default_rng(seed).normal(size=(300, count)), FS)


def test_identical_regions_are_fully_coupled():
    values = coupling_features(report_of())
    for name in (*CORRELATIONS, *COHERENCES):
        assert values[name] == pytest.approx(1), name
    assert values["phase_diff_fh_lc"] == pytest.approx(0, abs=1e-9)
    assert values["phase_diff_fh_rc"] == pytest.approx(0, abs=1e-9)
    assert values["phase_sync_mean"] == pytest.approx(1)
    assert values["phase_sync_std"] == pytest.approx(0, abs=1e-9)
    assert values["phase_sync_consistency"] == 1


@pytest.mark.parametrize("name", CORRELATIONS)
def test_correlation_of_two_sines_is_the_cosine_of_their_phase(name):
    first, second = name.split("_")[1:]
    lag = 0.15
    values = coupling_features(report_of(**{first: sine(1.2), second: sine(1.2, lag)}))
    assert values[name] == pytest.approx(np.cos(2 * np.pi * 1.2 * lag), abs=1e-6)


@pytest.mark.parametrize("lag", [0.1, -0.1, 0.3])
def test_the_phase_difference_is_the_lag_of_the_second_region(lag):
    values = coupling_features(report_of(lc=sine(1.2, lag), rc=sine(1.2, lag / 2)))
    assert values["phase_diff_fh_lc"] == pytest.approx(2 * np.pi * 1.2 * lag, abs=0.01)
    assert values["phase_diff_fh_rc"] == pytest.approx(np.pi * 1.2 * lag, abs=0.01)
    assert values["coherence_fh_lc"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", COHERENCES)
def test_only_coherences_of_a_region_with_noise_are_low(name):
    second = name.split("_")[-1]
    values = coupling_features(report_of(**{second: noises(1)[:, 0]}))
    assert values[name] < 0.6
    for other in COHERENCES:
        if second not in other.split("_"):
            assert values[other] == pytest.approx(1)


def test_coherence_and_locking_of_independent_noises_are_low():
    coherence, locking = [], []
    for seed in range(20):
        noise = noises(9, seed)
        off = ~np.eye(9, dtype=bool)
        coherence.append(cross_spectrum(noise, FS, 1.5)[0][off].mean())
        values = coupling_features(summarise(FS, np.full((300, 9, 3), 100.0), noise))
        locking.append(values["phase_sync_mean"])
        assert values["phase_sync_consistency"] < 0.2
    assert np.mean(coherence) < 0.35
    assert np.mean(locking) < 0.25


def test_coherence_is_that_of_scipy():
    from scipy.signal import coherence, csd

    signals = noises(2)
    ours, lag = cross_spectrum(signals, FS, 1.5)
    options = {"fs": FS, "window": "hann", "nperseg": 90, "noverlap": 45, "nfft": 2048, "detrend": "constant"}
    freqs, reference = coherence(*signals[:285].T, **options)
    near = np.abs(freqs - 1.5) <= 1 / 3
    assert cross_spectrum(signals[:270], FS, 1.5)[0][0, 1] == pytest.approx(
        coherence(*signals[:270].T, **options)[1][near].mean(), abs=1e-9
    )
    assert ours[0, 1] == pytest.approx(reference[near].mean(), abs=0.2)
    cross = csd(*signals[:270].T, **options)[1][near].sum()
    assert cross_spectrum(signals[:270], FS, 1.5)[1][0, 1] == pytest.approx(-np.angle(cross), abs=1e-9)
    assert lag[0, 1] == pytest.approx(-lag[1, 0])


def test_phase_locking_tells_regions_apart():
    values = coupling_features(report_of(lj=sine(1.9), rj=sine(2.6)))
    pairs_with_odd = 8 + 7
    assert values["phase_sync_consistency"] == pytest.approx(1 - pairs_with_odd / 36)
    assert values["phase_sync_mean"] == pytest.approx(21 / 36, abs=0.05)
    assert values["phase_sync_std"] > 0.4


def test_an_unseen_region_leaves_the_others():
    values = coupling_features(report_of(chin=np.full(300, np.nan)))
    for name in (*CORRELATIONS, *COHERENCES):
        assert np.isnan(values[name]) == ("chin" in name), name
    assert values["phase_sync_mean"] == pytest.approx(1)


def test_less_than_six_seconds_have_no_coherence_but_a_correlation():
    short = np.repeat(sine(1.2)[:170, None], 9, axis=1)
    values = coupling_features(summarise(FS, np.full((170, 9, 3), 100.0), short))
    assert np.isnan([values["coherence_fh_lc"], values["phase_diff_fh_lc"]]).all()
    assert values["corr_fh_lc"] == pytest.approx(1)


def test_constant_columns_have_no_correlation():
    assert np.isnan(correlation(np.stack([sine(1.2), np.ones(300)], axis=1))[0, 1])


def test_spread_in_closed_form():
    values = spread(np.array([60.0, 62.0, 64.0, 66.0, 88.0, np.nan]), 6.0)
    assert values["variance"] == pytest.approx(104.0)
    assert values["std"] == pytest.approx(np.sqrt(104.0))
    assert values["range"] == 28
    assert values["iqr"] == 4
    assert values["consistency"] == pytest.approx(0.8)
    assert np.isnan(list(spread(np.array([60.0, np.nan]), 6.0).values())).all()


def test_heart_rates_over_the_face():
    rates = np.array([60, 60, 60, 63, 66, 72, 90, 90, 120.0])
    report = report_of(**{name: sine(bpm / 60) for name, bpm in zip(SHORT, rates, strict=True)})
    values = agreement_features(report)
    assert values["spatial_bpm_variance"] == pytest.approx(rates.var(), rel=0.01)
    assert values["spatial_bpm_std"] == pytest.approx(rates.std(), rel=0.01)
    assert values["spatial_bpm_range"] == pytest.approx(60, abs=0.3)
    assert values["spatial_bpm_iqr"] == pytest.approx(30, abs=0.3)
    assert values["spatial_bpm_consistency"] == pytest.approx(5 / 9, abs=0.12)


def test_signal_to_noise_ratios_over_the_face():
    noise = noises(9)
    noise[:, 1:] = noise[:, :1]
    strength = np.ones(9)
    strength[0] = 10
    report = summarise(FS, np.full((300, 9, 3), 100.0), sine(1.2)[:, None] * strength + 0.3 * noise)
    values = agreement_features(report)
    assert values["snr_range"] == pytest.approx(np.ptp(report.snr))
    assert values["snr_std"] == pytest.approx(report.snr.std())
    assert values["snr_range"] > 6
    assert values["snr_consistency"] == pytest.approx(8 / 9)

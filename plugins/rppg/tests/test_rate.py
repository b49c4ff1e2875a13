from __future__ import annotations

import numpy as np
import pytest

from deepfake_rppg.rate import heart_rate, snr, spectrum

pytestmark = pytest.mark.filterwarnings("error")


def sine(hz: float, fs: float = 30.0, seconds: float = 10.0, phase: float = 0.3) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * fs)) / fs + phase)


@pytest.mark.parametrize("fs", [15.0, 25.0, 29.97, 60.0])
@pytest.mark.parametrize("bpm", [47.3, 61.9, 88.8, 140.1, 201.7])
def test_the_heart_rate_of_a_sine_is_its_frequency(bpm, fs):
    assert heart_rate(sine(bpm / 60, fs), fs) == pytest.approx(bpm, abs=0.2)


def test_many_signals_give_what_each_gives_alone():
    signals = np.stack([sine(1.0), sine(1.7), np.full(300, np.nan)], axis=1)
    bpm = heart_rate(signals, 30.0)
    assert bpm.shape == (3,)
    assert bpm[:2].tolist() == [float(heart_rate(signals[:, 0], 30.0)), float(heart_rate(signals[:, 1], 30.0))]
    assert np.isnan(bpm[2])
    assert np.isnan(snr(signals, 30.0, 60.0)[2])
    assert heart_rate(signals[:, 0], 30.0).shape == ()


def test_the_flank_of_a_line_below_the_band_is_no_heart_rate():
    density = spectrum(sine(0.6) + 0.1 * sine(1.5), 30.0)
    assert density.power[density.in_band(), 0].argmax() == 0
    assert heart_rate(sine(0.6) + 0.1 * sine(1.5), 30.0) == pytest.approx(90, abs=1)


def test_a_signal_without_a_maximum_has_no_heart_rate():
    assert np.isnan(heart_rate(np.zeros(300), 30.0))


def test_the_power_of_a_sine_is_half_its_squared_amplitude():
    density = spectrum(3 * sine(1.5, seconds=60), 30.0)
    assert density.total()[0] == pytest.approx(4.5, rel=0.01)
    assert density.near(np.array([1.5]))[0] == pytest.approx(4.5, rel=0.01)
    assert density.within(1.0, 2.0)[0] == pytest.approx(4.5, rel=0.01)


def test_power_beyond_what_the_frame_rate_carries_is_unknown():
    density = spectrum(sine(1.5, fs=6.0), 6.0)
    assert np.isnan(density.within(2.5, 4.0)).all()
    assert np.isfinite(density.within(0.7, 1.5)).all()


@pytest.mark.parametrize("seconds", [6.0, 10.0, 15.0, 60.0])
def test_segments_reach_the_end_of_the_record(seconds):
    burst = sine(1.5, seconds=seconds)
    burst[: -round(2.0 * 30)] = 0
    assert spectrum(burst, 30.0).total()[0] > 1e-6


@pytest.mark.parametrize("decibel", [-3.0, 3.0, 10.0])
def test_the_signal_to_noise_ratio_of_a_sine_in_white_noise(decibel):
    """White noise of variance v spreads evenly over 0 to fs/2; lines of 2 x 0.4 Hz of the 3.3 Hz band aren't noise."""
    fs, seconds, hz = 30.0, 600.0, 1.2
    variance = 0.01
    density = variance / (fs / 2)
    noise = density * (3.3 - 0.8)
    power = noise * 10 ** (decibel / 10) - density * 0.8
    rng = np.random.default_rng(0)
    signal = np.sqrt(2 * power) * sine(hz, fs, seconds) + np.sqrt(variance) * rng.normal(size=round(fs * seconds))
    assert snr(signal, fs, 60 * hz) == pytest.approx(decibel, abs=0.7)


def test_the_second_harmonic_counts_as_signal():
    both = sine(1.2) + 0.5 * sine(2.4)
    assert snr(both, 30.0, 72.0) > 20
    assert snr(both + sine(3.3), 30.0, 72.0) < 2


def test_without_a_heart_rate_there_is_no_ratio():
    assert np.isnan(snr(sine(1.2), 30.0, np.nan))

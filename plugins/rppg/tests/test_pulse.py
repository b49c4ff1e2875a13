from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from deepfake_rppg.pulse import bandpass, passband, pulse, resample, window_length
from deepfake_rppg.rate import heart_rate

pytestmark = pytest.mark.filterwarnings("error")

METHODS = ("chrom", "pos", "green")


def reference_filter(signal: np.ndarray, fs: float) -> np.ndarray:
    sections = butter(3, [0.7, 4.0], btype="bandpass", fs=fs, output="sos")
    return sosfiltfilt(sections, signal, padlen=2 * round(0.8 * fs))


def reference_chrom(rgb: np.ndarray, fs: float) -> np.ndarray:
    """The equations of the docstring for one region, window by window."""
    count, length = len(rgb), 2 * round(0.8 * fs)
    starts = list(range(0, count - length + 1, length // 2))
    if starts[-1] != count - length:
        starts.append(count - length)
    total, weight = np.zeros(count), np.zeros(count)
    for start in starts:
        rows = slice(start, start + length)
        r, g, b = (rgb[:, c] / rgb[rows, c].mean() for c in range(3))
        x = reference_filter(3 * r - 2 * g, fs)[rows]
        y = reference_filter(1.5 * r + g - 1.5 * b, fs)[rows]
        s = x - np.std(x) / np.std(y) * y
        for n in range(length):
            hann = np.sin(np.pi * (n + 0.5) / length) ** 2
            total[start + n] += hann * s[n]
            weight[start + n] += hann
    return total / weight


def reference_green(rgb: np.ndarray, fs: float) -> np.ndarray:
    count, length = len(rgb), 2 * round(0.8 * fs)
    filtered = reference_filter(rgb[:, 1], fs)
    total, weight = np.zeros(count), np.zeros(count)
    for start in sorted({*range(0, count - length + 1, length // 2), count - length}):
        mean = rgb[start : start + length, 1].mean()
        for n in range(length):
            hann = np.sin(np.pi * (n + 0.5) / length) ** 2
            total[start + n] += hann * filtered[start + n] / mean
            weight[start + n] += hann
    return total / weight


def reference_pos(rgb: np.ndarray, fs: float) -> np.ndarray:
    count, length = len(rgb), 2 * round(0.8 * fs)
    total, windows = np.zeros(count), np.zeros(count)
    for start in range(count - length + 1):
        rows = slice(start, start + length)
        c = rgb[rows] / rgb[rows].mean(axis=0)
        p = c @ [0, 1, -1]
        q = c @ [-2, 1, 1]
        h = p + np.std(p) / np.std(q) * q
        total[rows] += h - h.mean()
        windows[rows] += 1
    return reference_filter(total / windows, fs)


REFERENCES = {"chrom": reference_chrom, "pos": reference_pos, "green": reference_green}


@pytest.mark.parametrize("fps", [15.0, 29.97, 60.0])
@pytest.mark.parametrize("method", METHODS)
def test_the_pulse_is_that_of_the_equations_term_by_term(film, method, fps):
    traces = film(fps=fps, seconds=7.3, noise=0.5, motion=0.02)
    fs, rgb = resample(traces.times, traces.rgb)
    signals = pulse(rgb, fs, method)
    for region in range(rgb.shape[1]):
        expected = REFERENCES[method](rgb[:, region], fs)
        np.testing.assert_allclose(signals[:, region], expected, rtol=0, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("fps", [15.0, 25.0, 29.97, 30.0, 60.0])
@pytest.mark.parametrize("bpm", [48.0, 63.0, 72.0, 100.0, 150.0])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_a_known_heart_rate(film, method, bpm, fps):
    traces = film(bpm=bpm, fps=fps)
    fs, rgb = resample(traces.times, traces.rgb)
    assert np.abs(heart_rate(pulse(rgb, fs, method), fs) - bpm).max() < 0.5


@pytest.mark.parametrize("bpm", [48.0, 72.0, 150.0])
@pytest.mark.parametrize("method", ["chrom", "pos"])
def test_noise_motion_jitter_and_lost_frames_leave_the_heart_rate(film, method, bpm):
    traces = film(bpm=bpm, noise=0.2, motion=0.03, drift=0.05, jitter=0.15, dropped=0.1)
    fs, rgb = resample(traces.times, traces.rgb)
    assert np.abs(heart_rate(pulse(rgb, fs, method), fs) - bpm).max() < 2.0


def test_green_survives_jitter_and_lost_frames_without_motion(film):
    traces = film(bpm=63, noise=0.2, drift=0.05, jitter=0.15, dropped=0.1)
    fs, rgb = resample(traces.times, traces.rgb)
    assert np.abs(heart_rate(pulse(rgb, fs, "green"), fs) - 63).max() < 2.0


@pytest.mark.parametrize("method", ["chrom", "pos"])
def test_brightness_common_to_all_channels_is_no_pulse(method):
    fs, t = 30.0, np.arange(300) / 30
    light = 1 + 0.02 * np.sin(2 * np.pi * 1.3 * t)
    rgb = (np.array([160.0, 110.0, 90.0]) * light[:, None])[:, None]
    left = np.nan_to_num(pulse(rgb, fs, method)).std()
    assert left < 1e-3 * pulse(rgb, fs, "green").std()


@pytest.mark.parametrize("method", METHODS)
def test_the_camera_gain_of_each_channel_does_not_matter(film, method):
    traces = film()
    fs, rgb = resample(traces.times, traces.rgb)
    np.testing.assert_allclose(pulse(rgb * [0.5, 1.7, 1.2], fs, method), pulse(rgb, fs, method), rtol=1e-9, atol=1e-14)


def test_regions_do_not_disturb_each_other(film):
    traces = film()
    fs, rgb = resample(traces.times, traces.rgb)
    for method in METHODS:
        together = pulse(rgb, fs, method)
        rgb_with_gap = rgb.copy()
        rgb_with_gap[:, 4] = np.nan
        apart = pulse(rgb_with_gap, fs, method)
        assert np.isnan(apart[:, 4]).all()
        np.testing.assert_array_equal(np.delete(apart, 4, axis=1), np.delete(together, 4, axis=1))


@pytest.mark.parametrize("method", METHODS)
def test_regions_without_a_pulse_are_nan(method):
    rgb = np.full((300, 3, 3), 120.0)
    rgb[:, 1] = 0.0
    rgb[:, 2] = np.nan
    assert np.isnan(pulse(rgb, 30.0, method)).all()


def test_a_record_shorter_than_two_windows_has_no_pulse(film):
    traces = film(seconds=3.0)
    fs, rgb = resample(traces.times, traces.rgb)
    assert np.isnan(pulse(rgb, fs, "chrom")).all()


def test_a_frame_rate_that_leaves_no_octave_has_no_pulse(film):
    traces = film(fps=3.0, seconds=20)
    fs, rgb = resample(traces.times, traces.rgb)
    assert np.isnan(pulse(rgb, fs, "chrom")).all()


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="'ica': choose one of chrom, pos, green"):
        pulse(np.ones((300, 1, 3)), 30.0, "ica")


def test_the_band_ends_below_the_nyquist_frequency():
    assert passband(30.0) == (0.7, 4.0)
    assert passband(6.0) == (0.7, pytest.approx(2.7))
    assert np.isnan(passband(3.0)).all()


def test_the_bandpass_keeps_phase_and_amplitude_in_the_band_and_nothing_outside():
    fs, t = 30.0, np.arange(1800) / 30
    inner = slice(300, -300)
    inside = np.sin(2 * np.pi * 1.5 * t)
    np.testing.assert_allclose(bandpass(inside, fs)[inner], inside[inner], atol=0.01)
    for outside in (0.2, 9.0):
        assert np.abs(bandpass(np.sin(2 * np.pi * outside * t), fs)[inner]).max() < 0.01


@pytest.mark.parametrize(("fs", "length"), [(15.0, 24), (25.0, 40), (29.97, 48), (30.0, 48), (60.0, 96)])
def test_a_window_lasts_1600_ms_and_halves_evenly(fs, length):
    assert window_length(fs) == length


class TestResample:
    def test_straight_lines_stay_straight_whatever_the_frame_times(self):
        rng = np.random.default_rng(0)
        times = 5 + np.cumsum(rng.uniform(0.02, 0.045, 200))
        rgb = times[:, None, None] * [[[1.0, -2.0, 3.0]]] + 50
        fs, even = resample(times, rgb)
        grid = times[0] + np.arange(len(even)) / fs
        assert fs == pytest.approx(1 / np.median(np.diff(times)))
        assert times[-1] - 1 / fs < grid[-1] <= times[-1] + 1e-6
        np.testing.assert_allclose(even[:, 0], grid[:, None] * [1.0, -2.0, 3.0] + 50, rtol=1e-9)

    def test_even_frames_come_back_as_they_are(self, film):
        traces = film(fps=29.97)
        fs, even = resample(traces.times, traces.rgb)
        assert fs == pytest.approx(29.97)
        np.testing.assert_allclose(even, traces.rgb, rtol=1e-6)

    @pytest.mark.parametrize(("lost", "usable"), [(0.0, True), (0.25, True), (0.35, False)])
    @pytest.mark.parametrize("how", ["unseen", "frames missing"])
    def test_a_region_may_miss_less_than_30_percent(self, film, how, lost, usable):
        traces = film()
        gone = np.zeros(300, bool)
        for start in range(0, 300, 20):
            gone[start + 5 : start + 5 + round(20 * lost)] = True
        rgb = traces.rgb.copy()
        if how == "unseen":
            rgb[gone, 3] = np.nan
            even = resample(traces.times, rgb)[1]
            assert np.isfinite(np.delete(even, 3, axis=1)).all()
        else:
            even = resample(traces.times[~gone], rgb[~gone])[1]
        assert even.shape == (300, 9, 3)
        assert np.isfinite(even[:, 3]).all() == usable
        assert np.isnan(even[:, 3]).all() != usable

    @pytest.mark.parametrize("start", [0, 100, -1])
    @pytest.mark.parametrize(("frames", "usable"), [(29, True), (31, False)])
    def test_a_single_gap_may_last_a_second(self, film, start, frames, usable):
        traces = film()
        rgb = traces.rgb.copy()
        rgb[np.roll(np.arange(300) < frames, start if start >= 0 else -frames), 0] = np.nan
        even = resample(traces.times, rgb)[1]
        assert np.isfinite(even[:, 0]).all() == usable

    def test_ends_are_held(self, film):
        traces = film()
        rgb = traces.rgb.copy()
        rgb[:10, 0] = np.nan
        even = resample(traces.times, rgb)[1]
        np.testing.assert_array_equal(even[:10, 0], np.broadcast_to(even[10, 0], (10, 3)))

    @pytest.mark.parametrize("times", [[], [0.0], [0.0, 0.1, 0.1, 0.2], [0.0, 0.2, 0.1]])
    def test_times_must_increase(self, times):
        with pytest.raises(ValueError, match="increasing"):
            resample(np.array(times), np.ones((len(times), 9, 3)))

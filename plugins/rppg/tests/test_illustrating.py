"""The pictures of a pulse, and what is said of it, on films whose pulse is known."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest

from deepfake_core import Extracted
from deepfake_rppg.clip import load_pulse, make
from deepfake_rppg.features.rhythm import course
from deepfake_rppg.illustrating import SHOWN, illustrate
from deepfake_rppg.settings import FeatureSettings
from deepfake_rppg.traces import REGIONS, Traces


@pytest.fixture
def clip_of(tmp_path) -> Callable[..., Extracted]:
    def extracted(traces: Traces) -> Extracted:
        facts = make(traces, FeatureSettings(), tmp_path)
        return Extracted("v", tmp_path, quality={**facts, "aliased": traces.aliased})

    return extracted


def drawn(clip: Extracted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return illustrate(clip)


def test_a_clear_pulse_is_drawn_and_named(film, clip_of):
    pulse, time = drawn(clip_of(film(bpm=72)))
    assert "72 beats per minute" in pulse.caption and "a clear pulse" in pulse.caption
    assert "no proof of a real face" in pulse.caption
    marks = [axes.lines[1].get_xdata()[0] for axes in pulse.figure.axes[1::2]]
    assert len(marks) == 1 + len(SHOWN)
    np.testing.assert_allclose(marks, 72, atol=1)
    for axes in pulse.figure.axes[1::2]:
        rates, power = axes.lines[0].get_data()
        assert rates.min() >= 42 and rates.max() <= 240
        assert rates[power.argmax()] == pytest.approx(72, abs=1)
    windows = time.figure.axes[0].lines[0].get_ydata()
    assert len(windows) == 8  # 3 s long, one every second, in 10 s
    np.testing.assert_allclose(windows, 72, atol=3)
    assert "8 of 8 windows" in time.caption


def test_the_traces_are_those_of_the_regions_in_the_videos_time(film, clip_of):
    traces = film(bpm=60)
    clip = clip_of(replace(traces, times=traces.times + 12.5))
    figure = drawn(clip)[0].figure
    pulse = load_pulse(clip.path)
    for axes, signal in zip(
        figure.axes[::2], [pulse.face, *(pulse.regions[:, REGIONS.index(name)] for name in SHOWN)], strict=True
    ):
        seconds, percent = axes.lines[0].get_data()
        np.testing.assert_allclose(percent, 100 * signal)
        assert seconds[0] == pytest.approx(12.5)
    titles = [axes.get_title(loc="left") for axes in figure.axes[::2]]
    assert titles[0].startswith("face: 60 bpm, SNR ") and titles[2].startswith("left cheek: 60 bpm")


def test_noise_is_no_clear_pulse_and_no_accusation(film, clip_of):
    traces = film(noise=3.0, seed=4)
    clip = clip_of(traces)
    pulse = drawn(clip)[0]
    assert clip.quality["snr_db"] < 3
    assert "no clear pulse" in pulse.caption and "no sign of a forgery" in pulse.caption


def test_without_a_pulse_nothing_is_claimed(film, clip_of):
    traces = film()
    (pulse,) = drawn(clip_of(replace(traces, rgb=np.full_like(traces.rgb, np.nan))))
    assert "No pulse could be measured" in pulse.caption
    assert all(not axes.lines for axes in pulse.figure.axes)
    assert pulse.figure.axes[0].get_title(loc="left") == "face: nothing to measure"


def test_one_unseen_region_is_left_out_alone(film, clip_of):
    traces = film(bpm=72)
    rgb = traces.rgb.copy()
    rgb[:, REGIONS.index("nose")] = np.nan
    figure = drawn(clip_of(replace(traces, rgb=rgb)))[0].figure
    lines = [len(axes.lines) for axes in figure.axes[::2]]
    assert lines == [0 if name == "nose" else 1 for name in ("face", *SHOWN)]


def test_frames_too_far_apart_are_named(film, clip_of):
    traces = film(bpm=72)
    assert "too far apart" in drawn(clip_of(replace(traces, aliased=True)))[0].caption


def test_a_change_of_rate_shows_in_the_windows():
    """60 bpm for 10 s, then 120: windows that lie in one half have its rate."""
    time = np.arange(600) / 30
    signal = np.sin(2 * np.pi * np.where(time < 10, time, 2 * time - 10))
    found = course(signal, 30.0, 60.0)
    assert found.start_s.tolist() == list(range(18))
    np.testing.assert_allclose(found.bpm[:8], 60, atol=1)
    np.testing.assert_allclose(found.bpm[10:], 120, atol=1)
    assert found.snr[:8].min() > 10


def test_a_record_shorter_than_a_window_has_no_course():
    assert course(np.ones(60), 30.0, 60.0).bpm.shape == (0,)


def test_pictures_are_the_same_each_time(film, clip_of):
    clip = clip_of(film())
    for one, other in zip(drawn(clip), drawn(clip), strict=True):
        pictures = []
        for panel in (one, other):
            file = io.BytesIO()
            panel.figure.savefig(file, format="png", dpi=60)
            pictures.append(matplotlib.image.imread(io.BytesIO(file.getvalue()), format="png"))
        assert pictures[0][..., :3].std() > 0.02
        np.testing.assert_array_equal(*pictures)

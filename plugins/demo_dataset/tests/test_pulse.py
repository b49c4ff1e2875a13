"""Is the heart rate that is written down the one that was injected, and does it survive rendering and encoding?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_demo_dataset.clips import REAL_METHOD, Clip, cast
from deepfake_demo_dataset.film import truth, write
from deepfake_demo_dataset.look import bake
from deepfake_demo_dataset.people import person
from deepfake_demo_dataset.pulse import TRANSIT_S, beat

REALS = [clip for clip in cast() if clip.method == REAL_METHOD]


def peak_bpm(signal: NDArray[np.float64], fps: float) -> float:
    """Strongest frequency between 0.7 and 3 Hz, in beats per minute."""
    count = 1 << 14
    power = np.abs(np.fft.rfft((signal - signal.mean()) * np.hanning(len(signal)), count)) ** 2
    hertz = np.fft.rfftfreq(count, 1 / fps)
    band = (hertz > 0.7) & (hertz < 3)
    return float(hertz[band][power[band].argmax()] * 60)


@pytest.mark.parametrize("bpm", [50, 64, 80, 95, 110])
def test_spectral_peak_of_the_wave_is_the_stated_rate(bpm: float) -> None:
    times = np.arange(900) / 30
    pulse = beat(f"test {bpm}", times, bpm)
    assert pulse.bpm == pytest.approx(bpm, rel=0.03)
    # 30 s resolve 2 beats per minute; the rate swings by up to 3 %.
    assert peak_bpm(pulse.early, 30) == pytest.approx(pulse.bpm, abs=2.5)


def test_lower_face_lags_by_the_transit_time() -> None:
    times = np.arange(10000) / 1000
    pulse = beat("lag", times, 70)
    lags = range(100)
    match = [float(pulse.early[:9000] @ pulse.late[lag : 9000 + lag]) for lag in lags]
    assert int(np.argmax(match)) / 1000 == pytest.approx(TRANSIT_S, abs=0.004)


def test_rate_is_unknown_where_the_pulse_is_lost() -> None:
    kinds = {clip.recipe.pulse for clip in cast() if clip.recipe is not None}
    assert {"lost", "donor", "mixed"} <= kinds
    for clip in cast():
        known = truth(clip)
        assert (known["bpm"] is None) == (known["pulse"] == "lost")


def test_a_donors_pulse_is_stated_at_the_donors_rate() -> None:
    donors = [clip for clip in cast() if clip.recipe is not None and clip.recipe.pulse == "donor"]
    for clip in donors:
        assert clip.other is not None
        assert truth(clip)["bpm"] == pytest.approx(clip.other.pulse.bpm, abs=0.01)


def test_pulse_survives_camera_and_encoder(tmp_path: Path) -> None:
    still = min((clip for clip in REALS if clip.take.strength > 0.01), key=lambda clip: clip.take.liveliness)
    write([still], [tmp_path / "clip.mp4"])
    colour = skin_colour(tmp_path / "clip.mp4", still)
    relative = colour / colour.mean(axis=0) - 1
    # Motion and light change all channels alike; blood doesn't.
    found = peak_bpm(relative[:, 1] - relative[:, 0], float(still.take.fps))
    assert found == pytest.approx(still.take.pulse.bpm, abs=4)


def skin_colour(path: Path, clip: Clip) -> NDArray[np.float64]:
    """Mean RGB of the inner face in every frame, ``[T, 3]``."""
    import av

    look = bake(person(clip.take.who))
    face = (look.skin * look.inner) > 0.9
    with av.open(str(path)) as container:
        return np.array([frame.to_ndarray(format="rgb24")[face].mean(axis=0) for frame in container.decode(video=0)])

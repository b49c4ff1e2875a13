"""The angular margin is between the people of the train videos, or isn't there."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfake_arcface_lite.plugin import stream
from deepfake_core import VideoRecord
from deepfake_core.contract.errors import InvalidSetting
from deepfake_core.plugins import load_stream

TRAIN = [VideoRecord(f"v{n}", Path("none.mp4"), n % 2, identities=(f"p{n // 2}", "z")) for n in range(6)]


@pytest.mark.parametrize("preset", ["paper", "small", "demo"])
def test_every_preset_has_the_margin(preset):
    settings = stream.presets[preset]
    loss = stream.auxiliary(settings, TRAIN)
    assert loss.people == ("p0", "p1", "p2")
    assert loss.centres.shape == (3, 64)
    assert (loss.scale, loss.margin, loss.weight) == (30.0, 0.5, settings.angular_weight)
    assert loss.weight > 0


def test_weight_0_switches_it_off():
    settings = load_stream("arcface_lite").settings("demo", "angular_weight=0")
    assert stream.auxiliary(settings, TRAIN) is None


@pytest.mark.parametrize("mixing", ["mixup=0.2", "cutmix=1"])
def test_mixed_clips_show_nobody(mixing):
    lite = load_stream("arcface_lite")
    with pytest.raises(InvalidSetting, match="a mixed clip shows two people"):
        lite.settings("demo", mixing)
    assert lite.settings("demo", f"{mixing},angular_weight=0")

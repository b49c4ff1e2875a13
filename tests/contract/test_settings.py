"""Overrides reach settings, and a wrong one is refused with what would be right."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from deepfake_core.contract.errors import InvalidSetting
from deepfake_core.contract.settings import Settings, digest, parse_overrides, resolve


class Faces(Settings):
    """Shapes the clips."""

    margin: float = Field(0.4, ge=0, description="border")


class Stream(Faces):
    """Shapes the training."""

    lr: float = Field(1e-4, gt=0, description="learning rate")
    epochs: int = Field(40, ge=1, description="epochs")
    mode: Literal["a", "b"] = Field("a", description="mode")
    pattern: str = Field("", description="text")


PRESETS = {"paper": Stream(), "demo": Stream(epochs=2)}


def test_overrides_are_parsed_and_typed():
    found = resolve("s", PRESETS, "demo", parse_overrides(" lr = 1e-3 ,mode=b"))
    assert found == Stream(epochs=2, lr=1e-3, mode="b")


def test_a_comma_inside_a_value_stays():
    assert parse_overrides(r"pattern=(\d{2,3})_x,epochs=3") == {"pattern": r"(\d{2,3})_x", "epochs": "3"}
    assert parse_overrides("") == {}


@pytest.mark.parametrize(
    ("preset", "text", "says"),
    [
        ("demo", "epoch=3", "epochs"),
        ("demo", "epochs=0", "greater than or equal to 1"),
        ("demo", "epochs=many", "epochs='many'"),
        ("demo", "mode=c", "'a' or 'b'"),
        ("demo", "epochs", "key=value"),
        ("demo", "epochs=1,epochs=2", "twice"),
        ("papr", "", "paper, demo"),
    ],
)
def test_wrong_overrides_say_what_is_right(preset, text, says):
    with pytest.raises(InvalidSetting) as caught:
        resolve("s", PRESETS, preset, parse_overrides(text))
    assert says in str(caught.value)
    assert "hint:" in str(caught.value)


def test_part_keeps_the_fields_of_its_base():
    assert Stream(margin=0.1, epochs=3).part(Faces) == Faces(margin=0.1)


def test_digest_follows_every_field_and_nothing_else():
    base = Stream().digest
    assert Stream().digest == base
    assert len({base, Stream(margin=0.5).digest, Stream(lr=1e-3).digest, Stream(mode="b").digest}) == 4
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Stream().epochs = 3

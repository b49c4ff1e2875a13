"""How settings are declared, overridden from the command line, and digested."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from deepfake_core.contract.errors import InvalidSetting

Part = TypeVar("Part", bound="Settings")


def digest(value: object) -> str:
    """16 hexadecimal digits that change whenever the JSON form of ``value`` changes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Settings(BaseModel):
    """Base class of a plugin's settings: a frozen pydantic model whose fields have defaults.

    Split what shapes the input from what shapes the training by inheritance, so that a change of the
    learning rate doesn't throw away extracted clips::

        class FaceSettings(Settings):            # keys the store
            margin: float = Field(0.4, ge=0, description="border around the face, share of its size")

        class MyStreamSettings(FaceSettings):    # keys the trained model
            lr: float = Field(1e-4, gt=0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def part(self, base: type[Part]) -> Part:
        """The fields that ``base``, one of this class's bases, declares."""
        return base(**{name: getattr(self, name) for name in base.model_fields})

    @classmethod
    def logged(cls: type[Part], content: Mapping[str, Any]) -> Part:
        """The settings that a run logged or a detector carries; what was computed from them is computed anew.

        Raises:
            InvalidSetting: this version of the plugin has no such setting, or other bounds for it.
        """
        try:
            return cls(**{name: value for name, value in content.items() if name not in cls.model_computed_fields})
        except ValidationError as error:
            raise InvalidSetting(
                f"{cls.__name__} of this version doesn't take these settings: {error}",
                hint="install the version of the plugin that they were made with.",
            ) from error

    @property
    def digest(self) -> str:
        """16 hexadecimal digits over all fields."""
        return digest(self.model_dump(mode="json"))


def parse_overrides(text: str) -> dict[str, str]:
    """Splits ``"epochs=1,lr=1e-3"``. A comma that no ``key=`` follows belongs to the value before it.

    Raises:
        InvalidSetting: a piece has no ``=``, or a key comes twice.
    """
    overrides: dict[str, str] = {}
    pieces = re.split(r",(?=\s*[A-Za-z_]\w*\s*=)", text) if text.strip() else []
    for piece in pieces:
        key, equals, value = (side.strip() for side in piece.partition("="))
        if not equals or not key:
            raise InvalidSetting(
                f"override {piece!r} is not of the form key=value.",
                hint='write overrides as one string, e.g. overrides="epochs=1,lr=1e-3".',
            )
        if key in overrides:
            raise InvalidSetting(f"override {key!r} is given twice.", hint="keep one of them.")
        overrides[key] = value
    return overrides


def names_in(text: str) -> list[str]:
    """The names in a comma list, as users type it: ``"rppg, xception"``."""
    return [name.strip() for name in text.split(",") if name.strip()]


def resolve(
    plugin: str,
    presets: Mapping[str, Settings],
    preset: str,
    overrides: Mapping[str, Any],
) -> Settings:
    """The settings of ``preset`` with ``overrides`` applied and validated.

    Raises:
        InvalidSetting: unknown preset, unknown key, or a value the field refuses; the message lists what is possible.
    """
    if preset not in presets:
        raise InvalidSetting(
            f"plugin {plugin!r} has no preset {preset!r}.", hint=f"choose one of: {', '.join(presets)}."
        )
    base = presets[preset]
    known = type(base).model_fields
    for key in overrides:
        if key not in known:
            raise InvalidSetting(
                f"plugin {plugin!r} has no setting {key!r}.", hint=f"its settings are: {', '.join(sorted(known))}."
            )
    try:
        return type(base)(**{**dict(base), **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InvalidSetting(
            f"plugin {plugin!r}, setting {key}={first['input']!r}: {first['msg']}.",
            hint=f"the preset {preset!r} has {key}={getattr(base, key, None)!r}.",
        ) from error

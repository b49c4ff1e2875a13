"""What does a plugin say about itself, in full? Its info record, its settings, and how its presets differ."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from deepfake_core.contract.records import Ensemble
from deepfake_core.contract.settings import Settings
from deepfake_core.plugins.catalogue import Entry

REQUIRED = "required"
"""Instead of a default, where a setting has none: each preset states it."""

_BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "multiple_of": "multiple of {}"}
_LENGTHS = {"min_length": "length ≥ {}", "max_length": "length ≤ {}", "pattern": "matches {}"}


@dataclass(frozen=True)
class Setting:
    """One field of a settings class.

    Attributes:
        name: as in ``--overrides name=value``.
        type: in the words of Python; choices as ``a | b``.
        default: as a JSON value, or ``required``.
        bounds: such as ``≥ 1``; empty for none.
        meaning: what its declaration says.
    """

    name: str
    type: str
    default: Any
    bounds: str
    meaning: str


def settings(of: type[Settings]) -> list[Setting]:
    """The settings of a class, as declared."""
    return [
        Setting(
            name,
            type_name(field.annotation),
            REQUIRED if field.is_required() else to_jsonable_python(field.get_default(call_default_factory=True)),
            _bounds(field),
            field.description or "",
        )
        for name, field in of.model_fields.items()
    ]


def values(of: Settings) -> dict[str, Any]:
    """The fields of settings as JSON values, without what is computed from them."""
    return {name: to_jsonable_python(getattr(of, name)) for name in type(of).model_fields}


def differing(declared: list[Setting], presets: Mapping[str, Mapping[str, Any]]) -> list[Setting]:
    """The settings in which a preset differs from the default, or from another preset."""
    return [each for each in declared if any(preset[each.name] != each.default for preset in presets.values())]


def description(entry: Entry) -> dict[str, Any]:
    """Everything about an installed plugin, as JSON values."""
    content = {**entry.record(), "hooks": list(entry.hooks)}
    if entry.plugin is None:
        return content
    if isinstance(entry.plugin, Ensemble):
        return {**content, "streams": list(entry.plugin.streams), "fuser": entry.plugin.fuser}
    info = entry.plugin.info
    named = {"name", "summary", "settings", "presets"}
    facts = {each.name: getattr(info, each.name) for each in dataclasses.fields(info) if each.name not in named}
    declared = [dataclasses.asdict(each) for each in settings(info.settings)]
    presets = {name: values(preset) for name, preset in getattr(info, "presets", {}).items()}
    return {**content, "info": facts, "settings": declared, "presets": presets}


def type_name(annotation: Any) -> str:
    """A type as a person would write it: ``float | None``, ``mtcnn | facemesh``."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " | ".join(str(choice) for choice in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(type_name(part) for part in arguments)
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if annotation is type(None):
        return "None"
    if origin is not None:
        inner = ", ".join("…" if part is Ellipsis else type_name(part) for part in arguments)
        return f"{getattr(origin, '__name__', origin)}[{inner}]"
    return getattr(annotation, "__name__", str(annotation))


def _bounds(field: FieldInfo) -> str:
    return ", ".join(
        form.format(bound)
        for part in field.metadata
        for key, form in (_BOUNDS | _LENGTHS).items()
        if (bound := getattr(part, key, None)) is not None
    )

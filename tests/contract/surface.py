"""What of the core can a plugin touch? As plain values, to compare with what an earlier version promised."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import deepfake_core
from deepfake_core import Entry, RunLog, Settings, Store
from deepfake_core.contract import errors, records
from deepfake_core.contract.hookspecs import HOOKS, OPTIONAL

OBJECTS = (Store, Settings, RunLog)
"""What plugins are handed and call methods of."""

Surface = dict[str, Any]


def surface() -> Surface:
    """Everything, in an order that says something only where a call by position could tell."""
    kept = [Entry, *(value for value in vars(records).values() if dataclasses.is_dataclass(value))]
    failures = [value for value in vars(errors).values() if isinstance(value, type)]
    return {
        "names": sorted(deepfake_core.__all__),
        "hooks": {kind: {name: _parameters(spec) for name, spec in _hooks(of)} for kind, of in HOOKS.items()},
        "optional_hooks": sorted(OPTIONAL),
        "records": {each.__name__: [_field(field) for field in dataclasses.fields(each)] for each in kept},
        "methods": {each.__name__: {name: _parameters(m) for name, m in _methods(each)} for each in OBJECTS},
        "functions": {f.__name__: _parameters(f) for f in (deepfake_core.take, deepfake_core.inner_folds)},
        "statuses": {each.__name__: each.status for each in failures if issubclass(each, errors.VideoError)},
    }


def _hooks(specs: type) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in vars(specs).items() if hasattr(value, "deepfake_spec")]


def _methods(of: type) -> list[tuple[str, Any]]:
    return [(name, m) for name, m in sorted(vars(of).items()) if not name.startswith("_") and _function(m) is not None]


def _function(member: object) -> Any:
    """The function behind a method, class method or property; None for anything else."""
    found = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    return found if inspect.isfunction(found) else None


def _parameters(function: object) -> list[list[Any]]:
    parameters = list(inspect.signature(_function(function)).parameters.values())
    own = [p for p in parameters if p.name not in ("self", "cls")]
    return [[p.name, p.kind.name, p.default is not inspect.Parameter.empty] for p in own]


def _field(field: dataclasses.Field[Any]) -> list[Any]:
    given = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    return [field.name, given]

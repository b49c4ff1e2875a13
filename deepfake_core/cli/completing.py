"""What can be typed next? Answers for the shell's completion; each must come at once, and none may fail.

Names come from distribution metadata. Only presets, and data sets that make their own videos, need a plugin's module,
which is light by contract.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from deepfake_core.peek import RegisteredModel

SERVER_TIMEOUT_S = 1.0
"""How long a registry behind a server may keep the shell waiting."""

Found = list[CompletionItem]
Completer = Callable[[click.Context, click.Parameter, str], Found]


def quietly(complete: Completer) -> Completer:
    """A shell that asks for completions gets some or none, never an error."""

    @functools.wraps(complete)
    def completed(context: click.Context, parameter: click.Parameter, incomplete: str) -> Found:
        try:
            return complete(context, parameter, incomplete)
        except Exception:
            return []

    return completed


@quietly
def streams(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Installed streams."""
    return _starting(_names("streams"), incomplete)


@quietly
def any_plugin(context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Installed plugins of the kind that was given, or of any."""
    from deepfake_core.listing import KINDS

    kind = context.params.get("kind")
    return _starting(_names(*((f"{kind}s",) if kind else KINDS)), incomplete)


@quietly
def ensembles(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Ensembles, or a comma list of streams."""
    whole = [] if "," in incomplete else ["all", *_names("ensembles")]
    return _starting([*whole, *_next_in_list(_names("streams"), incomplete)], incomplete)


@quietly
def fusers(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Fusers, or a comma list of them."""
    whole = [] if "," in incomplete else ["auto", "best"]
    return _starting([*whole, *_next_in_list(_names("fusers"), incomplete)], incomplete)


@quietly
def datasets(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Installed data sets."""
    return _starting(_names("datasets"), incomplete)


@quietly
def indexes(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Data sets that make their own videos, and files."""
    from deepfake_core.plugins import load_dataset

    near = [name for name in _names("datasets") if name.startswith(incomplete)]
    made = _starting([name for name in near if load_dataset(name).info.self_made], incomplete)
    return [*made, CompletionItem(incomplete, type="file")]


@quietly
def presets(context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """The presets of the stream that was named, or those that all streams of the ensemble have."""
    from deepfake_core.plugins import ensemble, load_stream

    name = context.params.get("name") if context.command.name != "run" else None
    members = (name,) if name else ensemble(context.params.get("ensemble") or _default(context, "ensemble")).streams
    offered = [list(load_stream(member).info.presets) for member in members]
    common = [preset for preset in offered[0] if all(preset in each for each in offered)]
    return _starting(common, incomplete)


@quietly
def models(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Registered models by alias and by version, and folders."""
    uris = [
        f"models:/{model.name}{which}"
        for model in _registered()
        for which in (*(f"@{alias}" for alias in model.aliases), *(f"/{number}" for number in model.versions))
    ]
    return [*_starting(uris, incomplete), CompletionItem(incomplete, type="dir")]


@quietly
def model_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Registered models."""
    return _starting([model.name for model in _registered()], incomplete)


@quietly
def model_versions(context: click.Context, _parameter: click.Parameter, incomplete: str) -> Found:
    """Aliases and versions of the model that was named."""
    name = context.params.get("name") or _default(context, "name")
    found = [which for model in _registered() if model.name == name for which in (*model.aliases, *model.versions)]
    return _starting(found, incomplete)


def _names(*kinds: str) -> list[str]:
    from deepfake_core.listing import Installed

    present = Installed()
    return sorted({offer.listing.name for kind in kinds for offer in present.of(kind)})


def _registered() -> list[RegisteredModel]:
    from deepfake_core import peek

    return peek.models(peek.registry_uri(), timeout=SERVER_TIMEOUT_S)


def _default(context: click.Context, name: str) -> str:
    return next(str(parameter.get_default(context)) for parameter in context.command.params if parameter.name == name)


def _next_in_list(names: list[str], incomplete: str) -> list[str]:
    """``incomplete`` with each name that isn't in it yet as its last."""
    before, comma, _ = incomplete.rpartition(",")
    taken = before.split(",")
    return [f"{before}{comma}{name}" for name in names if name not in taken]


def _starting(values: Iterable[str], incomplete: str) -> Found:
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]

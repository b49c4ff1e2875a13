"""Commands on what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deepfake_core.cli.group import main

if TYPE_CHECKING:
    pass


@main.group()
def plugins() -> None:
    """What is installed."""


@plugins.command("list")
def plugins_list() -> None:
    """List the installed plugins. Imports none of them.

    \b
    Example:
      deepfake plugins list
    """  # noqa: D301
    from deepfake_core.contract.hookspecs import HOOKS
    from deepfake_core.plugins import installed

    listings = [listing for kind in (*HOOKS, "ensembles") for listing in installed(kind)]
    width = max((len(listing.name) for listing in listings), default=4)
    for listing in listings:
        click.echo(f"{listing.kind:<9} {listing.name:<{width}}  {listing.plugin_id}")

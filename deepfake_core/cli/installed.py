"""Commands on what is installed."""

from __future__ import annotations

import json

import click

from deepfake_core.cli import completing
from deepfake_core.cli.group import main

KINDS = ("stream", "fuser", "dataset", "ensemble", "wrapper")


@main.group()
def plugins() -> None:
    """What is installed."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def plugins_list(as_json: bool) -> None:
    """List the installed plugins: where each came from, its presets, and what is wrong with those that don't load.

    \b
    Examples:
      deepfake plugins list
      deepfake plugins list --json
    """  # noqa: D301
    from deepfake_core.plugins import console
    from deepfake_core.plugins.catalogue import catalogue

    found = catalogue()
    if as_json:
        click.echo(json.dumps([entry.record() for entry in found], indent=2))
    else:
        click.echo(console.listed(found))


@plugins.command("show")
@click.argument("name", shell_complete=completing.any_plugin)
@click.option("--kind", type=click.Choice(KINDS), help="Where plugins of several kinds have the same name.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def plugins_show(name: str, kind: str | None, as_json: bool) -> None:
    """Show what a plugin does, its settings with bounds and meaning, and how its presets differ.

    Exit code 2: there is no such plugin, or it can't be loaded.

    \b
    Examples:
      deepfake plugins show xception
      deepfake plugins show demo --kind dataset --json
    """  # noqa: D301
    import sys

    from deepfake_core.contract.errors import EXIT_USAGE
    from deepfake_core.listing import KINDS as ALL
    from deepfake_core.plugins import console
    from deepfake_core.plugins.catalogue import entries
    from deepfake_core.plugins.describing import description

    found = entries(name, (f"{kind}s",) if kind else ALL)
    if as_json:
        click.echo(json.dumps([description(entry) for entry in found], indent=2))
    else:
        click.echo("\n\n".join(console.shown(entry) for entry in found))
    broken = [entry for entry in found if entry.status != "ok"]
    for entry in broken:
        click.echo(f"{entry.status}: {entry.reason}\nhint: {entry.hint}", err=True)
    if broken:
        sys.exit(EXIT_USAGE)

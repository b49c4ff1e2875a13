"""The command that looks at the machine."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from deepfake_core.cli.group import main


@main.command()
@click.option("--offline", is_flag=True, help="Leave out what asks another machine.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def doctor(offline: bool, as_json: bool) -> None:
    """Look whether this machine is ready: packages, plugins, codecs, GPU, store, tracking. Changes nothing.

    Exit code 3: there is a problem. Warnings leave it at 0.

    \b
    Examples:
      deepfake doctor
      deepfake doctor --offline --json
    """  # noqa: D301
    from deepfake_core.contract.errors import EXIT_REFUSED
    from deepfake_core.doctor.examination import checks, examine

    lines = examine(checks(), offline=offline)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(line) for line in lines], indent=2))
    else:
        width = max(len(line.name) for line in lines)
        for line in lines:
            click.echo(f"{line.status:<7}  {line.name:<{width}}  {line.found}")
            if line.next:
                click.echo(f"{'':<7}  {'':<{width}}  next: {line.next}")
    if any(line.status == "problem" for line in lines):
        sys.exit(EXIT_REFUSED)

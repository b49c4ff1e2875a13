"""The command ``deepfake`` itself: its help, and how errors become exit codes."""

from __future__ import annotations

import sys
from typing import Any

import click

from deepfake_core import __version__


class Commands(click.Group):
    """Turns the project's errors into a message, a hint and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; 2 usage, 3 a gate refused, 4 partial, 1 a bug, 130 interrupted."""
        from deepfake_core.contract.errors import EXIT_BUG, DeepfakeError

        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("interrupted; what was finished is kept, the same command goes on from there.", err=True)
            ctx.exit(130)
        except DeepfakeError as error:
            if ctx.params["debug"]:
                raise
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except Exception as error:
            if ctx.params["debug"]:
                raise
            click.echo(f"bug: {type(error).__name__}: {error}", err=True)
            click.echo("hint: run the same command as `deepfake --debug …` and report the traceback.", err=True)
            ctx.exit(EXIT_BUG)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="deepfake")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Deepfake video detection whose numbers hold.

    \b
    Examples:
      deepfake run                                           the four-stream ensemble on the demo data set
      deepfake stream --name rppg                            one stream
      deepfake index folder=~/videos --overrides "identity=(\\d+)" --out my.csv
      deepfake stream --name rppg --index my.csv --preset paper
    """  # noqa: D301
    import logging
    import os

    # Threads of numerical libraries that spin while they wait stall each other on cores that are shared with anything else:
    # beside two busy processes, a step of a small network took 0.4 to 1.9 s instead of 0.2 to 0.3 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # A bar for files of some kilobytes is noise.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)

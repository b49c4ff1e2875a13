"""Commands on a registered detector: ask it, measure it elsewhere, show it, promote it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepfake_core.cli import completing
from deepfake_core.cli.group import main
from deepfake_core.cli.options import (
    index_option,
    model_option,
    name_option,
    workers_option,
)

if TYPE_CHECKING:
    from deepfake_core.unseen.answers import Failure


@main.command()
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO…")
@click.option(
    "--model",
    default="models:/deepfake-detector@champion",
    show_default=True,
    help="MLflow model, or a model's folder.",
    shell_complete=completing.models,
)
@click.option("--streams", default="", metavar="A,B", help="Use only these of its streams.")
@click.option("--json", "json_path", default="", metavar="FILE", help="Write everything as JSON.")
@click.option("--csv", "csv_path", default="", metavar="FILE", help="Write one row per video.")
@click.option("--report", default="", metavar="FILE", help="Write a page to look at, as HTML.")
@workers_option
def predict(
    videos: tuple[str, ...],
    model: str,
    streams: str,
    json_path: str,
    csv_path: str,
    report: str,
    workers: str,
) -> None:
    """Examine videos: files, folders, or patterns. Says real, fake, or inconclusive.

    Exit code 4: some files couldn't be looked at.

    \b
    Examples:
      deepfake predict interview.mp4
      deepfake predict clips/ --csv verdicts.csv --report verdicts.html
      deepfake predict interview.mp4 --model models:/deepfake-detector@challenger --streams rppg
    """  # noqa: D301
    from deepfake_core.contract.errors import EXIT_PARTIAL
    from deepfake_core.contract.settings import names_in
    from deepfake_core.detector import console
    from deepfake_core.steps import predict as step

    found = step.run(videos, model, streams=names_in(streams), illustrated=bool(report), workers=workers)
    click.echo(console.table(found.verdicts, found.detector.band))
    files = {"json_path": json_path, "csv_path": csv_path, "report": report}
    step.write(found, **{name: Path(text) if text else None for name, text in files.items()})
    failed = [each for each in found.verdicts if each.error]
    if failed:
        click.echo(f"failed ({len(failed)}):", err=True)
        for each in failed:
            click.echo(f"  {each.video}: {each.error}", err=True)
        sys.exit(EXIT_PARTIAL)


@main.command()
@model_option
@index_option
@click.option(
    "--allow-overlap",
    is_flag=False,
    flag_value=True,
    default=False,
    type=bool,
    help="Evaluate also on videos and people that it was made from; recorded.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("evaluation"),
    show_default=True,
    help="Folder for report, figures and tables.",
)
@workers_option
def evaluate(model: str, index_name: str, allow_overlap: bool, out: Path, workers: str) -> None:
    """Measure a registered detector on an index that it has never seen. Fits nothing.

    Exit codes: 3 it was made from some of these videos or people; 4 some videos couldn't be looked at, everything else is done.

    \b
    Examples:
      deepfake evaluate --index other.csv
      deepfake evaluate --index other.csv --model models:/deepfake-detector/3 --out evaluation_3
    """  # noqa: D301
    from deepfake_core.steps import evaluate as step
    from deepfake_core.unseen import console

    found = step.run(model, index_name, allow_overlap=allow_overlap, out=out, workers=workers)
    click.echo(console.text(found.findings))
    click.echo(f"report: {(found.out / 'report.html').resolve()}")
    click.echo(f"run {found.run_id}: {found.page}")
    _list_failures(found.findings.answers.failures)


@main.command()
@model_option
@index_option
@click.option(
    "--kinds",
    default="all",
    show_default=True,
    metavar="A,B",
    help="h264, jpeg, resize, blur, noise, darker, brighter, drop; or all.",
)
@click.option("--most", type=click.IntRange(0), default=0, show_default=True, help="Number of videos; 0 takes all.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("stress"),
    show_default=True,
    help="Folder for report, figure and tables.",
)
@workers_option
def stress(model: str, index_name: str, kinds: str, most: int, out: Path, workers: str) -> None:
    """Measure what losses of quality cost a registered detector: compression, scaling, blur, noise, light, lost frames.

    Corrupted videos are kept: interrupted, it goes on from there. Exit code 4: some videos couldn't be looked at.

    \b
    Examples:
      deepfake stress --index other.csv --most 40
      deepfake stress --index other.csv --kinds h264,jpeg --out compressed
    """  # noqa: D301
    from deepfake_core.steps import stress as step
    from deepfake_core.stress import console

    found = step.run(model, index_name, kinds=kinds, most=most, out=out, workers=workers)
    click.echo(console.text(found.findings))
    click.echo(f"report: {(found.out / 'report.html').resolve()}")
    click.echo(f"run {found.run_id}: {found.page}")
    _list_failures(found.findings.failures)


@main.command()
@name_option
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 for the whole network."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0 takes any that is free."
)
@click.option("--max-mb", type=click.IntRange(1), default=200, show_default=True, help="Largest upload.")
@click.option("--max-seconds", type=click.FloatRange(1), default=120, show_default=True, help="Longest video.")
def app(name: str, host: str, port: int, max_mb: int, max_seconds: float) -> None:
    """Serve a page on this machine: drop a video, see the verdict. Keeps nothing.

    Needs Gradio: pip install 'deepfake-core[app]'. The page loads nothing from elsewhere and works without a network.

    \b
    Examples:
      deepfake app
      deepfake app --name my-detector --port 8000 --max-seconds 300
    """  # noqa: D301
    from deepfake_core.app import server

    server.serve(
        name,
        host=host,
        port=port,
        max_bytes=max_mb << 20,
        max_seconds=max_seconds,
        say=lambda text: click.echo(text, err=True),
    )


@main.command()
@name_option
def models(name: str) -> None:
    """List the versions of the registered detector.

    \b
    Example:
      deepfake models
    """  # noqa: D301
    from deepfake_core.detector import console, registry

    click.echo(console.versions(name, registry.versions(name)))


@main.command()
@name_option
@click.option(
    "--version",
    "which",
    default="challenger",
    show_default=True,
    help="Number or alias of the version.",
    shell_complete=completing.model_versions,
)
@click.option("--margin", type=click.FloatRange(0, 1), default=0.005, show_default=True, help="AUC it may be below.")
@click.option(
    "--min-coverage", type=click.FloatRange(0, 1), default=0.95, show_default=True, help="Least share of fused videos."
)
@click.option(
    "--force",
    is_flag=False,
    flag_value=True,
    default=False,
    type=bool,
    help="Promote it whatever the gate finds; recorded with the reason.",
)
@click.option("--reason", default="", help="Why it is forced.")
def promote(name: str, which: str, margin: float, min_coverage: float, force: bool, reason: str) -> None:
    """Make a version the champion, if the gate finds nothing against it.

    The gate: a clean certificate, coverage, an AUC on the same videos not below the champion's by more than the margin, and the
    same scores of its reference clips in a fresh process. Exit code 3: refused.

    \b
    Examples:
      deepfake promote
      deepfake promote --version 4 --margin 0
      deepfake promote --version 4 --force --reason "the champion can't read AV1"
    """  # noqa: D301
    from deepfake_core.detector import promotion

    version, checks = promotion.promote(
        name, which, margin=margin, min_coverage=min_coverage, force=force, reason=reason
    )
    for check in checks:
        click.echo(f"{'ok     ' if check.passed else 'against'}  {check.name}: {check.found}")
    click.echo(f"{version.name} version {version.number} is champion.")


@main.command()
@name_option
@click.option("--reason", default="", help="Why; recorded with the version that goes.")
def rollback(name: str, reason: str) -> None:
    """Make the previous champion champion again.

    \b
    Example:
      deepfake rollback --reason "misses re-encoded clips"
    """  # noqa: D301
    from deepfake_core.detector import promotion

    now, before = promotion.rollback(name, reason)
    click.echo(f"{name} version {now.number} is champion again, version {before.number} no more.")


def _list_failures(failures: Sequence[Failure]) -> None:
    """Prints what couldn't be looked at; exits with 4 if there is any."""
    from deepfake_core.contract.errors import EXIT_PARTIAL

    if failures:
        click.echo(f"failed ({len(failures)}):", err=True)
        for each in failures:
            click.echo(f"  {each.video_id}: {each.stream}: {each.status}: {each.detail}", err=True)
        sys.exit(EXIT_PARTIAL)

"""Commands that learn: extract, train a stream, fuse, all of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepfake_core.cli.group import main
from deepfake_core.cli.options import (
    coverage_option,
    ensemble_option,
    folds_option,
    fuser_option,
    index_option,
    inference_option,
    missing_option,
    name_option,
    out_option,
    overrides_option,
    preset_option,
    refit_option,
    register_option,
    seed_option,
    stream_option,
    threshold_option,
    workers_option,
)

if TYPE_CHECKING:
    from deepfake_core.contract.records import Extracted
    from deepfake_core.data.pseudo import Basis
    from deepfake_core.steps.fuse import FuseResult


@main.command()
@stream_option
@index_option
@preset_option
@overrides_option
@workers_option
def extract(name: str, index_name: str, preset: str, overrides: str, workers: str) -> None:
    """Turn every video into a stream's input, once.

    Exit code 4: some files are missing or broken; they are listed.

    \b
    Example:
      deepfake extract --name rppg --index my.csv --workers 8
    """  # noqa: D301
    from deepfake_core.steps import extract as step

    extracted = step.run(name, index_name, preset=preset, overrides=overrides, workers=workers)
    _finish(extracted)


@main.command()
@stream_option
@index_option
@preset_option
@overrides_option
@folds_option
@seed_option
@refit_option
@click.option("--reuse", type=bool, default=True, show_default=True, help="Take finished folds from the store.")
@workers_option
def stream(
    name: str,
    index_name: str,
    preset: str,
    overrides: str,
    folds: str,
    seed: int,
    refit: bool,
    reuse: bool,
    workers: str,
) -> None:
    """Train a stream fold by fold and log its out-of-fold table.

    Exit codes: 3 a fold leaks; 4 some files are missing or broken, everything else is done.

    \b
    Examples:
      deepfake stream --name rppg
      deepfake stream --name rppg --index my.csv --preset paper --overrides "method=pos"
    """  # noqa: D301
    from deepfake_core.data.pseudo import DEEPFAKES
    from deepfake_core.steps import stream as step

    result = step.run(
        name,
        index_name,
        preset=preset,
        overrides=overrides,
        folds_given=folds,
        seed=seed,
        refit=refit,
        workers=workers,
        reuse=reuse,
    )
    found = result.metrics
    on = "" if result.basis == DEEPFAKES else f" on {result.basis}"
    click.echo(
        f"{name}: out-of-fold AUC{on} {found['auc']:.3f} [{found['auc_low']:.2f}, {found['auc_high']:.2f}], average precision {found['average_precision']:.3f}; "
        f"{found['scored']:.0f} of {found['videos']:.0f} videos scored"
    )
    _caution(result.basis)
    click.echo(f"run {result.run_id}: {result.page}")
    _finish(result.extracted)


@main.command()
@ensemble_option
@index_option
@fuser_option
@overrides_option
@folds_option
@seed_option
@missing_option
@coverage_option
@threshold_option
@click.option("--runs", default="", help="Stream runs to fuse, id,id,…; without, each stream's newest that fits.")
@click.option(
    "--predictions",
    default="",
    metavar="STREAM=FILE,…",
    help="CSVs of anybody that stand for streams of the ensemble.",
)
@click.option(
    "--match",
    type=click.Choice(["exact", "stem"]),
    default="exact",
    show_default=True,
    help="Ids in such files: the index's, or the ends of them.",
)
@inference_option
@register_option
@name_option
@out_option
@workers_option
def fuse(ensemble: str, index_name: str, folds: str, runs: str, predictions: str, **options: Any) -> None:
    """Fuse streams that have been run, and say how good the result is.

    Every score, choice and threshold is made by something that saw nobody in the video. Exit code 3: a fold leaks, or too
    few videos have a score of every stream.

    \b
    Examples:
      deepfake fuse --ensemble fourstream
      deepfake fuse --ensemble rppg,xception --index my.csv --missing model
      deepfake fuse --ensemble rppg,xception --fuser logistic --overrides c=0.1
      deepfake fuse --index my.csv --ensemble rppg,theirs --predictions theirs=scores.csv --match stem
    """  # noqa: D301
    from deepfake_core.contract.settings import names_in, parse_overrides
    from deepfake_core.steps import fuse as step

    files = {name: Path(path).expanduser() for name, path in parse_overrides(predictions).items()}

    ids = names_in(runs)
    _print_fused(step.run(ensemble, index_name, folds_given=folds, runs=ids, predictions=files, **options))


@main.command()
@index_option
@preset_option
@ensemble_option
@fuser_option
@folds_option
@seed_option
@refit_option
@missing_option
@coverage_option
@threshold_option
@inference_option
@register_option
@name_option
@out_option
@click.option("--reuse", type=bool, default=True, show_default=True, help="Take what is finished with equal digests.")
@workers_option
def run(index_name: str, folds: str, **options: Any) -> None:
    """Run all streams of an ensemble, fuse them, and say how good the result is.

    Exit codes: 3 a fold leaks, or too few videos have a score of every stream; 4 some files are missing or broken.

    \b
    Examples:
      deepfake run
      deepfake run --index my.csv --preset paper --ensemble fourstream
      deepfake run --index my.csv --ensemble rppg,xception --preset small --missing model
    """  # noqa: D301
    from deepfake_core.contract.errors import EXIT_PARTIAL
    from deepfake_core.steps import run as step

    result = step.run(index_name, folds_given=folds, **options)
    _print_fused(result.fused)
    if result.failed:
        click.echo(f"failed ({len(result.failed)}): {', '.join(result.failed)}", err=True)
        sys.exit(EXIT_PARTIAL)


def _print_fused(result: FuseResult) -> None:
    from deepfake_core.data.pseudo import DEEPFAKES

    found = result.findings
    heading = "AUC [95 % interval]" if found.basis == DEEPFAKES else f"AUC on {found.basis}"
    click.echo(f"{'score':<20} {'kind':<7} {'videos':>6}  {heading:<22} balanced accuracy")
    for _, row in found.metrics.iterrows():
        auc = f"{row['auc']:.3f} [{row['auc_low']:.3f}, {row['auc_high']:.3f}]"
        click.echo(
            f"{row['score']:<20} {row['kind']:<7} {row['scored']:>6}  {auc:<22} {row['balanced_accuracy']:.3f} "
            f"[{row['balanced_accuracy_low']:.3f}, {row['balanced_accuracy_high']:.3f}]"
        )
    best = found.optimism
    click.echo(
        f"nested AUC {best.nested:.3f}; naive best of {len(found.found)} fusions {best.naive:.3f} ({best.naive_fuser}); "
        f"optimism {best.optimism:+.3f}; coverage {found.joined.coverage['fused']:.1%}"
    )
    _caution(found.basis)
    if result.version:
        click.echo(f"registered: {result.version.name} version {result.version.number}; next: deepfake promote")
    click.echo(f"report: {(result.out / 'report.html').resolve()}")
    click.echo(f"run {result.run_id}: {result.page}")


def _caution(basis: Basis) -> None:
    """Says what figures on pseudo-fakes don't say."""
    from deepfake_core.data.pseudo import CAUTION, DEEPFAKES

    if basis != DEEPFAKES:
        click.echo(CAUTION)


def _finish(extracted: dict[str, Extracted] | Any) -> None:
    """Prints the statuses; exits with 4 if some files or programs failed."""
    from deepfake_core.contract.errors import EXIT_PARTIAL
    from deepfake_core.steps.extract import failures, status_counts

    click.echo("videos: " + ", ".join(f"{count} {status}" for status, count in status_counts(extracted).items()))
    failed = failures(extracted)
    if failed:
        click.echo(f"failed ({len(failed)}):", err=True)
        for item in failed:
            click.echo(f"  {item.video_id}: {item.status}: {item.quality.get('detail', '')}", err=True)
        sys.exit(EXIT_PARTIAL)

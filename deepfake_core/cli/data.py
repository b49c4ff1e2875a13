"""Commands on data: list videos, draw folds, audit what anybody made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from deepfake_core.cli import completing
from deepfake_core.cli.group import main
from deepfake_core.cli.options import (
    overrides_option,
    seed_option,
    workers_option,
)

if TYPE_CHECKING:
    pass


@main.command()
@click.argument("sources", nargs=-1, required=True, metavar="DATASET=ROOT…", shell_complete=completing.datasets)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("master_dataset_index.csv"))
@click.option("--limits", default="", metavar="METHOD=N,…", help="Largest number of videos per method; 0 for none.")
@overrides_option
@click.option(
    "--check",
    type=click.Choice(["none", "files", "decode"]),
    default="files",
    show_default=True,
    help="Look at no file, whether each is there and not empty, or also whether its first frame decodes.",
)
@click.option(
    "--hash", "hashed", type=bool, default=True, show_default=True, help="Read each file, to find equal content."
)
@click.option("--aliases", default="", metavar="FILE", help="CSV identity,person: identities that are one person.")
@workers_option
def index(
    sources: tuple[str, ...],
    out: Path,
    limits: str,
    overrides: str,
    check: Literal["none", "files", "decode"],
    hashed: bool,
    aliases: str,
    workers: str,
) -> None:
    """List the videos of one or more data sets in one master index.

    Settings go to every data set that has them. A missing or broken file keeps its row and is listed in OUT_problems.csv; exit code 4.

    \b
    Examples:
      deepfake index demo --out demo.csv
      deepfake index csv=clips.csv --out index.csv
      deepfake index folder=/data/mine --overrides "identity=(\\d+)(?:_(\\d+))?" --limits "fake=200"
      deepfake index ffpp=/data/FF++ celebdf=/data/Celeb-DF-v2 --overrides sample=paper --check decode
    """  # noqa: D301
    from deepfake_core.contract.errors import EXIT_PARTIAL, UsageError
    from deepfake_core.contract.settings import parse_overrides
    from deepfake_core.data.files import survey
    from deepfake_core.steps import index as step

    parsed = [source.partition("=") for source in sources]
    try:
        most = {method: int(number) for method, number in parse_overrides(limits).items()}
    except ValueError as error:
        raise UsageError(f"limits {limits!r}: {error}.", hint='write e.g. --limits "real=200,fake=400".') from error
    made = step.run(
        [step.Source(name, Path(root).expanduser() if root else None) for name, _, root in parsed],
        out,
        limits=most,
        overrides=overrides,
        aliases=Path(aliases).expanduser() if aliases else None,
        check=check,
        hashed=hashed,
        workers=workers,
    )
    click.echo(survey(made).to_string(index=False, na_rep="–"))
    click.echo(f"{len(made.index.videos)} videos, digest {made.index.digest} -> {out}")
    if made.problems:
        click.echo(f"missing or broken ({len(made.problems)}), listed in {step.problems_path(out)}:", err=True)
        for problem in made.problems[:5]:
            click.echo(f"  {problem.video.path}: {problem.status}: {problem.detail}", err=True)
        sys.exit(EXIT_PARTIAL)


@main.command()
@click.option("--index", "index_path", required=True, type=click.Path(path_type=Path), help="Index CSV.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("folds.csv"), show_default=True)
@click.option(
    "--protocol",
    type=click.Choice(["kfold", "official", "leave_one_method_out", "leave_one_dataset_out"]),
    default="kfold",
    show_default=True,
    help="What is held out: other people, the official test split, a method, or a data set; people always.",
)
@click.option(
    "--folds",
    "count",
    default="auto",
    show_default=True,
    help="Number of folds; of leave_one_method_out, of parts of people. auto: 5, and 3 parts.",
)
@seed_option
def folds(
    index_path: Path,
    out: Path,
    protocol: Literal["kfold", "official", "leave_one_method_out", "leave_one_dataset_out"],
    count: str,
    seed: int,
) -> None:
    """Draw identity-disjoint folds and certify them. Needs no video file.

    The certificate, leakage_certificate.json, is written beside the folds. Exit code 3: it isn't clean.

    \b
    Examples:
      deepfake folds --index my.csv --out folds.csv
      deepfake folds --index my.csv --protocol leave_one_method_out --folds 2 --out by_method.csv
      deepfake stream --name rppg --index my.csv --folds by_method.csv
    """  # noqa: D301
    from deepfake_core.steps import folds as step

    drawn, certificate = step.run(index_path, out, protocol=protocol, count=count, seed=seed)
    click.echo(f"{'fold':>4} {'train':>7} {'stop':>6} {'held out':>9} {'purged':>7}  {'shared people':<13}  left out")
    for fold in certificate.content["folds"]:
        click.echo(
            f"{fold['fold']:>4} {fold['train']:>7} {fold['stop']:>6} {fold['held_out']:>9} {fold['purged']:>7}  "
            f"{fold['shared_identities']:<13}  {', '.join(fold['left_out'])}".rstrip()
        )
    click.echo(
        f"content compared: {certificate.content['content_checked']['sha256']} of {certificate.content['videos']} videos"
    )
    click.echo(f"certificate: {certificate.content['verdict']}, digest {drawn.digest} -> {out}")


@main.command()
@click.argument("predictions", nargs=-1, type=click.Path(path_type=Path), metavar="[PREDICTIONS.csv]…")
@click.option("--index", "index_path", required=True, type=click.Path(path_type=Path), help="Index CSV, of any origin.")
@click.option("--folds", type=click.Path(path_type=Path), help="CSV with the fold of each video.")
@click.option(
    "--columns",
    multiple=True,
    metavar="[FILE:]ROLE=COLUMN,…",
    help='Columns that aren\'t recognised, e.g. "video_id=name,score=prob" or "my.csv:label=y".',
)
@click.option("--identity", default="", metavar="REGEX", help="Its groups are the people in a file name.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write everything as JSON.")
def audit(
    predictions: tuple[Path, ...],
    index_path: Path,
    folds: Path | None,
    columns: tuple[str, ...],
    identity: str,
    json_path: Path | None,
) -> None:
    """Look for leaks and faults in anybody's index, folds and prediction files. Needs no video file.

    Exit code 3: something leaks from train into held-out videos. Faults and warnings leave it at 0.

    \b
    Examples:
      deepfake audit --index index.csv --folds folds.csv
      deepfake audit --index index.csv cnn.csv rppg.csv --json audit.json
      deepfake audit --index clips.csv scores.csv --columns "scores.csv:video_id=name,score=prob"
    """  # noqa: D301
    from deepfake_core.audit import console
    from deepfake_core.audit.run import run

    report = run(index_path, folds, predictions, columns=columns, identity=identity)
    click.echo(console.text(report))
    if json_path:
        report.write(json_path)
    sys.exit(report.exit_code)

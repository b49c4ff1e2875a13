"""The command ``deepfake``: one thin command per step."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from deepfake_core import __version__

if TYPE_CHECKING:
    from deepfake_core.contract.records import Extracted
    from deepfake_core.steps.fuse import FuseResult
    from deepfake_core.unseen.answers import Failure

workers_option = click.option(
    "--workers",
    default="auto",
    show_default=True,
    help="Processes on this machine: auto or a number; or a Dask cluster's address, tcp://host:8786.",
)
seed_option = click.option("--seed", default=42, show_default=True, help="For everything random.")
overrides_option = click.option(
    "--overrides",
    default="",
    metavar="KEY=VALUE,…",
    help='Settings that differ from the preset, e.g. "epochs=1,lr=1e-3".',
)
index_option = click.option("--index", "index_name", default="demo", show_default=True, help="Index CSV, or demo.")
folds_option = click.option(
    "--folds", default="5", show_default=True, help="Number of folds, a protocol, or a folds.csv."
)
refit_option = click.option("--refit", type=bool, default=True, show_default=True, help="Also train on everything.")
ensemble_option = click.option(
    "--ensemble", default="fourstream", show_default=True, help="An ensemble, all, or streams: a,b,c."
)
fuser_option = click.option(
    "--fuser",
    default="auto",
    show_default=True,
    help="A fuser, several to choose from, best: choose among all, or auto: the ensemble's own.",
)
inference_option = click.option(
    "--inference",
    type=click.Choice(["folds", "refit"]),
    default="folds",
    show_default=True,
    help="Who scores new videos: all fold models, averaged, or models refitted on everything.",
)
register_option = click.option(
    "--register", type=bool, default=True, show_default=True, help="Make the detector the registry's challenger."
)
name_option = click.option("--name", default="deepfake-detector", show_default=True, help="Registered model.")
missing_option = click.option(
    "--missing",
    type=click.Choice(["drop", "model"]),
    default="drop",
    show_default=True,
    help="A video that a stream abstained on: no fused score, or one from the others.",
)
coverage_option = click.option(
    "--min-coverage", type=click.FloatRange(0, 1), default=0.95, show_default=True, help="Least share of fused videos."
)
threshold_option = click.option("--threshold", default="f1", show_default=True, help="Rule: f1, youden, or fpr=0.01.")
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("ensemble"),
    show_default=True,
    help="Folder for report, figures and tables.",
)
model_option = click.option(
    "--model",
    default="models:/deepfake-detector@champion",
    show_default=True,
    help="MLflow model, or a model's folder.",
)
preset_option = click.option("--preset", default="demo", show_default=True, help="Named settings of the stream.")


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
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)


@main.command()
@click.argument("sources", nargs=-1, required=True, metavar="DATASET=ROOT…")
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
@click.option("--name", required=True, help="Stream, see `deepfake plugins list`.")
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
@click.option("--name", required=True, help="Stream, see `deepfake plugins list`.")
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
    click.echo(
        f"{name}: out-of-fold AUC {found['auc']:.3f} [{found['auc_low']:.2f}, {found['auc_high']:.2f}], average precision {found['average_precision']:.3f}; "
        f"{found['scored']:.0f} of {found['videos']:.0f} videos scored"
    )
    click.echo(f"run {result.run_id}: {result.page}")
    _finish(result.extracted)


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
    from deepfake_core.contract.settings import parse_overrides
    from deepfake_core.steps import fuse as step

    files = {name: Path(path).expanduser() for name, path in parse_overrides(predictions).items()}

    ids = [run_id.strip() for run_id in runs.split(",") if run_id.strip()]
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
    found = result.findings
    click.echo(f"{'score':<20} {'kind':<7} {'videos':>6}  {'AUC [95 % interval]':<22} balanced accuracy")
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
    if result.version:
        click.echo(f"registered: {result.version.name} version {result.version.number}; next: deepfake promote")
    click.echo(f"report: {(result.out / 'report.html').resolve()}")
    click.echo(f"run {result.run_id}: {result.page}")


@main.command()
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO…")
@click.option(
    "--model",
    default="models:/deepfake-detector@champion",
    show_default=True,
    help="MLflow model, or a model's folder.",
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
    from deepfake_core.detector import console
    from deepfake_core.steps import predict as step

    names = [name.strip() for name in streams.split(",") if name.strip()]
    found = step.run(videos, model, streams=names, illustrated=bool(report), workers=workers)
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
@click.option("--version", "which", default="challenger", show_default=True, help="Number or alias of the version.")
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


def _list_failures(failures: Sequence[Failure]) -> None:
    """Prints what couldn't be looked at; exits with 4 if there is any."""
    from deepfake_core.contract.errors import EXIT_PARTIAL

    if failures:
        click.echo(f"failed ({len(failures)}):", err=True)
        for each in failures:
            click.echo(f"  {each.video_id}: {each.stream}: {each.status}: {each.detail}", err=True)
        sys.exit(EXIT_PARTIAL)


if __name__ == "__main__":
    main()

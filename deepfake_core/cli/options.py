"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from deepfake_core.cli import completing

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
index_option = click.option(
    "--index",
    "index_name",
    default="demo",
    show_default=True,
    help="Index CSV, or demo, demo_others.",
    shell_complete=completing.indexes,
)
stream_option = click.option(
    "--name", required=True, help="Stream, see `deepfake plugins list`.", shell_complete=completing.streams
)
folds_option = click.option(
    "--folds", default="5", show_default=True, help="Number of folds, a protocol, or a folds.csv."
)
refit_option = click.option("--refit", type=bool, default=True, show_default=True, help="Also train on everything.")
ensemble_option = click.option(
    "--ensemble",
    default="fourstream",
    show_default=True,
    help="An ensemble, all, or streams: a,b,c.",
    shell_complete=completing.ensembles,
)
fuser_option = click.option(
    "--fuser",
    default="auto",
    show_default=True,
    help="A fuser, several to choose from, best: choose among all, or auto: the ensemble's own.",
    shell_complete=completing.fusers,
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
name_option = click.option(
    "--name",
    default="deepfake-detector",
    show_default=True,
    help="Registered model.",
    shell_complete=completing.model_names,
)
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
    shell_complete=completing.models,
)
preset_option = click.option(
    "--preset",
    default="demo",
    show_default=True,
    help="Named settings of the stream.",
    shell_complete=completing.presets,
)

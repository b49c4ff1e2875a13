"""What is logged to MLflow runs, and how. No other module logs."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_core import __version__, runlog
from deepfake_core.contract import tables
from deepfake_core.contract.errors import UsageError
from deepfake_core.contract.records import FAKE
from deepfake_core.contract.settings import Settings
from deepfake_core.data.certificate import Certificate
from deepfake_core.data.index import Index
from deepfake_core.data.oof import write_oof

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow.entities import Run as MlflowRun

TAG_PREFIX = "deepfake."
EXPERIMENT = "deepfake"


class Run:
    """An open MLflow run."""

    def __init__(self, run_id: str, experiment_id: str) -> None:
        self.run_id = run_id
        self.experiment_id = experiment_id
        self._heard: set[tuple[str, int]] = set()

    @property
    def page(self) -> str:
        """Where a person looks at the run."""
        import mlflow

        uri = mlflow.get_tracking_uri()
        run = f"#/experiments/{self.experiment_id}/runs/{self.run_id}"
        if uri.startswith("http"):
            return f"{uri.rstrip('/')}/{run}"
        return f"http://127.0.0.1:5000/{run} (after: mlflow ui --backend-store-uri {uri})"

    def tags(self, tags: Mapping[str, object]) -> None:
        """Sets tags, under ``deepfake.``."""
        import mlflow

        mlflow.set_tags({TAG_PREFIX + key: str(value) for key, value in tags.items()})

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Logs numbers; NaN, which MLflow's stores disagree on, is left out."""
        import mlflow

        mlflow.log_metrics({key: value for key, value in metrics.items() if value == value}, step=step)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Logs one file, or a folder with all it holds."""
        import mlflow

        if path.is_dir():
            mlflow.log_artifacts(str(path), folder)
        else:
            mlflow.log_artifact(str(path), folder)

    def figure(self, name: str, figure: Figure) -> None:
        """Logs a figure as ``figures/<name>.png``."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.png"
            figure.savefig(path, dpi=110)
            self.artifact(path, runlog.FIGURES)

    def settings(self, settings: Settings, parameters: Mapping[str, object]) -> None:
        """Logs settings as ``settings.json`` and, with the step's own parameters, as MLflow parameters."""
        import mlflow

        content = settings.model_dump(mode="json")
        mlflow.log_dict(content, tables.SETTINGS_FILE)
        known = set(mlflow.MlflowClient().get_run(self.run_id).data.params)
        fresh = {key: value for key, value in {**content, **parameters}.items() if key not in known}
        mlflow.log_params(fresh)

    def index(self, index: Index) -> None:
        """Logs the index as the run's data set input and as a CSV."""
        import mlflow
        from mlflow.entities import Dataset, DatasetInput, InputTag

        made = sum(video.pseudo for video in index.videos)
        fakes = sum(video.label == FAKE for video in index.videos)
        counts = {"videos": len(index.videos) - made, "fakes": fakes - made, "pseudo_fakes": made}
        dataset = Dataset(
            name=Path(index.source).name,
            digest=index.digest,
            source_type="deepfake_index",
            source=json.dumps({"index": index.source}),
            profile=json.dumps(counts),
        )
        context = [InputTag("mlflow.data.context", "index")]
        mlflow.MlflowClient().log_inputs(self.run_id, datasets=[DatasetInput(dataset, context)])
        table = index.table()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / tables.INDEX_FILE
            table.to_csv(path, index=False)
            self.artifact(path)

    def certificate(self, certificate: Certificate) -> None:
        """Logs ``leakage_certificate.json``."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / tables.CERTIFICATE_FILE
            certificate.write(path)
            self.artifact(path)

    def oof(self, table: pd.DataFrame) -> None:
        """Logs ``oof.parquet``."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / tables.OOF_FILE
            write_oof(table, path)
            self.artifact(path)

    def csv(self, table: pd.DataFrame, name: str) -> None:
        """Logs a table as CSV; ``name`` may contain folders."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            table.to_csv(path, index=False)
            parent = Path(name).parent.as_posix()
            self.artifact(path, None if parent == "." else parent)

    def reports(self, folder: Path) -> None:
        """Logs what a plugin reported into ``folder`` while it trained, but for the numbers that were heard live."""
        import mlflow
        from mlflow.entities import Metric

        reported = [
            Metric(m.name, m.value, 0, m.step)
            for m in runlog.metrics(folder)
            if m.value == m.value and (m.name, m.step) not in self._heard
        ]
        if reported:
            mlflow.MlflowClient().log_batch(self.run_id, metrics=reported)
        self.report_files(folder)

    def hear(self, metric: runlog.Metric) -> None:
        """Logs a number while the training that reports it goes on."""
        self._heard.add((metric.name, metric.step))
        self.metrics({metric.name: metric.value}, metric.step)

    def report_files(self, folder: Path) -> None:
        """Logs the figures that a plugin reported into ``folder``."""
        if any((folder / runlog.FIGURES).iterdir()):
            self.artifact(folder / runlog.FIGURES, runlog.FIGURES)

    @contextmanager
    def child(self, name: str, tags: Mapping[str, object]) -> Iterator[Run]:
        """Opens a run below this one."""
        import mlflow

        with mlflow.start_run(run_name=name, experiment_id=self.experiment_id, nested=True) as active:
            run = Run(active.info.run_id, self.experiment_id)
            run.tags(tags)
            yield run

    @contextmanager
    def again(self) -> Iterator[Run]:
        """Opens this run once more, below the one that is open."""
        import mlflow

        with mlflow.start_run(run_id=self.run_id, nested=True):
            yield self


@contextmanager
def step(name: str, run_name: str, tags: Mapping[str, object]) -> Iterator[Run]:
    """Opens the run of one step: the one ``mlflow run`` made, or a new one in the experiment ``deepfake``.

    Inside another step it is a child of that one's run. A run that ends by an error is marked as failed, with the error as its tag.
    """
    import mlflow

    parent = mlflow.active_run()
    experiment = parent.info.experiment_id if parent else _experiment()
    with mlflow.start_run(run_name=run_name, experiment_id=experiment, nested=parent is not None) as active:
        run = Run(active.info.run_id, active.info.experiment_id)
        if active.info.run_name != run_name:
            mlflow.set_tag("mlflow.runName", run_name)
        run.tags({"step": name, "core_version": __version__, **tags})
        try:
            yield run
        except Exception as error:
            run.tags({"error": f"{type(error).__name__}: {error}"[:4000]})
            raise


def record(name: str, run_name: str, tags: Mapping[str, object], files: Sequence[Path], index: Index) -> None:
    """Logs a finished step that trains nothing: its files and its index.

    Only inside ``mlflow run``, or when ``MLFLOW_TRACKING_URI`` names a store: a quick command leaves no data base behind.
    """
    if not (os.environ.get("MLFLOW_RUN_ID") or os.environ.get("MLFLOW_TRACKING_URI")):
        return
    with step(name, run_name, {"index_digest": index.digest, **tags}) as run:
        run.index(index)
        for path in files:
            run.artifact(path)


@dataclass(frozen=True)
class Finished:
    """A run that ended well.

    Attributes:
        run_id: of MLflow.
        name: of the run.
        tags: ours, without prefix.
    """

    run_id: str
    name: str
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"run {self.run_id}, preset {self.tags.get('preset', 'unknown')}"


def finished(step: str, tags: Mapping[str, object]) -> list[Finished]:
    """Finished runs of a step with these tags, in any experiment, newest first."""
    import mlflow

    wanted = {"step": step, "finished": True, **tags}
    runs = mlflow.search_runs(
        search_all_experiments=True,
        filter_string=" and ".join(f"tags.`{TAG_PREFIX}{key}` = '{value}'" for key, value in wanted.items()),
        order_by=["attributes.start_time DESC"],
        output_format="list",
    )
    return [_finished(run) for run in runs]


def finished_run(run_id: str) -> Finished:
    """The run of this id.

    Raises:
        UsageError: there is none in the tracking store, or it didn't finish.
    """
    import mlflow

    try:
        found = _finished(mlflow.MlflowClient().get_run(run_id))
    except mlflow.exceptions.MlflowException as error:
        raise UsageError(
            f"no run {run_id!r} in {mlflow.get_tracking_uri()}.", hint="take ids from the MLflow page; see --help."
        ) from error
    if found.tags.get("finished") != "True":
        raise UsageError(
            f"run {run_id} ({found.name}) didn't finish.", hint="run its step again: it goes on from there."
        )
    return found


def _finished(run: MlflowRun) -> Finished:
    tags = {k.removeprefix(TAG_PREFIX): v for k, v in run.data.tags.items() if k.startswith(TAG_PREFIX)}
    return Finished(run.info.run_id, run.info.run_name, tags)


def read_oof(run_id: str) -> pd.DataFrame:
    """The out-of-fold table that a stream's run logged."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        return pd.read_parquet(download(run_id, tables.OOF_FILE, Path(folder)))


def read_settings(run_id: str) -> dict[str, Any]:
    """The settings that a step's run logged."""
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = json.loads(download(run_id, tables.SETTINGS_FILE, Path(folder)).read_text())
    return found


def download(run_id: str, artifact: str, folder: Path) -> Path:
    """A file or folder that a run logged, below ``folder``, which is made."""
    import mlflow

    folder.mkdir(parents=True, exist_ok=True)
    return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=artifact, dst_path=str(folder)))


def fold_models(run_id: str, folder: Path) -> dict[str, Path]:
    """The models that a stream's run has trained, below ``folder``: by ``fold_0`` …, ``refit`` if there is one.

    Raises:
        UsageError: the artifacts of a fold are gone.
    """
    import mlflow

    experiment = mlflow.MlflowClient().get_run(run_id).info.experiment_id
    children = mlflow.search_runs(
        [experiment],
        filter_string=f"tags.`mlflow.parentRunId` = '{run_id}' and tags.`{TAG_PREFIX}step` = 'fold'",
        output_format="list",
    )
    names = {child.info.run_id: tables.member_name(child.data.tags[f"{TAG_PREFIX}fold"]) for child in children}
    try:
        found = {name: download(child, f"{tables.MODELS_DIR}/{name}", folder) for child, name in names.items()}
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise UsageError(
            f"the fold models of run {run_id} can't be had: {error}", hint="run the stream again: deepfake stream …"
        ) from error
    return dict(sorted(found.items()))


def _experiment() -> str | None:
    """The experiment for a new run; None leaves it to what MLflow's own variables say."""
    import mlflow

    if {"MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"} & set(os.environ):
        return None
    found = mlflow.get_experiment_by_name(EXPERIMENT)
    return str(found.experiment_id) if found else str(mlflow.create_experiment(EXPERIMENT))

"""``stream``: from an index to a stream's out-of-fold table, in one MLflow run with one child per fold."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from deepfake_core import parallel, runlog, tracking, workspace
from deepfake_core.contract import tables
from deepfake_core.contract.records import STATUS_OK, Extracted, StreamInfo
from deepfake_core.contract.settings import Settings
from deepfake_core.data import pseudo
from deepfake_core.data.folds import Plan, refit_plan
from deepfake_core.data.oof import assemble
from deepfake_core.data.pseudo import DEEPFAKES, Basis
from deepfake_core.data.store import Store
from deepfake_core.evaluation import plots
from deepfake_core.evaluation.metrics import video_metrics
from deepfake_core.evaluation.resampling import auc_interval
from deepfake_core.plugins import Stream, load_stream
from deepfake_core.steps import extract, folds
from deepfake_core.steps.folds import Drawn
from deepfake_core.steps.training import FoldJob, TrainedFold, run_fold

if TYPE_CHECKING:
    import pandas as pd

Value = TypeVar("Value")


@dataclass(frozen=True)
class StreamResult:
    """What a finished stream run leaves: its table, its metrics and what they were measured on, and where to look at it."""

    oof: pd.DataFrame
    metrics: Mapping[str, float]
    basis: Basis
    extracted: Mapping[str, Extracted]
    run_id: str
    page: str


def run(
    name: str,
    index_name: str = "demo",
    *,
    preset: str = "demo",
    overrides: str = "",
    folds_given: str = "5",
    seed: int = 42,
    refit: bool = True,
    workers: str = "auto",
    reuse: bool = True,
) -> StreamResult:
    """Extracts, trains one model per fold, scores every video by the model that saw nobody in it, logs all of it.

    Raises:
        LeakageFound: a person or footage stands on both sides of a fold.
        NoUsableVideo: too few usable videos to train a fold.
        HookFailed: the stream's plugin failed; finished folds are kept.
    """
    stream = load_stream(name)
    settings = stream.settings(preset, overrides)
    drawn = folds.opened(index_name, folds_given, seed, workers=workers, streams=[name])
    return train(stream, settings, drawn, preset=preset, refit=refit, workers=workers, reuse=reuse)


def tags(stream: Stream, settings: Settings, drawn: Drawn, refit: bool) -> dict[str, object]:
    """What determines the run of a stream: equal tags, equal tables."""
    return {
        "stream": stream.name,
        **drawn.digests,
        "settings_digest": settings.digest,
        "plugin": stream.listing.plugin_id,
        "seed": drawn.seed,
        "refit": refit,
    }


def train(
    stream: Stream, settings: Settings, drawn: Drawn, *, preset: str, refit: bool, workers: str, reuse: bool
) -> StreamResult:
    """What ``run`` does once the index is open and the folds are drawn."""
    name, index, seed = stream.name, drawn.index, drawn.seed
    about = {"preset": preset, "basis": drawn.basis, **tags(stream, settings, drawn, refit)}
    with tracking.step("stream", f"stream {name}", about) as log:
        log.settings(settings, {"name": name, "preset": preset, **drawn.parameters})
        log.index(index)
        log.csv(drawn.folds.table(), tables.FOLDS_FILE)

        store = workspace.store()
        extracted = extract.extract_all(stream, index, settings, store, workers=workers)
        log.csv(extract.extracted_table(extracted), tables.EXTRACTED_FILE)

        certificate = drawn.certify(_content_hashes(extracted))
        log.certificate(certificate)
        certificate.require_clean()

        plans = [*drawn.plans, *([refit_plan(index, seed=seed)] if refit else [])]
        jobs = [_job(stream, plan, extracted, settings, seed, store, reuse) for plan in plans]
        trained = _train(log, stream, jobs, workers)

        predictions = [fold.result.predictions for fold in trained[: len(drawn.plans)]]
        oof = assemble(name, index, drawn.folds, extracted, predictions, stream.info.embedding_size)
        metrics = _log_results(log, stream.info, oof, trained, drawn.basis)
        log.tags({"failed_videos": len(extract.failures(extracted)), "finished": True})
    return StreamResult(oof, metrics, drawn.basis, extracted, log.run_id, log.page)


def _content_hashes(extracted: Mapping[str, Extracted]) -> dict[str, str]:
    found = {item.video_id: item.quality.get("content_hash") for item in extracted.values()}
    return {video_id: value for video_id, value in found.items() if isinstance(value, str)}


def _job(
    stream: Stream,
    plan: Plan,
    extracted: Mapping[str, Extracted],
    settings: Settings,
    seed: int,
    store: Store,
    reuse: bool,
) -> FoldJob:
    videos = (*plan.train, *plan.stop, *plan.held_out)
    clips = {v.video_id: extracted[v.video_id] for v in videos if extracted[v.video_id].status == STATUS_OK}
    return FoldJob(stream.name, plan, clips, settings, seed, store, reuse)


@dataclass(frozen=True)
class _Trained:
    """A fold, what became of it, and its MLflow run, which is closed."""

    job: FoldJob
    result: TrainedFold
    run: tracking.Run


def _train(log: tracking.Run, stream: Stream, jobs: Sequence[FoldJob], workers: str) -> list[_Trained]:
    """All folds; those that finished are kept in the store even if another one fails."""
    label = f"train {stream.name}"
    if stream.info.parallel_folds:
        results = _values(parallel.map(run_fold, jobs, workers=workers, label=label))
        return [_report(log, job, result) for job, result in zip(jobs, results, strict=True)]
    return _values(parallel.map(functools.partial(_train_live, log), jobs, workers="1", label=label))


def _values(outcomes: Sequence[parallel.Outcome[FoldJob, Value]]) -> list[Value]:
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return [outcome.value for outcome in outcomes if outcome.value is not None]


def _report(log: tracking.Run, job: FoldJob, result: TrainedFold) -> _Trained:
    with _child(log, job) as child:
        child.reports(result.log)
    return _Trained(job, result, child)


def _train_live(log: tracking.Run, job: FoldJob) -> _Trained:
    """Trains here, where MLflow can hear each epoch."""
    with _child(log, job) as child:
        result = run_fold(job, child.hear)
        child.reports(result.log)
    return _Trained(job, result, child)


def _child(log: tracking.Run, job: FoldJob) -> AbstractContextManager[tracking.Run]:
    return log.child(job.name, {"step": "fold", "stream": job.stream, "fold": job.name})


def _log_results(
    log: tracking.Run, info: StreamInfo, oof: pd.DataFrame, trained: Sequence[_Trained], basis: Basis
) -> dict[str, float]:
    def named(found: Mapping[str, float]) -> dict[str, float]:
        return {pseudo.metric_name(name, basis): value for name, value in found.items()}

    fold_rows = []
    for fold in trained:
        with fold.run.again() as child:
            if fold.job.plan.index is not None:
                part = oof[oof["fold"] == fold.job.plan.index]
                found = named(video_metrics(part["label"], part["p"]))
                child.metrics(found)
                fold_rows.append({"fold": fold.job.plan.index, "purged": len(fold.job.plan.purged), **found})
            child.artifact(fold.result.model.dir, f"{tables.MODELS_DIR}/{tables.member_name(fold.job.name)}")
    metrics = video_metrics(oof["label"], oof["p"])
    metrics["auc_low"], metrics["auc_high"] = auc_interval(oof["label"], oof["p"], oof["group"])
    log.metrics(named(metrics))
    log.oof(oof)
    log.csv(_table(fold_rows), tables.METRICS_FILE)
    title = info.name if basis == DEEPFAKES else f"{info.name}, on {basis}"
    for name, figure in {
        "roc": plots.roc(oof, title),
        "fold_aucs": plots.fold_aucs(oof, title),
        "score_distributions": plots.score_distributions(oof, title),
    }.items():
        log.figure(name, figure)
    log.report_files(trained[-1].result.log)
    _log_exports(log, info, oof, [fold.result.log for fold in trained])
    return metrics


def _log_exports(log: tracking.Run, info: StreamInfo, oof: pd.DataFrame, reported: Sequence[Path]) -> None:
    """The files under the names of the published systems; of folds that report the same name, the last one's stays."""
    folder = f"{tables.EXPORTS_DIR}/{info.name}"
    if info.export_name:
        columns = ["video_id", "label", "p", *(["fold"] if info.export_fold else [])]
        log.csv(oof[columns].rename(columns={"p": info.export_column}), f"{folder}/{info.export_name}")
    for files in [path / runlog.ARTIFACTS for path in reported]:
        if any(files.iterdir()):
            log.artifact(files, folder)


def _table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)

"""``evaluate``: how good a registered detector is on an index that it has never seen. Nothing is fitted."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from deepfake_core import tracking, workspace
from deepfake_core.contract import tables
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data import pseudo
from deepfake_core.data.index import Index, read_logged_index
from deepfake_core.detector import registry
from deepfake_core.detector.detector import Detector
from deepfake_core.detector.manifest import Manifest
from deepfake_core.detector.registry import Version
from deepfake_core.steps import predict
from deepfake_core.steps.index import open_index, with_contents
from deepfake_core.unseen import overlap, pages
from deepfake_core.unseen.answers import Answers, groups
from deepfake_core.unseen.findings import Findings
from deepfake_core.unseen.overlap import Overlap

LOG = logging.getLogger(__name__)


Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Reported(Generic[Measured]):
    """What measuring a detector leaves.

    Attributes:
        findings: all that was measured.
        out: folder of report, figures and tables.
        run_id: of MLflow.
        page: where a person looks at the run.
    """

    findings: Measured
    out: Path
    run_id: str
    page: str


def run(
    model: str = predict.DEFAULT_MODEL,
    index_name: str = "demo",
    *,
    allow_overlap: bool = False,
    out: Path = Path("evaluation"),
    workers: str = "auto",
) -> Reported[Findings]:
    """Evaluates a detector as it is: frozen models, fusion, calibration, threshold and band.

    Args:
        model: an MLflow model URI, or the folder of a model.
        index_name: ``demo``, or the path of an index.
        allow_overlap: evaluate also on videos and people that it was made from, and record that.
        out: folder for report, figures and tables.
        workers: processes for decoding and faces.

    Raises:
        UsageError: no such model or index.
        OverlapFound: it was made from some of these videos or people, or nobody knows.
    """
    with tempfile.TemporaryDirectory() as scratch:
        version, folder = predict.fetched(model, Path(scratch))
        detector = Detector.load(folder)
        index = open_index(index_name, workers=workers)
        shared = overlap_with_training(index, version, detector.manifest, workers=workers)
        where = pages.write_overlap(shared, out)
        if not allow_overlap:
            overlap.require_none(shared, index.source, str(where))
        name = title(version, detector.manifest)
        with tracking.step("evaluate", f"evaluate {name}", tags(version, model, index, shared)) as log:
            log.index(index)
            answers = asked(detector, index.videos, workers=workers)
            findings = Findings.of(detector.manifest, name, index.source, index.digest, shared, answers)
            pages.write(findings, out)
            log.artifact(out)
            log.metrics(findings.headline)
            log.tags({"allow_overlap": allow_overlap, "failed": len(answers.failures), "finished": True})
    if version:
        registry.tag(version, {f"evaluated.{index.digest}": log.run_id})
    return Reported(findings, out, log.run_id, log.page)


def asked(detector: Detector, videos: Sequence[VideoRecord], *, workers: str) -> Answers:
    """What a detector says of labelled videos."""
    extracts = predict.extracted(detector, videos, workspace.store(), workers=workers)
    ids = {video.video_id: video.video_id for video in videos}
    verdicts = detector.judge(detector.rows(extracts), extracts, ids)
    return Answers.of(videos, groups(videos), verdicts, detector.manifest.threshold)


def overlap_with_training(index: Index, version: Version | None, manifest: Manifest, *, workers: str) -> Overlap | None:
    """What an index shares with the one that a detector was made from; None if that one can't be found.

    Contents are compared as far as the files are there, whether the indexes state them or not.
    """
    training = _training_index(version, manifest)
    if training is None:
        return None
    return overlap.between(with_contents(index, workers=workers), with_contents(training, workers=workers))


def _training_index(version: Version | None, manifest: Manifest) -> Index | None:
    """As the fusion's run logged it, or else any run on the same index; without what was made of its videos."""
    digest = manifest.trained_on.index_digest
    runs = [version.run_id] if version else []
    runs += [found.run_id for found in tracking.finished("fuse", {"index_digest": digest})]
    for run_id in dict.fromkeys(runs):
        index = _logged_index(run_id)
        if index is not None and index.digest == digest:
            return pseudo.without_twins(index)
    return None


def _logged_index(run_id: str) -> Index | None:
    """The index that a run logged; None if run or file are gone."""
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        try:
            return read_logged_index(tracking.download(run_id, tables.INDEX_FILE, Path(folder)))
        except (mlflow.exceptions.MlflowException, OSError) as error:
            LOG.warning("run %s: its index can't be had: %s", run_id, error)
            return None


def title(version: Version | None, manifest: Manifest) -> str:
    """What a detector is called in runs and reports."""
    return f"{version.name} version {version.number}" if version else manifest.title


def tags(version: Version | None, model: str, index: Index, shared: Overlap | None) -> dict[str, object]:
    """What links a run to the model version, the index, and what is known of their overlap."""
    found: dict[str, object] = {"model_uri": version.uri if version else model, "index_digest": index.digest}
    if version:
        found |= {"model": version.name, "model_version": version.number, "model_run": version.run_id}
    known = "unknown" if shared is None else str(len(shared.videos))
    return {**found, "overlap_videos": known}

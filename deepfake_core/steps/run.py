"""``run``: all of it, from an index to a fused score. What is finished with equal digests is taken as it is."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from deepfake_core import tracking
from deepfake_core.detector import registry
from deepfake_core.detector.scoring import Inference
from deepfake_core.fusion.joining import Missing
from deepfake_core.plugins import ensemble as ensemble_of
from deepfake_core.plugins import load_stream
from deepfake_core.steps import folds, fuse, sources, stream
from deepfake_core.steps.extract import failures
from deepfake_core.steps.fuse import FuseResult

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """What a whole run leaves.

    Attributes:
        fused: of the last step.
        failed: videos whose files are missing or broken, as ``stream: video_id: status``.
    """

    fused: FuseResult
    failed: tuple[str, ...]


def run(
    index_name: str = "demo",
    *,
    preset: str = "demo",
    ensemble: str = "fourstream",
    fuser: str = fuse.AUTO,
    folds_given: str = "5",
    seed: int = 42,
    refit: bool = True,
    missing: Missing = "drop",
    min_coverage: float = 0.95,
    threshold: str = "f1",
    inference: Inference = "folds",
    register: bool = True,
    name: str = registry.NAME,
    out: Path = Path("ensemble"),
    reuse: bool = True,
    workers: str = "auto",
) -> RunResult:
    """Runs the streams of an ensemble one after another, then fuses them; one MLflow run with a child for each step.

    The parameters are those of ``stream.run`` and ``fuse.run``; with ``reuse``, finished runs of streams with equal
    index, folds, settings, plugin and seed are taken as they are.
    """
    meant = ensemble_of(ensemble)
    fuser = meant.fuser if fuser == fuse.AUTO else fuser
    how = fuse.How.asked(fuser, "", missing, min_coverage, threshold, inference, register, name)
    plugins = [load_stream(stream_name) for stream_name in meant.streams]
    streams = [(plugin, plugin.settings(preset, "")) for plugin in plugins]
    drawn = folds.opened(index_name, folds_given, seed, workers=workers, streams=meant.streams)
    about = {"basis": drawn.basis, "protocol": drawn.folds.protocol, **drawn.digests}
    tags = {"ensemble": ensemble, "preset": preset, **about}
    with tracking.step("run", f"run {ensemble}", tags) as log:
        chosen, taken, failed = [], [], []
        for plugin, settings in streams:
            found = tracking.finished("stream", stream.tags(plugin, settings, drawn, refit)) if reuse else []
            if found:
                LOG.info(
                    "%s: taken from run %s, which has equal digests (--reuse false trains anew)",
                    plugin.name,
                    found[0].run_id,
                )
                chosen.append(found[0].run_id)
                taken.append(plugin.name)
                continue
            done = stream.train(plugin, settings, drawn, preset=preset, refit=refit, workers=workers, reuse=reuse)
            chosen.append(done.run_id)
            failed += [f"{plugin.name}: {item.video_id}: {item.status}" for item in failures(done.extracted)]
        result = fuse.fuse(ensemble, sources.fitting(sources.given(chosen), drawn), drawn, how, out=out)
        log.metrics(result.findings.headline)
        log.tags({"reused_streams": ",".join(taken), "finished": True})
    return RunResult(result, tuple(failed))

"""``fuse``: from the out-of-fold tables of several streams to one score, one decision, and how good they are."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from deepfake_core import tracking
from deepfake_core.contract import tables
from deepfake_core.contract.errors import UsageError
from deepfake_core.data.index import Index
from deepfake_core.evaluation import thresholds
from deepfake_core.fusion import crossfit, explaining, foreign, pages, results, selection
from deepfake_core.fusion.crossfit import Candidate, Rows
from deepfake_core.fusion.explaining import Explanation
from deepfake_core.fusion.findings import Findings
from deepfake_core.fusion.foreign import Match
from deepfake_core.fusion.joining import Joined, Missing, join
from deepfake_core.fusion.meta_features import video_map
from deepfake_core.plugins import ensemble as streams_of
from deepfake_core.plugins import installed, load_fuser
from deepfake_core.steps import folds
from deepfake_core.steps.folds import Drawn
from deepfake_core.tracking import Finished

if TYPE_CHECKING:
    import pandas as pd

BEST = "best"

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class FuseResult:
    """What a fusion leaves.

    Attributes:
        findings: all that was measured.
        out: folder of report, figures and tables.
        run_id: of MLflow.
        page: where a person looks at the run.
    """

    findings: Findings
    out: Path
    run_id: str
    page: str


@dataclass(frozen=True)
class How:
    """How streams are to be fused; see the parameters of ``run``.

    Attributes:
        fuser: as it was asked for.
        candidates: the fusers that are meant.
        missing: what becomes of a video that a stream abstained on.
        min_coverage: least share of videos with a fused score.
        rule: of the threshold.
    """

    fuser: str
    candidates: tuple[Candidate, ...]
    missing: Missing
    min_coverage: float
    rule: str

    @classmethod
    def asked(cls, fuser: str, overrides: str, missing: Missing, min_coverage: float, rule: str) -> How:
        """Checked at once, before anything is trained or fitted.

        Raises:
            UsageError, UnknownPlugin, InvalidSetting: no such rule, fuser, or setting.
        """
        thresholds.choose((0, 1), (0.0, 1.0), rule)
        return cls(fuser, tuple(_candidates(fuser, overrides)), missing, min_coverage, rule)


def run(
    ensemble: str = "fourstream",
    index_name: str = "demo",
    *,
    fuser: str = BEST,
    overrides: str = "",
    folds_given: str = "5",
    seed: int = 42,
    missing: Missing = "drop",
    min_coverage: float = 0.95,
    threshold: str = "f1",
    runs: Sequence[str] = (),
    predictions: Mapping[str, Path] | None = None,
    match: Match = "exact",
    out: Path = Path("ensemble"),
    workers: str = "auto",
) -> FuseResult:
    """Fuses streams that have been run on the index, and measures what comes out.

    Args:
        ensemble: name of an ensemble, ``all``, or a comma list of streams.
        index_name: ``demo``, or the path of an index.
        fuser: ``best`` chooses among all that are installed, inside each fold; else the name of one, or a comma list.
        overrides: settings of the fuser, if one is named.
        folds_given: number of folds, or a ``folds.csv``, as the streams had it.
        seed: as the streams had it; also for everything random in fusers.
        missing: what becomes of a video that a stream abstained on.
        min_coverage: least share of videos with a fused score.
        threshold: rule of the threshold.
        runs: ids of stream runs; without, the newest finished run of each stream with this index and these folds.
        predictions: CSV files of anybody that stand for streams, by their name in the ensemble.
        match: how ids in such files are found in the index.
        out: folder for report, figures and tables.
        workers: processes for an index that must be made.

    Raises:
        UsageError: a stream hasn't been run on this index and these folds; or a parameter makes no sense.
        CoverageTooLow: the gate refuses.
        InvalidTable, NoUsableVideo: the streams' tables don't fit together, or there is too little to learn from.
    """
    how = How.asked(fuser, overrides, missing, min_coverage, threshold)
    drawn = folds.opened(index_name, folds_given, seed, workers=workers)
    return fuse(ensemble, _sources(ensemble, runs, predictions or {}, drawn), drawn, how, match=match, out=out)


def fuse(
    ensemble: str,
    sources: Mapping[str, Finished | Path],
    drawn: Drawn,
    how: How,
    *,
    match: Match = "exact",
    out: Path,
) -> FuseResult:
    """What ``run`` does once the index is open, the folds are drawn, and it is known where each stream's table is."""
    tags = {"ensemble": ensemble, "streams": ",".join(sources), "fuser": how.fuser, **drawn.digests}
    with tracking.step("fuse", f"fuse {ensemble}", tags) as log:
        log.index(drawn.index)
        for name, source in sources.items():
            LOG.info("%s: %s", name, source)
        certificate = drawn.certify()
        certificate.require_clean()
        joined = join({name: _table(name, source, drawn, match) for name, source in sources.items()}, how.missing)
        LOG.info("coverage: %s", ", ".join(f"{name} {share:.1%}" for name, share in joined.coverage.items()))
        joined.require_coverage(how.min_coverage)

        out.mkdir(parents=True, exist_ok=True)
        certificate.write(out / tables.CERTIFICATE_FILE)
        files = tuple(name for name, source in sources.items() if isinstance(source, Path))
        with tempfile.TemporaryDirectory() as models:
            findings = measure(joined, files, drawn.index, how.candidates, how.rule, drawn.seed, Path(models))
            _keep_model(findings, how.candidates, sources, drawn, out)
        pages.write(findings, out)
        log.artifact(out)
        log.metrics(findings.headline)
        log.tags({"chosen": findings.nested.final.fuser, "finished": True})
    return FuseResult(findings, out, log.run_id, log.page)


def _candidates(fuser: str, overrides: str) -> list[Candidate]:
    best = fuser == BEST
    names = [listing.name for listing in installed("fusers")] if best else [name.strip() for name in fuser.split(",")]
    if overrides and (best or len(names) > 1):
        raise UsageError(
            f"overrides are given for several fusers at once: {', '.join(names)}.", hint="name one with --fuser."
        )
    loaded = [load_fuser(name) for name in names if name]
    if not loaded:
        raise UsageError("no fuser is installed.", hint="pip install deepfake-late-fusion.")
    return selection.ordered([Candidate(each, each.settings(overrides)) for each in loaded])


def _sources(
    ensemble: str, runs: Sequence[str], predictions: Mapping[str, Path], drawn: Drawn
) -> dict[str, Finished | Path]:
    """Where each stream's table comes from."""
    if runs:
        return {**given(runs, drawn), **predictions}
    names = streams_of(ensemble, predictions)
    strange = sorted(set(predictions) - set(names))
    if strange:
        raise UsageError(
            f"predictions are given for {', '.join(strange)}, not in the ensemble {', '.join(names)}.",
            hint=f"name them in it: --ensemble {','.join([*names, *strange])}.",
        )
    return {name: predictions.get(name) or _newest(name, drawn) for name in names}


def _table(name: str, source: Finished | Path, drawn: Drawn, match: Match) -> pd.DataFrame:
    if isinstance(source, Path):
        return foreign.read_oof(name, source, drawn.index, drawn.folds, match)
    return tracking.read_oof(source.run_id)


def _newest(stream: str, drawn: Drawn) -> Finished:
    found = tracking.finished("stream", {"stream": stream, **drawn.digests})
    if found:
        return found[0]
    others = tracking.finished("stream", {"stream": stream})
    known = (
        f"its newest run has index {others[0].tags['index_digest']}, folds {others[0].tags['folds_digest']}"
        if others
        else "it has no finished run at all"
    )
    raise UsageError(
        f"stream {stream!r} hasn't been run on index {drawn.index.digest} ({drawn.index.source}) with folds "
        f"{drawn.folds.digest}: {known}.",
        hint=f"deepfake stream --name {stream} --index … with the same index, folds and seed; `deepfake run` does all of it.",
    )


def given(runs: Sequence[str], drawn: Drawn) -> dict[str, Finished]:
    """Stream runs by id, under their streams' names.

    Raises:
        UsageError: one isn't there, didn't finish, is of another step, index or folds, or of a stream that has one already.
    """
    found: dict[str, Finished] = {}
    for run_id in runs:
        source = tracking.finished_run(run_id)
        stream = source.tags.get("stream")
        if stream is None or source.tags.get("step") != "stream":
            raise UsageError(f"run {run_id} ({source.name}) is no stream run.", hint="name runs of `deepfake stream`.")
        if stream in found:
            raise UsageError(f"two runs of stream {stream!r} are given.", hint="keep one of them.")
        for key, here in drawn.digests.items():
            if source.tags.get(key) != here:
                raise UsageError(
                    f"run {run_id} ({source.name}) has {key} {source.tags.get(key)}, not {here}.",
                    hint="fuse runs with the same index and folds only; name that index, its folds and seed.",
                )
        found[stream] = source
    return found


def measure(
    joined: Joined,
    files: tuple[str, ...],
    index: Index,
    candidates: Sequence[Candidate],
    rule: str,
    seed: int,
    models: Path,
) -> Findings:
    """Everything from joined scores to findings.

    Args:
        joined: the streams side by side.
        files: those of them whose scores came from files of anybody.
        index: the videos that they are about.
        candidates: what is chosen from; of equally good ones the first.
        rule: of the threshold.
        seed: for everything random.
        models: an empty folder, for what the fusers learn; the findings refer to it.
    """
    rows = Rows.of(joined, index.videos)
    total = len(candidates) * crossfit.fits(len(rows.folds))
    with tqdm(total=total, desc="fuse", unit="fit", disable=None) as bar:
        found = {each.name: crossfit.crossfit(each, rows, models / each.name, seed, bar.update) for each in candidates}
    nested = selection.nested(found, rows, rule)
    columns = results.scores(rows, joined.streams, found, nested, rule)
    chosen = next(each for each in candidates if each.name == nested.final.fuser)
    explanation = Explanation.held_out(chosen, found[chosen.name], rows, seed)
    return Findings(
        joined=joined,
        foreign=files,
        rows=rows,
        found=found,
        nested=nested,
        rule=rule,
        columns=columns,
        metrics=results.metrics_table(rows, columns),
        differences=results.differences(rows, columns),
        values=results.stream_values(rows, joined.streams, chosen, found[chosen.name].outer, seed),
        errors=results.error_correlation(rows, columns),
        optimism=results.optimism(rows, found, nested),
        calibration=results.calibration_table(rows, nested),
        methods=results.method_table(rows, nested),
        explanation=explanation,
        importance=explaining.importance(explanation, joined.streams),
        video_map=video_map(rows, seed),
    )


def _keep_model(
    findings: Findings,
    candidates: Sequence[Candidate],
    sources: Mapping[str, Finished | Path],
    drawn: Drawn,
    out: Path,
) -> None:
    """Keeps what the chosen fuser learned from everything, and says beside it how its scores become decisions."""
    final = findings.nested.final
    chosen = next(each for each in candidates if each.name == final.fuser)
    folder = out / "model"
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(findings.found[chosen.name].whole.dir, folder)
    content = {
        "fuser": chosen.name,
        "plugin": chosen.fuser.listing.plugin_id,
        "settings": chosen.settings.model_dump(mode="json"),
        "streams": {name: str(source) for name, source in sources.items()},
        "missing": findings.joined.missing,
        "calibrator": final.calibrator.to_json(),
        "threshold": final.threshold,
        "threshold_rule": findings.rule,
        "auc": findings.optimism.nested,
        "optimism": asdict(findings.optimism),
        "coverage": findings.joined.coverage,
        **drawn.digests,
    }
    (out / tables.FUSION_FILE).write_text(json.dumps(content, indent=1))

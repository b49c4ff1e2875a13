"""``fuse``: from the out-of-fold tables of several streams to one score, one decision, and how good they are."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from deepfake_core import tracking, workspace
from deepfake_core.contract import tables
from deepfake_core.contract.errors import UsageError
from deepfake_core.contract.records import BEST, Ensemble
from deepfake_core.data import pseudo
from deepfake_core.data.index import Index
from deepfake_core.data.separation import KFOLD, Protocol, withheld
from deepfake_core.detector import package, references, registry
from deepfake_core.detector.detector import FUSER_DIR, Detector
from deepfake_core.detector.manifest import Manifest
from deepfake_core.detector.registry import DETECTOR_DIR, Version
from deepfake_core.detector.scoring import Inference
from deepfake_core.evaluation import thresholds
from deepfake_core.fusion import crossfit, explaining, pages, results, selection
from deepfake_core.fusion.crossfit import Candidate, Rows
from deepfake_core.fusion.explaining import Explanation
from deepfake_core.fusion.findings import Findings
from deepfake_core.fusion.foreign import Match
from deepfake_core.fusion.joining import Joined, Missing, join
from deepfake_core.fusion.meta_features import video_map
from deepfake_core.plugins import ensemble as ensemble_of
from deepfake_core.plugins import installed, load_fuser
from deepfake_core.steps import folds, predict, sources
from deepfake_core.steps.folds import Drawn
from deepfake_core.steps.sources import Sources

AUTO = "auto"
"""Instead of a fuser's name: the ensemble's own."""

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class FuseResult:
    """What a fusion leaves.

    Attributes:
        findings: all that was measured.
        out: folder of report, figures and tables.
        version: of the registered model; None if it wasn't registered.
        run_id: of MLflow.
        page: where a person looks at the run.
    """

    findings: Findings
    out: Path
    version: Version | None
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
        inference: whose scores of a new video count.
        register: whether the detector goes to the registry.
        name: of the registered model.
    """

    fuser: str
    candidates: tuple[Candidate, ...]
    missing: Missing
    min_coverage: float
    rule: str
    inference: Inference
    register: bool
    name: str

    @classmethod
    def asked(
        cls,
        fuser: str,
        overrides: str,
        missing: Missing,
        min_coverage: float,
        rule: str,
        inference: Inference,
        register: bool,
        name: str,
    ) -> How:
        """Checked at once, before anything is trained or fitted.

        Raises:
            UsageError, UnknownPlugin, InvalidSetting: no such rule, fuser, or setting.
        """
        thresholds.choose((0, 1), (0.0, 1.0), rule)
        candidates = tuple(_candidates(fuser, overrides))
        return cls(fuser, candidates, missing, min_coverage, rule, inference, register, name)


def run(
    ensemble: str = "fourstream",
    index_name: str = "demo",
    *,
    fuser: str = AUTO,
    overrides: str = "",
    folds_given: str = "5",
    seed: int = 42,
    missing: Missing = "drop",
    min_coverage: float = 0.95,
    threshold: str = "f1",
    runs: Sequence[str] = (),
    predictions: Mapping[str, Path] | None = None,
    match: Match = "exact",
    inference: Inference = "folds",
    register: bool = True,
    name: str = registry.NAME,
    out: Path = Path("ensemble"),
    workers: str = "auto",
) -> FuseResult:
    """Fuses streams that have been run on the index, and measures what comes out.

    Args:
        ensemble: name of an ensemble, ``all``, or a comma list of streams.
        index_name: ``demo``, or the path of an index.
        fuser: ``best`` chooses among all that are installed, inside each fold; else the name of one, or a comma list;
            ``auto`` is the ensemble's own.
        overrides: settings of the fuser, if one is named.
        folds_given: number of folds, or a ``folds.csv``, as the streams had it.
        seed: as the streams had it; also for everything random in fusers.
        missing: what becomes of a video that a stream abstained on.
        min_coverage: least share of videos with a fused score.
        threshold: rule of the threshold.
        runs: ids of stream runs; without, the newest finished run of each stream with this index and these folds.
        predictions: CSV files of anybody that stand for streams, by their name in the ensemble.
        match: how ids in such files are found in the index.
        inference: whose scores of a new video count: the mean of the fold models', or those of the refitted models.
        register: whether the detector becomes a version of a registered model, its challenger.
        name: of the registered model.
        out: folder for report, figures and tables.
        workers: processes for an index that must be made.

    Raises:
        UsageError: a stream hasn't been run on this index and these folds; or a parameter makes no sense.
        CoverageTooLow: the gate refuses.
        InvalidTable, NoUsableVideo: the streams' tables don't fit together, or there is too little to learn from.
    """
    files = predictions or {}
    asked = sources.given(runs)
    meant = Ensemble(tuple(asked)) if runs else ensemble_of(ensemble, files)
    fuser = meant.fuser if fuser == AUTO else fuser
    how = How.asked(fuser, overrides, missing, min_coverage, threshold, inference, register, name)
    # Nobody knows what made the scores in files, so there is no asking it for pseudo-fakes.
    streams = () if files else meant.streams
    drawn = folds.opened(index_name, folds_given, seed, workers=workers, streams=streams)
    found: Sources = {**sources.fitting(asked, drawn), **files} if runs else sources.newest(meant, files, drawn)
    return fuse(ensemble, found, drawn, how, match=match, out=out)


def fuse(
    ensemble: str,
    origins: Sources,
    drawn: Drawn,
    how: How,
    *,
    match: Match = "exact",
    out: Path,
) -> FuseResult:
    """What ``run`` does once the index is open, the folds are drawn, and it is known where each stream's table is."""
    names = {"ensemble": ensemble, "streams": ",".join(origins), "fuser": how.fuser}
    tags = {**names, "basis": drawn.basis, "protocol": drawn.folds.protocol, **drawn.digests}
    with tracking.step("fuse", f"fuse {ensemble}", tags) as log:
        log.index(drawn.index)
        for name, source in origins.items():
            LOG.info("%s: %s", name, source)
        certificate = drawn.certify()
        certificate.require_clean()
        joined = join(
            {name: sources.table(name, source, drawn, match) for name, source in origins.items()}, how.missing
        )
        LOG.info("coverage: %s", ", ".join(f"{name} {share:.1%}" for name, share in joined.coverage.items()))
        joined.require_coverage(how.min_coverage)

        out.mkdir(parents=True, exist_ok=True)
        certificate.write(out / tables.CERTIFICATE_FILE)
        files = tuple(name for name, source in origins.items() if isinstance(source, Path))
        with tempfile.TemporaryDirectory() as scratch:
            models = Path(scratch)
            findings = measure(
                joined,
                files,
                drawn.index,
                how.candidates,
                how.rule,
                drawn.seed,
                models / "fits",
                protocol=drawn.folds.protocol,
            )
            manifest = package.describe(
                findings,
                how.candidates,
                origins,
                drawn.index,
                drawn.folds.digest,
                ensemble=ensemble,
                inference=how.inference,
            )
            manifest.write(out)
            _replace(findings.found[manifest.fuser.name].whole.dir, out / FUSER_DIR)
            pages.write(findings, out)
            version = _registered(manifest, findings, how, drawn.index, out, models / DETECTOR_DIR)
        log.artifact(out)
        log.metrics(findings.headline)
        log.tags({"chosen": findings.nested.final.fuser, "finished": True})
    return FuseResult(findings, out, version, log.run_id, log.page)


def _registered(
    manifest: Manifest, findings: Findings, how: How, index: Index, out: Path, folder: Path
) -> Version | None:
    """The new version of the registered model, if there is to be one."""
    files = [part.name for part in manifest.streams if not part.trained]
    if files and how.register:
        LOG.warning("not registered: %s can't score another video, only a file with scores is there", ", ".join(files))
    if files or not how.register:
        return None
    folder.mkdir()
    package.pack(manifest, findings, folder)
    for name in (tables.CERTIFICATE_FILE, tables.FUSED_FILE):
        shutil.copy(out / name, folder)
    fused = set(findings.rows.table["video_id"])
    clips = references.chosen([video for video in index.videos if video.video_id in fused])
    detector = Detector.load(folder)
    extracts = predict.extracted(detector, clips, workspace.store())
    verdicts = detector.judge(detector.rows(extracts), extracts, {clip.video_id: str(clip.path) for clip in clips})
    references.write(clips, verdicts, folder)
    version = registry.register(folder, manifest, how.name)
    LOG.info("registered: %s version %s, %s", version.name, version.number, registry.CHALLENGER)
    return version


def _replace(source: Path, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(source, folder)


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


def measure(
    joined: Joined,
    files: tuple[str, ...],
    index: Index,
    candidates: Sequence[Candidate],
    rule: str,
    seed: int,
    models: Path,
    *,
    protocol: Protocol = KFOLD,
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
        protocol: of the folds.
    """
    rows = Rows.of(joined, index.videos, protocol)
    total = len(candidates) * crossfit.fits(len(rows.folds))
    with tqdm(total=total, desc="fuse", unit="fit", disable=None) as bar:
        found = {each.name: crossfit.crossfit(each, rows, models / each.name, seed, bar.update) for each in candidates}
    nested = selection.nested(found, rows, rule)
    columns = results.scores(rows, joined.streams, found, nested, rule)
    tested = rows.table["video_id"].isin([v.video_id for v in index.videos if withheld(v, protocol)]).to_numpy(bool)
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
        official=results.metrics_table(rows, columns, tested) if tested.any() else None,
        differences=results.differences(rows, columns),
        values=results.stream_values(rows, joined.streams, chosen, found[chosen.name].outer, seed),
        errors=results.error_correlation(rows, columns),
        optimism=results.optimism(rows, found, nested),
        calibration=results.calibration_table(rows, nested),
        methods=results.method_table(rows, nested),
        explanation=explanation,
        importance=explaining.importance(explanation, joined.streams),
        video_map=video_map(rows, seed),
        basis=pseudo.basis(index.videos),
    )

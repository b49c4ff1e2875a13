"""How does a fusion become a folder that holds everything a verdict needs?"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from deepfake_core import __version__, tracking
from deepfake_core.contract.errors import UsageError
from deepfake_core.contract.records import FAKE
from deepfake_core.data.index import Index
from deepfake_core.detector.card import CARD_FILE, card
from deepfake_core.detector.detector import FUSER_DIR, STREAMS_DIR
from deepfake_core.detector.manifest import FuserPart, Manifest, Measured, StreamPart, TrainedOn
from deepfake_core.detector.scoring import REFIT, Inference
from deepfake_core.detector.verdict import Band
from deepfake_core.fusion.crossfit import Candidate
from deepfake_core.fusion.findings import Findings
from deepfake_core.plugins import load_stream
from deepfake_core.tracking import Finished


def describe(
    findings: Findings,
    candidates: Sequence[Candidate],
    sources: Mapping[str, Finished | Path],
    index: Index,
    folds_digest: str,
    *,
    ensemble: str,
    inference: Inference,
) -> Manifest:
    """What is written down about a fusion.

    Args:
        findings: what was measured.
        candidates: the fusers that were chosen from.
        sources: where each stream's scores come from.
        index: the videos.
        folds_digest: of their folds.
        ensemble: as it was asked for.
        inference: whose scores are to count.
    """
    nested, videos = findings.nested, index.videos
    fuser = next(each for each in candidates if each.name == nested.final.fuser)
    calibrated = nested.final.calibrator(findings.found[fuser.name].outer)
    band = Band.of(findings.rows.label, calibrated, nested.final.threshold)
    return Manifest(
        core_version=__version__,
        created=datetime.now(timezone.utc),
        ensemble=ensemble,
        streams=tuple(_stream_part(name, source, findings) for name, source in sources.items()),
        fuser=FuserPart(
            name=fuser.name,
            distribution=fuser.fuser.listing.distribution,
            version=fuser.fuser.listing.version,
            settings=fuser.settings.model_dump(mode="json"),
        ),
        missing=findings.joined.missing,
        inference=inference,
        members=(REFIT,) if inference == REFIT else tuple(f"fold_{k}" for k in findings.rows.folds),
        calibrator=nested.final.calibrator.to_json(),
        threshold=nested.final.threshold,
        rule=findings.rule,
        band=(band.low, band.high),
        measured=Measured(
            auc=findings.final["auc"],
            low=findings.final["auc_low"],
            high=findings.final["auc_high"],
            naive=findings.optimism.naive,
            coverage=findings.joined.coverage["fused"],
        ),
        trained_on=TrainedOn(
            index_digest=index.digest,
            folds_digest=folds_digest,
            videos=len(videos),
            fakes=sum(video.label == FAKE for video in videos),
            people=len({name for video in videos for name in video.identities}),
            datasets=tuple(sorted({video.dataset for video in videos})),
            methods=tuple(sorted({video.method for video in videos})),
        ),
        basis=findings.basis,
    )


def _stream_part(name: str, source: Finished | Path, findings: Findings) -> StreamPart:
    row = findings.metrics[findings.metrics["score"] == name].iloc[0]
    measured = {"auc": row["auc"], "low": row["auc_low"], "high": row["auc_high"]}
    if isinstance(source, Path):
        return StreamPart(
            name=name, distribution="", version="", settings={}, source=str(source), trained=False, **measured
        )
    listing = load_stream(name).listing
    return StreamPart(
        name=name,
        distribution=listing.distribution,
        version=listing.version,
        settings=tracking.read_settings(source.run_id),
        source=source.run_id,
        trained=True,
        **measured,
    )


def pack(manifest: Manifest, findings: Findings, folder: Path) -> None:
    """Fills a folder with the models of all streams and of the fuser, the manifest, and the model card.

    Raises:
        UsageError: a stream has no models of the kind that is to count.
    """
    for part in manifest.streams:
        if not part.trained:
            raise UsageError(
                f"{part.name}: its scores come from {part.source}; there is no model that could score another video.",
                hint="run the stream here, or fuse with --no-register.",
            )
        with tempfile.TemporaryDirectory() as scratch:
            models = tracking.fold_models(part.source, Path(scratch))
            for name in manifest.members:
                if name not in models:
                    raise UsageError(
                        f"{part.name}: run {part.source} has no model {name!r}, only {', '.join(models)}.",
                        hint=f"deepfake stream --name {part.name} --refit true, or fuse with --inference folds.",
                    )
                shutil.copytree(models[name], folder / STREAMS_DIR / part.name / name)
    shutil.copytree(findings.found[manifest.fuser.name].whole.dir, folder / FUSER_DIR)
    manifest.write(folder)
    (folder / CARD_FILE).write_text(card(manifest, findings), encoding="utf-8")

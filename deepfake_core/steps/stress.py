"""``stress``: how much loss of quality a registered detector bears, on the same videos as they are and corrupted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepfake_core import parallel, tracking, workspace
from deepfake_core.contract.errors import VideoError
from deepfake_core.contract.records import FAKE, Extracted, VideoRecord
from deepfake_core.data.index import Index
from deepfake_core.data.store import Store
from deepfake_core.data.taking import shuffled
from deepfake_core.detector.detector import Detector, Extracts
from deepfake_core.steps import evaluate, predict
from deepfake_core.steps.evaluate import Reported
from deepfake_core.steps.extract import failure
from deepfake_core.steps.index import open_index
from deepfake_core.stress import pages, results
from deepfake_core.stress.corrupted import corrupted
from deepfake_core.stress.findings import Findings
from deepfake_core.stress.sweep import Corruption, sweep
from deepfake_core.unseen.answers import Answers, groups


def run(
    model: str = predict.DEFAULT_MODEL,
    index_name: str = "demo",
    *,
    kinds: str = "all",
    most: int = 0,
    out: Path = Path("stress"),
    workers: str = "auto",
) -> Reported[Findings]:
    """Has a detector score videos as they are and after each corruption. Corrupted files and what is made of them are kept.

    Args:
        model: an MLflow model URI, or the folder of a model.
        index_name: ``demo``, or the path of an index.
        kinds: of corruption, separated by commas; or ``all``.
        most: number of videos to take, both classes alike; 0 for all.
        out: folder for report, figure and tables.
        workers: processes.

    Raises:
        UsageError: no such model, index or kind.
    """
    corruptions = sweep(kinds)
    with tempfile.TemporaryDirectory() as scratch:
        version, folder = predict.fetched(model, Path(scratch))
        detector = Detector.load(folder)
        index = some(open_index(index_name, workers=workers), most)
        shared = evaluate.overlap_with_training(index, version, detector.manifest, workers=workers)
        name = evaluate.title(version, detector.manifest)
        tags = evaluate.tags(version, model, index, shared) | {"kinds": kinds, "most": most}
        with tracking.step("stress", f"stress {name}", tags) as log:
            log.index(index)
            clean, found = _asked(detector, index.videos, corruptions, workers=workers)
            findings = Findings(name, index.source, shared, clean, found, results.table(clean, found))
            pages.write(findings, out)
            log.artifact(out)
            log.metrics(findings.headline)
            log.tags({"failed": len(findings.failures), "finished": True})
    return Reported(findings, out, log.run_id, log.page)


def some(index: Index, most: int) -> Index:
    """At most so many videos of an index, reals and fakes in turns; 0 for all.

    Which ones depends on their ids alone: a larger number adds videos and takes none away.
    """
    if not 0 < most < len(index.videos):
        return index
    drawn = shuffled(index.videos)
    fakes = [video for video in drawn if video.label == FAKE]
    reals = [video for video in drawn if video.label != FAKE]
    turns = sorted([*enumerate(reals), *enumerate(fakes)], key=lambda turn: turn[0])
    taken = {video.video_id for _, video in turns[:most]}
    return Index(tuple(video for video in index.videos if video.video_id in taken), index.source)


def _asked(
    detector: Detector, videos: Sequence[VideoRecord], corruptions: Sequence[Corruption], *, workers: str
) -> tuple[Answers, dict[Corruption, Answers]]:
    """What a detector says of videos as they are, and after each corruption; every model is loaded once for all of them."""
    store = workspace.store()
    jobs = [_Job(video, corruption, store) for corruption in corruptions for video in videos]
    outcomes = parallel.map(_corrupted, jobs, workers=workers, label="corrupt")
    made = [each.value or failure(each.item.name, each.error) for each in outcomes]
    extracts = _extracted(detector, [*videos, *made], store, workers=workers)
    ids = {video_id: video_id for video_id in extracts[0]}
    verdicts = detector.judge(detector.rows(extracts), extracts, ids)
    group, threshold, count = groups(videos), detector.manifest.threshold, len(videos)
    answers = [
        Answers.of(videos, group, verdicts[start : start + count], threshold)
        for start in range(0, len(verdicts), count)
    ]
    return answers[0], dict(zip(corruptions, answers[1:], strict=True))


@dataclass(frozen=True)
class _Job:
    video: VideoRecord
    corruption: Corruption
    store: Store

    @property
    def name(self) -> str:
        """An id for the corrupted video, beside that of the video."""
        return f"{self.corruption.name}/{self.video.video_id}"


def _corrupted(job: _Job) -> VideoRecord | Extracted:
    """The corrupted video, or why there is none, in the form in which a stream would say it."""
    try:
        return replace(corrupted(job.video, job.corruption, job.store), video_id=job.name)
    except VideoError as error:
        return Extracted(job.name, None, error.status, {"detail": error.detail})


def _extracted(detector: Detector, items: Sequence[VideoRecord | Extracted], store: Store, *, workers: str) -> Extracts:
    """What a detector's streams make of videos, in their order; those that couldn't be made keep the reason."""
    videos = [item for item in items if isinstance(item, VideoRecord)]
    given = {item.video_id: item for item in items if isinstance(item, Extracted)}
    by_stream = [{**given, **clips} for clips in predict.extracted(detector, videos, store, workers=workers)]
    return [{item.video_id: clips[item.video_id] for item in items} for clips in by_stream]

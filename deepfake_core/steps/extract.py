"""``extract``: turns every video of an index into a stream's input, once."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_core import parallel, tracking, workspace
from deepfake_core.contract import tables
from deepfake_core.contract.errors import FAILED, FAILURES, DeepfakeError, HookFailed
from deepfake_core.contract.records import STATUS_OK, Extracted, VideoRecord
from deepfake_core.contract.settings import Settings
from deepfake_core.data.index import Index
from deepfake_core.data.oof import quality_text
from deepfake_core.data.store import Store
from deepfake_core.plugins import Stream, load_stream
from deepfake_core.steps.index import learnable, open_index

if TYPE_CHECKING:
    import pandas as pd


def run(name: str, index_name: str, *, preset: str, overrides: str, workers: str) -> dict[str, Extracted]:
    """Extracts every video of the index for one stream; pseudo-fakes, too, if that is what it would learn from."""
    stream = load_stream(name)
    settings = stream.settings(preset, overrides)
    index = learnable(open_index(index_name, workers=workers), [name])
    extracted = extract_all(stream, index, settings, workspace.store(), workers=workers)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / tables.EXTRACTED_FILE
        extracted_table(extracted).to_csv(table, index=False)
        tags = {
            "stream": name,
            "preset": preset,
            "settings_digest": settings.digest,
            "plugin": stream.listing.plugin_id,
        }
        tracking.record("extract", f"extract {name}", tags, [table], index)
    return extracted


def extract_all(
    stream: Stream, index: Index, settings: Settings, store: Store, *, workers: str
) -> dict[str, Extracted]:
    """Every video's extraction by ``video_id``. What is in the store already is not computed again.

    A video that can't be used, or whose extraction failed, has the reason as its status.

    Raises:
        DeepfakeError: something that isn't about one video, e.g. a plugin that is missing on a worker.
    """
    label = f"extract {stream.name}"
    return extract_for([(stream.name, settings)], index.videos, store, workers=workers, label=label)[0]


def extract_for(
    streams: Sequence[tuple[str, Settings]],
    videos: Sequence[VideoRecord],
    store: Store,
    *,
    workers: str,
    label: str,
) -> list[dict[str, Extracted]]:
    """Every video's extraction for several streams, video by video: what streams share is made once.

    Args:
        streams: names and settings.
        videos: what to extract.
        store: where it is kept.
        workers: see ``parallel.map``.
        label: before the progress bar.

    Returns:
        For each stream, by ``video_id``.

    Raises:
        DeepfakeError: as ``extract_all``.
    """
    jobs = [_Job(tuple(streams), video, store) for video in videos]
    found: list[dict[str, Extracted]] = [{} for _ in streams]
    for outcome in parallel.map(_extract, jobs, workers=workers, label=label):
        video_id = outcome.item.video.video_id
        values = outcome.value or [failure(video_id, outcome.error)] * len(streams)
        for clips, extracted in zip(found, values, strict=True):
            clips[video_id] = extracted
    return found


def failure(video_id: str, error: Exception | None) -> Extracted:
    """What stands for a video on which the work in a worker failed.

    Raises:
        DeepfakeError: the error is not about this one video.
    """
    if isinstance(error, DeepfakeError) and not isinstance(error, parallel.WorkerDied):
        raise error
    return _failed(video_id, error)


def status_counts(extracted: Mapping[str, Extracted]) -> dict[str, int]:
    """Number of videos by status, ``ok`` first, then the most frequent."""
    counts = Counter(item.status for item in extracted.values())
    return dict(sorted(counts.items(), key=lambda pair: (pair[0] != STATUS_OK, -pair[1], pair[0])))


def failures(extracted: Mapping[str, Extracted]) -> list[Extracted]:
    """The videos whose status is one of ``FAILURES``."""
    return [item for item in extracted.values() if item.status in FAILURES]


def extracted_table(extracted: Mapping[str, Extracted]) -> pd.DataFrame:
    """Status and quality of every video, in the schema ``tables.EXTRACTED``."""
    import pandas as pd

    rows = [(item.video_id, item.status, quality_text(item.quality), item.path) for item in extracted.values()]
    return pd.DataFrame(rows, columns=tables.EXTRACTED.names)


@dataclass(frozen=True)
class _Job:
    streams: tuple[tuple[str, Settings], ...]
    video: VideoRecord
    store: Store


def _extract(job: _Job) -> list[Extracted]:
    return [_extract_one(name, settings, job) for name, settings in job.streams]


def _extract_one(name: str, settings: Settings, job: _Job) -> Extracted:
    try:
        return load_stream(name).extract(job.video, settings, job.store)
    except HookFailed as error:
        return _failed(job.video.video_id, error)


def _failed(video_id: str, error: BaseException | None) -> Extracted:
    reason = error.problem if isinstance(error, DeepfakeError) else f"{type(error).__name__}: {error}"
    return Extracted(video_id, None, FAILED, {"detail": reason})

"""``index``: lists the videos of one or more data sets in one master index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepfake_core import parallel, tracking, workspace
from deepfake_core.contract.errors import InvalidTable, UsageError, VideoError
from deepfake_core.contract.records import VideoRecord
from deepfake_core.contract.tables import listed
from deepfake_core.data.index import Index, make_index, missing_files, read_index, write_index
from deepfake_core.data.store import Store
from deepfake_core.plugins import installed, load_dataset


@dataclass(frozen=True)
class Source:
    """A data set to list: its plugin's name, and where its videos lie (None for one that makes its own)."""

    dataset: str
    root: Path | None


def run(
    sources: Sequence[Source],
    out: Path,
    *,
    limits: Mapping[str, int],
    overrides: str = "",
    workers: str = "auto",
) -> Index:
    """Lists every source, adds the sha256 of each file, and writes one index.

    Raises:
        UsageError, UnknownPlugin: a source that isn't there.
        InvalidTable: ids that repeat, files that are missing, and the like.
    """
    if overrides and len(sources) > 1:
        raise UsageError(
            "overrides are given for several data sets at once.", hint="index them one by one, then merge the CSVs."
        )
    videos = [video for source in sources for video in _list(source, limits, overrides)]
    unknown = sorted(set(limits) - {video.method for video in videos})
    if unknown:
        raise UsageError(
            f"limits name the method(s) {listed(unknown)}, which no video has.",
            hint=f"the methods found are: {', '.join(sorted({video.method for video in videos}))}.",
        )
    index = make_index(videos, " + ".join(source.dataset for source in sources))
    missing = missing_files(index)
    if missing:
        raise InvalidTable(
            f"{index.source}: {len(missing)} of {len(index.videos)} files are missing: "
            f"{listed([str(video.path) for video in missing])}.",
            hint="correct the paths (relative ones count from the CSV's folder), or drop these rows.",
        )
    index = with_contents(index, workers=workers)
    write_index(index, out)
    tracking.record("index", f"index {index.source}", {}, [out], index)
    return index


def open_index(name: str, *, workers: str = "auto") -> Index:
    """The index that a step was given: a CSV file, or the name of a data set that makes its own videos.

    Raises:
        UsageError: it is neither.
    """
    path = Path(name)
    if path.suffix.lower() == ".csv" or path.exists():
        return read_index(path)
    if name in {listing.name for listing in installed("datasets")} and load_dataset(name).info.self_made:
        videos = _list(Source(name, None), {}, "")
        return with_contents(make_index(videos, name), workers=workers)
    raise UsageError(
        f"index {name!r} is neither a file nor a data set that makes its own videos.",
        hint="give the path of an index CSV (see `deepfake index --help`), or `demo`.",
    )


def with_contents(index: Index, *, workers: str) -> Index:
    """The index with each file's sha256, where the file can be read."""
    store = workspace.store()
    jobs = [_HashJob(video, store) for video in index.videos]
    outcomes = parallel.map(_hash, jobs, workers=workers, label="sha256")
    return Index(tuple(outcome.value or outcome.item.video for outcome in outcomes), index.source)


def _list(source: Source, limits: Mapping[str, int], overrides: str) -> tuple[VideoRecord, ...]:
    dataset = load_dataset(source.dataset)
    if source.root is None and not dataset.info.self_made:
        raise UsageError(f"data set {source.dataset!r} needs its folder.", hint=f"write {source.dataset}=/path/to/it.")
    root = source.root or workspace.dataset_root(source.dataset)
    if source.root is not None and not root.exists():
        raise UsageError(f"{root}: no such file or folder.", hint=f"check the path given for {source.dataset!r}.")
    return dataset.index(root, limits, dataset.settings(overrides))


@dataclass(frozen=True)
class _HashJob:
    video: VideoRecord
    store: Store


def _hash(job: _HashJob) -> VideoRecord:
    try:
        return replace(job.video, sha256=job.store.content_digest(job.video))
    except VideoError:
        return job.video

"""Which files of an index are there, which can be read, and which are the same?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from deepfake_core import parallel
from deepfake_core.contract.errors import FAILED, VideoError, VideoMissing, VideoUnreadable
from deepfake_core.contract.records import REAL, VideoRecord
from deepfake_core.data.identities import content
from deepfake_core.data.index import Index, write_csv
from deepfake_core.data.store import Store

if TYPE_CHECKING:
    import pandas as pd

Check = Literal["none", "files", "decode"]
"""What is asked of each file: nothing; to be there and not empty; that its first frame can be decoded."""

_BATCH = 64


@dataclass(frozen=True)
class Problem:
    """What is wrong with one file.

    Attributes:
        video: whose file.
        status: as the streams' tables will say: ``missing``, ``decode_error``, ``content_changed``, …
        detail: the measured fact.
    """

    video: VideoRecord
    status: str
    detail: str

    @property
    def missing(self) -> bool:
        """Whether the file isn't there, rather than broken."""
        return self.status == VideoMissing.status


@dataclass(frozen=True)
class Examined:
    """An index after its files were looked at.

    Attributes:
        index: the videos, with the sha256 of their files where these were read.
        problems: of its files, in the order of the index.
        checked: whether missing files would have been noticed.
    """

    index: Index
    problems: tuple[Problem, ...]
    checked: bool


def examine(index: Index, *, check: Check, hashed: bool, store: Store, workers: str) -> Examined:
    """Looks at every file of an index; a file that is missing or broken keeps its row.

    Args:
        index: the videos.
        check: what is asked of each file.
        hashed: whether each is read for its sha256, which is remembered in the store.
        store: where.
        workers: see ``parallel.map``; only what reads files is done there.
    """
    problems: dict[str, Problem] = {}
    if check != "none":
        problems = {video.video_id: problem for video in index.videos if (problem := _absent(video))}
    sound = [video for video in index.videos if video.video_id not in problems]
    sha256: dict[str, str | None] = {}
    if hashed or check == "decode":
        # A file may kill the process that decodes it; hashing is too quick to be sent off file by file.
        size = 1 if check == "decode" else _BATCH
        batches = [tuple(sound[start : start + size]) for start in range(0, len(sound), size)]
        jobs = [_Job(batch, store, hashed, check == "decode") for batch in batches]
        for outcome in parallel.map(_read, jobs, workers=workers, label="files"):
            lost = _Read(None, FAILED, f"{type(outcome.error).__name__}: {outcome.error}")
            batch = outcome.item.videos
            for video, found in zip(batch, outcome.value or [lost] * len(batch), strict=True):
                sha256[video.video_id] = found.sha256
                if found.status is not None:
                    problems[video.video_id] = Problem(video, found.status, found.detail)
    videos = tuple(
        replace(video, sha256=sha256[video.video_id]) if sha256.get(video.video_id) else video for video in index.videos
    )
    ordered = tuple(problems[video.video_id] for video in videos if video.video_id in problems)
    return Examined(Index(videos, index.source), ordered, check != "none" or hashed)


def survey(examined: Examined) -> pd.DataFrame:
    """Per data set, method and label: files found, missing, broken and used, and the people in them.

    Where nobody looked, ``found``, ``missing`` and ``broken`` are NaN.
    """
    import pandas as pd

    missing = {problem.video.video_id for problem in examined.problems if problem.missing}
    broken = {problem.video.video_id for problem in examined.problems if not problem.missing}
    table = pd.DataFrame(
        [
            (v.dataset, v.method, "real" if v.label == REAL else "fake", v.video_id, v.identities)
            for v in examined.index.videos
        ],
        columns=["dataset", "method", "label", "video_id", "identities"],
    )
    table["missing"], table["broken"] = table["video_id"].isin(missing), table["video_id"].isin(broken)
    table["found"], table["used"] = ~table["missing"], ~table["missing"] & ~table["broken"]
    counts = (
        table.groupby(["dataset", "method", "label"])
        .agg(
            **{name: (name, "sum") for name in ("found", "missing", "broken", "used")},
            people=("identities", lambda sets: len({person for s in sets for person in s})),
        )
        .reset_index()
    )
    if not examined.checked:
        counts[["found", "missing", "broken"]] = float("nan")
    return counts


def repeated(videos: Sequence[VideoRecord]) -> list[tuple[VideoRecord, ...]]:
    """Videos of equal content, two or more each; those of several data sets first."""
    same: dict[str, list[VideoRecord]] = defaultdict(list)
    for video in videos:
        if sha256 := content(video):
            same[sha256].append(video)
    groups = [tuple(group) for group in same.values() if len(group) > 1]
    return sorted(groups, key=lambda group: len({video.dataset for video in group}) == 1)


def write_problems(problems: Sequence[Problem], path: Path) -> None:
    """Writes ``video_id,path,status,detail`` of each problem."""
    import pandas as pd

    lines = [(p.video.video_id, p.video.path.as_posix(), p.status, p.detail) for p in problems]
    write_csv(pd.DataFrame(lines, columns=["video_id", "path", "status", "detail"]), path)


def _absent(video: VideoRecord) -> Problem | None:
    """What is wrong with a file as far as its folder tells."""
    try:
        size = video.path.stat().st_size
    except OSError as error:
        return Problem(video, VideoMissing.status, error.strerror or str(error))
    if not video.path.is_file():
        return Problem(video, VideoUnreadable.status, "no file")
    return None if size else Problem(video, VideoUnreadable.status, "0 bytes")


@dataclass(frozen=True)
class _Job:
    videos: tuple[VideoRecord, ...]
    store: Store
    hashed: bool
    decode: bool


@dataclass(frozen=True)
class _Read:
    sha256: str | None
    status: str | None = None
    detail: str = ""


def _read(job: _Job) -> list[_Read]:
    return [_read_one(video, job) for video in job.videos]


def _read_one(video: VideoRecord, job: _Job) -> _Read:
    sha256 = None
    try:
        if job.hashed:
            sha256 = job.store.content_digest(video)
        if job.decode:
            from deepfake_core.data.video import probe

            probe(video.path)
    except VideoError as error:
        return _Read(sha256, error.status, error.detail)
    return _Read(sha256)

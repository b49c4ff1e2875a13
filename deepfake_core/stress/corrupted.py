"""Where is a video that has lost quality? Made once for each content, kind and level, and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from deepfake_core.contract.errors import VideoUnreadable
from deepfake_core.contract.records import VideoRecord
from deepfake_core.contract.settings import Settings
from deepfake_core.data import video as reading
from deepfake_core.data.store import Facts, Store
from deepfake_core.stress.encoding import write
from deepfake_core.stress.sweep import Corruption

EXTRACTOR = "stress"
VERSION = 1
"""Raise it when the same kind and level give other pixels."""

FILE = "video.mp4"


class CorruptionSettings(Settings):
    """What a corrupted video depends on, besides the video's content."""

    kind: str = Field("control", description="name of the corruption")
    level: float = Field(0.0, description="how strong it is")


def corrupted(video: VideoRecord, corruption: Corruption, store: Store) -> VideoRecord:
    """The video after a corruption: same frame times, no sound; made now unless it is in the store.

    Raises:
        VideoError: it can't be read.
    """

    def make(folder: Path) -> Facts:
        # Chances differ from video to video, and are the same whenever a video is made.
        seed = int(store.content_digest(video)[:16], 16)
        rate = reading.probe(video.path).fps
        frames = corruption.changed(_of_one_size(reading.frames(video.path), video.path), seed)
        return {"frames": write(frames, folder / FILE, rate=rate, encoding=corruption.encoding)}

    settings = CorruptionSettings(kind=corruption.kind, level=corruption.level)
    entry = store.video_entry(video, extractor=EXTRACTOR, version=VERSION, settings=settings, make=make)
    return replace(video, path=entry.path / FILE, sha256=None)


def _of_one_size(frames: Iterator[reading.Frame], path: Path) -> Iterator[reading.Frame]:
    """The frames, as long as a file of ours can hold them.

    Raises:
        VideoUnreadable: their size changes.
    """
    first = None
    for frame in frames:
        first = first or frame
        if frame.rgb.shape != first.rgb.shape:
            raise VideoUnreadable(f"{path}: its frames change their size at {frame.time_s:.1f} s")
        yield frame

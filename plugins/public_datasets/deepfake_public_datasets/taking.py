"""Which videos are taken where not all are wanted, and what is said about those that are absent?

The draw is seeded and stable: a video's place in it depends on its id and the seed alone. Files that are added later push out
at most as many as they are, and a larger sample contains the smaller one.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from deepfake_core import Settings, VideoRecord

logger = logging.getLogger(__name__)

REAL_METHOD, FAKE_METHOD = "real", "fake"
"""The method of real videos, and that of fakes whose data set doesn't tell it."""


class TakingSettings(Settings):
    """Which videos are taken."""

    sample: Literal["all", "paper"] = Field(
        "all", description="all videos, or as many of each subset as the four-stream system was published with"
    )
    seed: int = Field(42, description="of the draw where not all are taken, by sample or by limits")


def take(
    subsets: Mapping[str, Sequence[VideoRecord]], most: Mapping[str, int], limits: Mapping[str, int], seed: int
) -> list[VideoRecord]:
    """Draws at most ``most[subset]`` videos of each subset, and of those at most ``limits[method]`` of each method.

    Returns:
        The drawn videos in the order in which they came.
    """
    drawn = [video for name, videos in subsets.items() for video in _draw(videos, most.get(name), seed)]
    by_method: dict[str, list[VideoRecord]] = defaultdict(list)
    for video in drawn:
        by_method[video.method].append(video)
    kept = {v.video_id for method, videos in by_method.items() for v in _draw(videos, limits.get(method), seed)}
    return [video for video in drawn if video.video_id in kept]


def _draw(videos: Sequence[VideoRecord], most: int | None, seed: int) -> Iterable[VideoRecord]:
    if most is None or len(videos) <= most:
        return videos
    ordered = sorted(videos, key=lambda video: hashlib.sha256(f"{seed}:{video.video_id}".encode()).digest())
    kept = {video.video_id for video in ordered[:most]}
    return (video for video in videos if video.video_id in kept)


def report(dataset: str, found: Mapping[str, int], published: Mapping[str, int]) -> None:
    """Says what of a published data set isn't there.

    Args:
        dataset: its name.
        found: number of videos by subset.
        published: number of videos that the whole subset has.
    """
    absent = [name for name in published if not found.get(name)]
    partial = [
        f"{name} {found[name]:,} of {size:,}" for name, size in published.items() if 0 < found.get(name, 0) < size
    ]
    if absent:
        there = [name for name in published if found.get(name)]
        logger.warning("%s: %s; not there: %s.", dataset, f"found {', '.join(there)}", ", ".join(absent))
    if partial:
        logger.warning("%s: not all published videos are there: %s.", dataset, ", ".join(partial))

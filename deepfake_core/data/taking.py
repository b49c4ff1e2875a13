"""Which videos are taken where not all are wanted?

The draw is seeded and stable: a video's place in it depends on its id and the seed alone. Files that are added later push out
at most as many as they are, and a larger sample contains the smaller one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from deepfake_core.contract.records import VideoRecord


def shuffled(videos: Iterable[VideoRecord], salt: str = "") -> list[VideoRecord]:
    """Videos in an order that depends on their ids and the salt alone: as good as random, and the same again."""
    return sorted(videos, key=lambda video: hashlib.sha256(f"{salt}{video.video_id}".encode()).digest())


def take(
    subsets: Mapping[str, Sequence[VideoRecord]],
    most: Mapping[str, int],
    limits: Mapping[str, int],
    seed: int,
) -> list[VideoRecord]:
    """Draws at most ``most[subset]`` videos of each subset, and of those at most ``limits[method]`` of each method.

    Args:
        subsets: videos by the name of their subset.
        most: by subset; one that isn't named is taken whole.
        limits: by method, as ``index_dataset`` gets them; 0 takes none.
        seed: of the draw.

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
    kept = {video.video_id for video in shuffled(videos, f"{seed}:")[:most]}
    return (video for video in videos if video.video_id in kept)

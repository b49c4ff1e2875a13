"""Which videos are a stream's checks made on, unless its test makes some itself?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from deepfake_core import workspace
from deepfake_core.contract.errors import UnknownPlugin, UsageError
from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.data.index import read_index
from deepfake_core.plugins import load_dataset

DEMO = "demo"
MOST = 8
LEAST, LEAST_PEOPLE = 6, 3
# As many takes are rendered, each of which takes seconds.
_LIMITS = {DEMO: {"real": MOST // 2, "faceswap": MOST // 2, "reenactment": 0, "selfblend": 0}}


def examples(index: str) -> tuple[VideoRecord, ...]:
    """A few labelled videos: of an index CSV, or of a data set that makes its own, which it does where they stay.

    Raises:
        UsageError: too few videos or people, or of one class.
        UnknownPlugin: no such data set is installed.
    """
    found = few(read_index(Path(index)).videos if index.lower().endswith(".csv") else _own(index))
    people = {video.identities[0] for video in found}
    if len(found) < LEAST or len(people) < LEAST_PEOPLE or {video.label for video in found} != {REAL, FAKE}:
        raise UsageError(
            f"{index}: {len(found)} videos of {len(people)} people can be used, of both classes or of one.",
            hint=f"the checks need {LEAST} videos of {LEAST_PEOPLE} people, real and fake; leave --index out for the demo set.",
        )
    return found


def few(videos: Iterable[VideoRecord]) -> tuple[VideoRecord, ...]:
    """At most eight, real and fake in turn, each the next person's."""
    left: dict[int | None, list[VideoRecord]] = defaultdict(list)
    for video in videos:
        left[video.label].append(video)
    chosen: list[VideoRecord] = []
    seen: dict[str, int] = defaultdict(int)
    for turn in range(MOST):
        side = left[(REAL, FAKE)[turn % 2]]
        if side:
            video = min(side, key=lambda candidate: seen[candidate.identities[0]])
            side.remove(video)
            seen[video.identities[0]] += 1
            chosen.append(video)
    return tuple(chosen)


def _own(name: str) -> Sequence[VideoRecord]:
    try:
        dataset = load_dataset(name)
    except UnknownPlugin as error:
        raise UnknownPlugin(
            f"the videos that checks are made on by default are those of the data set {name!r}, which isn't installed.",
            hint=f"pip install deepfake-{name}-dataset, or name videos of yours: --index videos.csv.",
        ) from error
    return dataset.index(workspace.dataset_root(name), _LIMITS.get(name, {}), dataset.settings(""))

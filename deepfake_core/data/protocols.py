"""How are folds drawn that hold out a test split, a method, or a data set?

Under every protocol each video is held out once, by a model that saw nobody in it, so that out-of-fold tables are complete
and streams can be fused. What a fold's model may see is derived from the folds in ``folds.plan``.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from deepfake_core.contract.errors import FoldsImpossible, UsageError
from deepfake_core.contract.records import FAKE, VideoRecord
from deepfake_core.contract.tables import listed
from deepfake_core.data import folds
from deepfake_core.data.folds import Folds
from deepfake_core.data.identities import people
from deepfake_core.data.index import Index
from deepfake_core.data.separation import (
    KFOLD,
    LEAVE_ONE_DATASET_OUT,
    LEAVE_ONE_METHOD_OUT,
    OFFICIAL,
    SPLITS,
    TEST,
    Protocol,
)

COUNTS = {KFOLD: 5, OFFICIAL: 5, LEAVE_ONE_METHOD_OUT: 3}
"""Folds, or parts of people, unless another number is asked for. A fusion of folds that leave methods out needs three parts: one
whose people are scored, one to choose on, one to learn from."""

LEAST_OFFICIAL = 3

logger = logging.getLogger(__name__)


def draw(index: Index, protocol: Protocol = KFOLD, *, count: int | None = None, seed: int = 42) -> Folds:
    """Draws folds under a protocol.

    ``kfold``: ``count`` folds of other people. ``official``: fold 0 holds out the test split, the other videos are dealt
    to the remaining folds; no model sees a test video. ``leave_one_method_out``: people are dealt into ``count`` parts,
    and each method and part make a fold, which holds out the fakes of that method with those people and a share of
    their real videos; its model sees no fake of that method and nobody of these people. ``leave_one_dataset_out``: each
    data set is a fold.

    Args:
        index: the videos.
        protocol: see above.
        count: number of folds, or of parts; None for the usual one.
        seed: breaks ties.

    Raises:
        FoldsImpossible: such folds can't be drawn; says why and what to do.
        UsageError: a number of folds where the data sets are the folds.
    """
    if protocol == LEAVE_ONE_DATASET_OUT:
        if count is not None:
            raise UsageError(
                f"{count} folds asked for, but {protocol} has one for each data set.", hint="leave out the number."
            )
        return _leave_one_dataset_out(index)
    count = COUNTS[protocol] if count is None else count
    if protocol == OFFICIAL:
        return _official(index, count, seed)
    if protocol == LEAVE_ONE_METHOD_OUT:
        return _leave_one_method_out(index, count, seed)
    return folds.draw(index, count=count, seed=seed)


def _official(index: Index, count: int, seed: int) -> Folds:
    splits = Counter(video.split for video in index.videos)
    unknown = sorted(str(split) for split in set(splits) - {None, *SPLITS})
    if unknown:
        raise FoldsImpossible(
            f"{index.source}: column 'split' holds {listed(unknown)}.", hint=f"name the splits {', '.join(SPLITS)}."
        )
    tests = [video for video in index.videos if video.split == TEST]
    _require_both(tests, f"{index.source}: the test split", "index the data set with its official lists, or use kfold.")
    if count < LEAST_OFFICIAL:
        raise FoldsImpossible(
            f"{count} fold(s) asked for.",
            hint=f"ask for at least {LEAST_OFFICIAL}: one holds out the test split, the others each other's videos.",
        )
    if splits[None]:
        logger.warning("%d of %d videos are in no split: they count as train.", splits[None], len(index.videos))
    rest = [video for video in index.videos if video.split != TEST]
    if not rest:
        raise FoldsImpossible(f"{index.source}: all videos are test videos.", hint="use kfold.")
    fold = {i: 1 + part for i, part in folds.parts(rest, count - 1, seed, f"{index.source} without tests").items()}
    return folds.completed(
        index,
        {**fold, **{video.video_id: 0 for video in tests}},
        OFFICIAL,
        largest=len(index.videos) / count,
        hint="the official split has the same people on both sides, or train people in few groups: use kfold, or fewer folds.",
    )


def _leave_one_dataset_out(index: Index) -> Folds:
    names = sorted({video.dataset for video in index.videos})
    if len(names) < 2:
        raise FoldsImpossible(
            f"{index.source}: all videos are of the data set {names[0]!r}.",
            hint="merge several into one index: deepfake index one=… other=….",
        )
    for name in names:
        _require_both(
            [video for video in index.videos if video.dataset == name],
            f"{index.source}: data set {name!r}",
            "give it and the data set it belongs to one name in the column 'dataset', or leave it out.",
        )
    return folds.completed(
        index,
        {video.video_id: names.index(video.dataset) for video in index.videos},
        LEAVE_ONE_DATASET_OUT,
        largest=len(index.videos) / len(names),
        hint="the data sets share people or footage: leave out the one that holds copies of another's.",
    )


def _require_both(videos: Sequence[VideoRecord], what: str, hint: str) -> None:
    fakes = sum(video.label == FAKE for video in videos)
    if not 0 < fakes < len(videos):
        raise FoldsImpossible(f"{what} has {len(videos) - fakes} real and {fakes} fake videos.", hint=hint)


@dataclass
class _Cell:
    """One method and one part of people, while the real videos are dealt."""

    fakes: list[VideoRecord] = field(default_factory=list)
    reals: list[list[VideoRecord]] = field(default_factory=list)
    people: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)

    def hold(self, fake: VideoRecord) -> None:
        self.fakes.append(fake)
        self.people |= people(fake)
        self.datasets.add(fake.dataset)

    def load(self, more: int = 0) -> float:
        """Real videos for each fake, once so many more are added."""
        return (sum(map(len, self.reals)) + more) / len(self.fakes)


def _leave_one_method_out(index: Index, count: int, seed: int) -> Folds:
    videos = sorted(index.videos, key=lambda v: v.video_id)
    methods = {video.method for video in videos if video.label == FAKE}
    if len(methods) < 2:
        raise FoldsImpossible(
            f"{index.source}: has fakes of {len(methods)} method(s): {listed(sorted(methods))}.",
            hint="add fakes of another method, or use kfold.",
        )
    if count < 1:
        raise FoldsImpossible(f"{count} part(s) asked for.", hint="ask for 1 part of people or more.")
    part = folds.parts(videos, count, seed, index.source)
    cells: dict[tuple[str, int], _Cell] = defaultdict(_Cell)
    reals: dict[int, list[VideoRecord]] = defaultdict(list)
    for video in videos:
        if video.label == FAKE:
            cells[video.method, part[video.video_id]].hold(video)
        else:
            reals[part[video.video_id]].append(video)
    for j in range(count):
        here = {method: cells[method, j] for method in sorted(methods) if (method, j) in cells}
        if not here or not _share(reals[j], list(here.values())):
            raise FoldsImpossible(
                f"{index.source}: part {j} of {count} has {len(reals[j])} real videos for {len(here)} method(s); each "
                "needs a real video of its own.",
                hint="ask for fewer parts (--folds), add real videos, or leave methods out (--limits method=0 of `deepfake index`).",
            )
    fold = {
        video.video_id: number
        for number, key in enumerate(sorted(cells))
        for block in (cells[key].fakes, *cells[key].reals)
        for video in block
    }
    return folds.completed(
        index,
        fold,
        LEAVE_ONE_METHOD_OUT,
        largest=len(videos) / max(count, 2),
        hint="where all methods show the same people, ask for 2 parts of people or more (--folds).",
    )


def _share(reals: Sequence[VideoRecord], cells: Sequence[_Cell]) -> bool:
    """Deals real videos to the methods of one part; whether each got one.

    A person's videos stay together. They go where that person's fakes are, else to methods of their data set, else anywhere; among
    these to where there are fewest real videos for each fake.
    """
    blocks: dict[frozenset[str], list[VideoRecord]] = defaultdict(list)
    for video in reals:
        blocks[frozenset(video.identities)].append(video)
    for block in sorted(blocks.values(), key=len, reverse=True):
        who = frozenset().union(*map(people, block))
        suited = [cell for cell in cells if not who.isdisjoint(cell.people)]
        suited = suited or [cell for cell in cells if block[0].dataset in cell.datasets] or list(cells)
        min(suited, key=lambda cell: cell.load(len(block))).reals.append(block)
    for cell in cells:
        richest = max(cells, key=lambda other: len(other.reals))
        if not cell.reals and len(richest.reals) > 1:
            cell.reals.append(richest.reals.pop())
    return all(cell.reals for cell in cells)

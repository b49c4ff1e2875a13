"""What does each protocol keep apart, besides people and footage?

A protocol says which question held-out scores answer: about videos of other people (``kfold``), about a data set's own
test videos (``official``), about forgeries that no model has seen the like of (``leave_one_method_out``), or about
another data set (``leave_one_dataset_out``). People and footage are kept apart under each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from deepfake_core.contract.records import FAKE, VideoRecord
from deepfake_core.data.identities import people

Protocol = Literal["kfold", "official", "leave_one_method_out", "leave_one_dataset_out"]

KFOLD: Protocol = "kfold"
OFFICIAL: Protocol = "official"
LEAVE_ONE_METHOD_OUT: Protocol = "leave_one_method_out"
LEAVE_ONE_DATASET_OUT: Protocol = "leave_one_dataset_out"
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

TRAIN, VAL, TEST = SPLITS = ("train", "val", "test")
"""Names of official splits in an index."""


def left_out(video: VideoRecord, protocol: Protocol) -> str | None:
    """What a fold that holds this video out keeps its model from seeing, e.g. ``method:Deepfakes``; None for no more than people."""
    if protocol == LEAVE_ONE_METHOD_OUT and video.label == FAKE:
        return f"method:{video.method}"
    if protocol == LEAVE_ONE_DATASET_OUT:
        return f"dataset:{video.dataset}"
    if protocol == OFFICIAL and video.split == TEST:
        return f"split:{TEST}"
    return None


def withheld(video: VideoRecord, protocol: Protocol) -> bool:
    """Whether no fold's model may see the video.

    True of official test videos: the fusion that scores them learns from the scores of the other videos, and these come
    from the other folds' models.
    """
    return protocol == OFFICIAL and video.split == TEST


def ties(protocol: Protocol) -> Callable[[VideoRecord], frozenset[str]]:
    """What ties a video to others under a protocol: nothing of it may stand on both sides."""

    def tied(video: VideoRecord) -> frozenset[str]:
        more = left_out(video, protocol)
        return people(video) if more is None else people(video) | {more}

    return people if protocol == KFOLD else tied

"""What stands in for fakes where an index has none, and do figures stand on deepfakes or on that?

A stream that learns from real videos alone makes pseudo-fakes of them. So that it can be held out, fused and calibrated
like any other, an index without fakes gets a *twin* of each real video: a row about the same file, in the same split, of
the same people, that asks the stream for its pseudo-fake. A twin is known by ``VideoRecord.pseudo``, never by its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.data.index import Index, make_index

Basis = Literal["deepfakes", "pseudo-fakes"]
"""What counted as fake when something was measured."""

DEEPFAKES: Basis = "deepfakes"
PSEUDO_FAKES: Basis = "pseudo-fakes"

METHOD = "pseudo"
SUFFIX = "~pseudo"

CAUTION = (
    "No deepfake was there to measure on. What counts as fake here are pseudo-fakes, which the streams make of the real videos themselves: "
    "figures, calibration, threshold and band rest on how well these are told from real videos of people that the models hadn't "
    "seen. How many deepfakes are found isn't known, and can be far fewer; deepfake evaluate measures it, on an index that has deepfakes."
)
"""What must be said wherever figures on pseudo-fakes are shown: what was measured, what wasn't, how it can be."""

_PREFIX = "pseudo_"
_OF_ALL = frozenset({"score", "kind", "fold", "purged", "videos", "scored", "coverage"})
"""Names of what is counted over all videos, whatever counts as fake."""


def basis(videos: Iterable[VideoRecord]) -> Basis:
    """What counts as fake among these videos."""
    return PSEUDO_FAKES if any(video.pseudo for video in videos) else DEEPFAKES


def lacks_fakes(index: Index) -> bool:
    """Whether all videos are real."""
    return {video.label for video in index.videos} == {REAL}


def with_twins(index: Index) -> Index:
    """An index of real videos, each followed by its twin.

    Raises:
        InvalidTable: a video has the id that another one's twin would have.
    """
    return make_index((each for video in index.videos for each in (video, _twin(video))), index.source)


def without_twins(index: Index) -> Index:
    """The rows that are videos."""
    return Index(tuple(video for video in index.videos if not video.pseudo), index.source)


def metric_name(name: str, on: Basis) -> str:
    """``pseudo_auc`` for what is ``auc`` on deepfakes, so that nobody compares the two; counts of all videos keep their names."""
    return name if on == DEEPFAKES or name in _OF_ALL else _PREFIX + name


def fake_word(on: Basis) -> str:
    """What one fake is called in a sentence."""
    return "fake" if on == DEEPFAKES else "pseudo-fake"


def _twin(video: VideoRecord) -> VideoRecord:
    return replace(video, video_id=video.video_id + SUFFIX, label=FAKE, method=METHOD, pseudo=True)

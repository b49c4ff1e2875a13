"""What does a detector say of labelled videos? One row per video, with everything that is measured later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract.errors import FAILURES
from deepfake_core.contract.records import STATUS_OK, VideoRecord
from deepfake_core.contract.tables import score_column
from deepfake_core.data.identities import units
from deepfake_core.detector.verdict import Verdict
from deepfake_core.evaluation.thresholds import decide
from deepfake_core.fusion.results import FINAL, Score

if TYPE_CHECKING:
    import pandas as pd

GROUP_PARTS = 5
"""People who appear together are one group, as in five folds: unless more than a fifth of all videos hang together."""


@dataclass(frozen=True)
class Failure:
    """A video that a stream couldn't use because something is wrong with the file or a program."""

    video_id: str
    stream: str
    status: str
    detail: str


@dataclass(frozen=True)
class Answers:
    """A detector's answers on N labelled videos.

    Attributes:
        table: ``video_id, label, dataset, method, identity, group, status, verdict, P_final, low, high, pred_final,
            reasons``, then ``{stream}_p, {stream}_status`` of each stream. ``status`` is ``ok`` where there is a final
            score, else why there is none; ``pred_final`` is the decision at the detector's threshold, 1 fake, 0 real.
        streams: names.
        failures: what went wrong.
    """

    table: pd.DataFrame
    streams: tuple[str, ...]
    failures: tuple[Failure, ...]

    @classmethod
    def of(
        cls,
        videos: Sequence[VideoRecord],
        group: Mapping[str, str],
        verdicts: Sequence[Verdict],
        threshold: float,
    ) -> Answers:
        """The answers that verdicts hold.

        Args:
            videos: labelled.
            group: of each video.
            verdicts: on the same videos in the same order.
            threshold: of the detector.
        """
        import pandas as pd

        streams = tuple(opinion.stream for opinion in verdicts[0].opinions)
        p = np.array([np.nan if each.probability is None else each.probability for each in verdicts])
        table = pd.DataFrame(
            {
                "video_id": [video.video_id for video in videos],
                "label": np.array([video.label for video in videos], dtype=np.int64),
                "dataset": [video.dataset for video in videos],
                "method": [video.method for video in videos],
                "identity": [video.identities[0] for video in videos],
                "group": [group[video.video_id] for video in videos],
                "status": [_status(each) for each in verdicts],
                "verdict": [each.answer for each in verdicts],
                FINAL: p,
                "low": np.array([each.low for each in verdicts], dtype=np.float64),
                "high": np.array([each.high for each in verdicts], dtype=np.float64),
                "pred_final": decide(p, threshold),
                "reasons": ["; ".join(each.reasons) for each in verdicts],
            }
        )
        for place, stream in enumerate(streams):
            said = [each.opinions[place] for each in verdicts]
            table[score_column(stream)] = np.array([opinion.p for opinion in said], dtype=np.float64)
            table[f"{stream}_status"] = [opinion.status for opinion in said]
        failures = [
            Failure(video.video_id, opinion.stream, opinion.status, str(opinion.quality.get("detail", "")))
            for video, each in zip(videos, verdicts, strict=True)
            for opinion in each.opinions
            if opinion.status in FAILURES
        ]
        return cls(table, streams, tuple(failures))

    @cached_property
    def label(self) -> NDArray[np.int64]:
        """0 real, 1 fake, ``[N]``."""
        return np.asarray(self.table["label"], dtype=np.int64)

    @cached_property
    def group(self) -> NDArray[np.str_]:
        """Identity group, ``[N]``."""
        return np.asarray(self.table["group"], dtype=str)

    @cached_property
    def part(self) -> NDArray[np.str_]:
        """Data set and method, ``[N, 2]``."""
        return np.asarray(self.table[["dataset", "method"]], dtype=str)

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """Each stream's mean score, without decisions, since a detector has no threshold for it; then the final one."""
        nothing = np.full(len(self.table), np.nan)
        streams = [Score(name, "stream", self._floats(score_column(name)), nothing) for name in self.streams]
        return (*streams, Score(FINAL, "final", self._floats(FINAL), self._floats("pred_final")))

    @property
    def final(self) -> Score:
        """The calibrated probability."""
        return self.scores[-1]

    @cached_property
    def examined(self) -> NDArray[np.bool_]:
        """Videos that could be looked at, ``[N]``: also those in which no stream found what it needs."""
        return ~np.asarray(self.table["status"].isin(FAILURES), dtype=bool)

    @cached_property
    def verdict(self) -> NDArray[np.float64]:
        """What it says with its band: 1 fake, 0 real, NaN inconclusive, ``[N]``."""
        return np.asarray(self.table["verdict"].map({"fake": 1.0, "real": 0.0}), dtype=np.float64)

    def _floats(self, column: str) -> NDArray[np.float64]:
        return np.asarray(self.table[column], dtype=np.float64)


def groups(videos: Sequence[VideoRecord]) -> dict[str, str]:
    """The identity group of each video: what is resampled together, named as folds name it."""
    ordered = sorted(videos, key=lambda video: video.video_id)
    parts = units(ordered, largest=len(ordered) / GROUP_PARTS)
    return {ordered[row].video_id: unit.group for unit in parts for row in unit.videos}


def _status(verdict: Verdict) -> str:
    """``ok`` with a score; else what failed, or else why the first stream abstains."""
    if verdict.probability is not None:
        return STATUS_OK
    statuses = [opinion.status for opinion in verdict.opinions if opinion.status != STATUS_OK]
    return next((status for status in statuses if status in FAILURES), statuses[0] if statuses else "abstains")

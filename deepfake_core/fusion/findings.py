"""What is there to say about one fusion? All that was measured, and the numbers that runs are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from deepfake_core.data.pseudo import Basis, metric_name
from deepfake_core.fusion.crossfit import CrossFitted, Rows
from deepfake_core.fusion.explaining import Explanation
from deepfake_core.fusion.joining import Joined
from deepfake_core.fusion.results import FINAL, Optimism, Score
from deepfake_core.fusion.selection import Nested

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Findings:
    """Everything that was measured about one fusion; see ``results`` for the tables.

    Attributes:
        joined: the streams side by side.
        foreign: those whose scores came from files of anybody.
        rows: the videos that were fused.
        found: cross-fitted scores by fuser.
        nested: choices and final scores.
        rule: of the threshold.
        columns: all scores, the final one last.
        metrics: one row per score.
        official: the same on the official test split; None where the folds don't hold one out.
        differences: the final score against each other.
        values: what each stream adds.
        errors: correlation of the streams' errors.
        optimism: naive, cross-fitted, nested.
        calibration: before and after.
        methods: by data set and method.
        explanation: what the columns add to the scores of the fuser that is used.
        importance: the same by stream.
        video_map: the videos in the plane; None where no stream has an embedding.
        basis: what counts as fake in all of it.
    """

    joined: Joined
    foreign: tuple[str, ...]
    rows: Rows
    found: Mapping[str, CrossFitted]
    nested: Nested
    rule: str
    columns: list[Score]
    metrics: pd.DataFrame
    official: pd.DataFrame | None
    differences: pd.DataFrame
    values: pd.DataFrame
    errors: pd.DataFrame
    optimism: Optimism
    calibration: pd.DataFrame
    methods: pd.DataFrame
    explanation: Explanation
    importance: pd.DataFrame
    video_map: pd.DataFrame | None
    basis: Basis

    @cached_property
    def final(self) -> pd.Series:
        """The final score's row of the metrics."""
        return self.metrics[self.metrics["score"] == FINAL].iloc[0]

    @property
    def official_final(self) -> pd.Series | None:
        """The final score's row of the metrics on the official test split."""
        return None if self.official is None else self.official[self.official["score"] == FINAL].iloc[0]

    @property
    def headline(self) -> dict[str, float]:
        """The numbers that runs are compared by, under the names that they have on this basis."""
        numbers = _numbers(self.final)
        if self.official_final is not None:
            numbers |= {f"official_{name}": value for name, value in _numbers(self.official_final).items()}
        found = self.optimism
        numbers |= {
            "auc_nested": found.nested,
            "auc_naive": found.naive,
            "auc_crossfitted_best": found.crossfitted,
            "optimism": found.optimism,
            "coverage": self.joined.coverage["fused"],
        }
        return {metric_name(name, self.basis): value for name, value in numbers.items()}


def _numbers(row: pd.Series) -> dict[str, float]:
    return {str(name): float(value) for name, value in row.items() if isinstance(value, float | int)}

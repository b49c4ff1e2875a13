"""What is there to say about a detector under stress? All that was measured, and the numbers that runs are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepfake_core.fusion.results import FINAL
from deepfake_core.stress.sweep import Corruption
from deepfake_core.unseen.answers import Answers, Failure
from deepfake_core.unseen.overlap import Overlap

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Findings:
    """Everything that was measured.

    Attributes:
        name: of the detector, for people.
        source: of the index.
        overlap: what the videos share with those that the detector was made from; None if those are unknown.
        clean: answers on the videos as they are.
        corrupted: answers on the same videos, by corruption.
        table: see ``results.table``.
    """

    name: str
    source: str
    overlap: Overlap | None
    clean: Answers
    corrupted: Mapping[Corruption, Answers]
    table: pd.DataFrame

    @property
    def failures(self) -> list[Failure]:
        """What went wrong with videos as they are, and corrupted."""
        return [failure for each in (self.clean, *self.corrupted.values()) for failure in each.failures]

    @property
    def headline(self) -> dict[str, float]:
        """The numbers that runs are compared by."""
        final = self.table[self.table["score"] == FINAL]
        return {
            f"{row['kind']}_{row['level']:g}_{name}": float(row[name])
            for _, row in final.iterrows()
            for name in ("auc", "log_loss", "coverage", "auc_change", "log_loss_change")
        }

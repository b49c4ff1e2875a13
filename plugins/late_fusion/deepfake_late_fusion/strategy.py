"""What does every late fusion have in common? Scores of S streams in, one probability out, and a model of a few numbers."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deepfake_core import FusedModel, FuserInfo, InvalidTable, Settings, hookimpl
from deepfake_core.contract.tables import score_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Parameters = Mapping[str, Any]
"""What a strategy learned: plain JSON values."""

MODEL = "model.json"


class LateFusion(ABC):
    """The hooks of a late fusion; a subclass says what is learned from scores and how they are combined.

    Scores are ``[N, S]`` P(fake), NaN where a stream abstained; each row has one that isn't.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    settings: ClassVar[Settings] = Settings()

    @abstractmethod
    def learn(self, scores: NDArray[np.float64], label: NDArray[np.bool_], settings: Any) -> Parameters:
        """Parameters from labelled scores of both classes."""

    @abstractmethod
    def combine(self, scores: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
        """P(fake) ``[N]``."""

    @abstractmethod
    def contributions(self, scores: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
        """What each stream adds to a score, ``[N, S]``; 0 for one that neither speaks nor is missed."""

    @hookimpl
    def fuser_info(self) -> FuserInfo:
        """Name and settings; scores are enough."""
        return FuserInfo(
            name=self.name, settings=type(self.settings), presets={"paper": self.settings}, summary=self.summary
        )

    @hookimpl
    def fuse(self, oof: pd.DataFrame, settings: Settings, work_dir: Path) -> FusedModel:
        """Learns; the model is a JSON file."""
        columns = score_columns(oof)
        learned = self.learn(oof[columns].to_numpy(np.float64), oof["label"].to_numpy() == 1, settings)
        (work_dir / MODEL).write_text(json.dumps({"columns": columns, "parameters": learned}, indent=1))
        return FusedModel(work_dir)

    @hookimpl
    def predict_fused(self, model: FusedModel, table: pd.DataFrame) -> NDArray[np.float64]:
        """Combines the streams that the model was learned from.

        Raises:
            InvalidTable: one of their columns isn't there.
        """
        learned = self._learned(model, table)
        return self.combine(table[learned["columns"]].to_numpy(np.float64), learned["parameters"])

    @hookimpl
    def explain(self, model: FusedModel, table: pd.DataFrame) -> pd.DataFrame:
        """What each stream's score adds; the unit is the strategy's.

        Raises:
            InvalidTable: a column of the model isn't there.
        """
        import pandas as pd

        learned = self._learned(model, table)
        found = self.contributions(table[learned["columns"]].to_numpy(np.float64), learned["parameters"])
        return pd.DataFrame(found, index=table.index, columns=learned["columns"])

    def _learned(self, model: FusedModel, table: pd.DataFrame) -> dict[str, Any]:
        """The model file, if the table has the columns that it needs."""
        content: dict[str, Any] = json.loads((model.dir / MODEL).read_text())
        absent = [name for name in content["columns"] if name not in table]
        if absent:
            raise InvalidTable(
                f"{self.name}: the table lacks the score column(s) {', '.join(absent)}.",
                hint="score the videos with all streams that the fusion was learned from, or fuse fewer streams.",
            )
        return content

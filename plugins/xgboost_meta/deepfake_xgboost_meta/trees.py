"""How do boosted trees learn from a table of scores and embeddings, and how are they kept, applied and explained?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xgboost as xgb

from deepfake_core import InvalidTable
from deepfake_core.contract.tables import listed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from deepfake_xgboost_meta.plugin import MetaSettings

TREES_FILE = "xgboost.ubj"
COLUMNS_FILE = "columns.json"


@dataclass(frozen=True, eq=False)
class Trees:
    """A fitted XGBoost classifier (Chen & Guestrin 2016, doi:10.1145/2939672.2939785) and the columns that it reads.

    What a stream abstained on is NaN and stays NaN: every split has a side for it, learned in training.
    """

    booster: xgb.Booster
    columns: tuple[str, ...]

    @classmethod
    def fit(cls, oof: pd.DataFrame, columns: Sequence[str], settings: MetaSettings, seed: int) -> Trees:
        """Fits columns of a joined table to its labels, of which both classes are there."""
        label = oof["label"].to_numpy()
        parameters = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": settings.depth,
            "learning_rate": settings.learning_rate,
            "scale_pos_weight": float((label == 0).sum() / (label == 1).sum()),
            "seed": seed,
            "nthread": settings.threads,
        }
        known = xgb.DMatrix(_values(oof, columns), label, nthread=settings.threads)
        return cls(xgb.train(parameters, known, settings.trees), tuple(columns))

    def predict(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """P(fake), ``[N]``.

        Raises:
            InvalidTable: a column that the trees read isn't there.
        """
        return np.asarray(self.booster.predict(self._matrix(table)), np.float64)

    def explain(self, table: pd.DataFrame) -> pd.DataFrame:
        """What each column adds to the log odds, counted from a constant of the model.

        Exact Shapley values of the trees (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9): that constant and a row's
        values add up to its log odds.

        Raises:
            InvalidTable: a column that the trees read isn't there.
        """
        import pandas as pd

        values = self.booster.predict(self._matrix(table), pred_contribs=True)[:, :-1]
        return pd.DataFrame(values.astype(np.float64), index=table.index, columns=list(self.columns))

    def write(self, folder: Path) -> None:
        """Writes two files."""
        (folder / TREES_FILE).write_bytes(self.booster.save_raw("ubj"))
        (folder / COLUMNS_FILE).write_text(json.dumps(self.columns, indent=1))

    @classmethod
    def read(cls, folder: Path) -> Trees:
        """Reads what ``write`` wrote; nothing is unpickled."""
        # Rows are few: threads that wait for each other would cost more than they do.
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(bytearray((folder / TREES_FILE).read_bytes()))
        return cls(booster, tuple(json.loads((folder / COLUMNS_FILE).read_text())))

    def _matrix(self, table: pd.DataFrame) -> xgb.DMatrix:
        absent = [name for name in self.columns if name not in table]
        if absent:
            raise InvalidTable(
                f"xgboost_meta: the table lacks the column(s) {listed(absent)}.",
                hint="score the videos with all streams that the fusion was learned from, with embeddings of the same size; "
                "or fuse fewer streams, or with features=scores.",
            )
        return xgb.DMatrix(_values(table, self.columns), nthread=1)


def _values(table: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float32]:
    """``[N, C]``; XGBoost computes in single precision."""
    return table[list(columns)].to_numpy(np.float32)

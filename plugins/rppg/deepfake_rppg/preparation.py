"""How feature rows become the inputs of the base classifiers: clipped, imputed, scaled, selected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfake_core.contract.errors import InvalidTable, NoUsableVideo
from deepfake_core.contract.tables import listed
from deepfake_rppg import arrays

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from deepfake_rppg.settings import RppgSettings

PREPARATION_FILE = "preparation.npz"

CLIP_PERCENTILES = (1.0, 99.0)
"""Published. Values beyond these percentiles of the training rows are set to them."""

SCALED_LIMIT = 10.0
"""Published. Bound of a scaled value, in interquartile ranges from the median."""

NEAR_CONSTANT = 1e-6
"""A column varies if its standard deviation exceeds this share of its largest magnitude.

The published bound is an absolute 1e-6, which would depend on the feature's unit.
"""


@dataclass(frozen=True, eq=False)
class Preparation:
    """Everything learnt from the training rows before the base classifiers.

    F columns come in, K of them vary, M of these have missing training values, S inputs go out. The candidates for
    selection are the K scaled columns followed by M flags (1 where the value is missing, else 0).

    Three readings of the published recipe, each because the data here are few and gappy:

    - Median and interquartile range come from the observed values: imputed medians would narrow the range, to
      nothing when half of a column is missing. A missing value becomes the median, which is 0 once scaled.
    - A column whose interquartile range is nil though it varies (say, zero in most rows) is divided by its standard
      deviation, so that no result depends on a feature's unit.
    - Flags exist only for columns with missing training values; a value that is missing for the first time at
      prediction is imputed without a flag. A column that is dropped takes its flag with it.

    Attributes:
        columns: names of the F columns, in training order.
        kept: positions of the varying columns, ``[K] int64``.
        low: 1st percentile of the training values, ``[K]``.
        high: 99th percentile, ``[K]``.
        center: median of the clipped training values, ``[K]``.
        scale: interquartile range of the clipped training values, ``[K]``.
        flagged: positions, within ``kept``, of the columns with a flag, ``[M] int64``.
        importance: mean decrease in impurity of each candidate, ``[K + M]``, sum 1.
        selected: positions of the selected candidates, ascending, ``[S] int64``.
    """

    columns: NDArray[np.str_]
    kept: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    flagged: NDArray[np.int64]
    importance: NDArray[np.float64]
    selected: NDArray[np.int64]

    @classmethod
    def fit(
        cls, features: pd.DataFrame, labels: NDArray[np.int64], *, settings: RppgSettings, seed: int
    ) -> Preparation:
        """Learns from training rows.

        Args:
            features: ``[N, F]`` numbers; NaN where a feature couldn't be computed.
            labels: ``[N]``, 0 real, 1 fake.
            settings: the selector's trees, threshold and least number of features.
            seed: of the selector's trees.

        Raises:
            InvalidTable: a column isn't numeric, is infinite somewhere, or comes twice.
            NoUsableVideo: no column varies among these rows.
        """
        columns = np.array([str(name) for name in features.columns], dtype=np.str_)
        if len(set(columns)) < len(columns):
            twice = sorted({str(name) for name in columns if (columns == name).sum() > 1})
            raise InvalidTable(f"the feature table has {listed(twice)} twice.", hint="keep one column of each name.")
        values = _numbers(features)
        seen = np.flatnonzero(~np.isnan(values).all(axis=0))
        low, high = np.nanpercentile(values[:, seen], CLIP_PERCENTILES, axis=0)
        clipped = np.clip(values[:, seen], low, high)
        spread = np.nanstd(clipped, axis=0)
        size = np.nanmax(np.abs(clipped), axis=0)
        varies = spread > NEAR_CONSTANT * size
        if not varies.any():
            raise NoUsableVideo(
                f"none of the {len(columns)} features varies among the {len(values)} training rows.",
                hint="check the extracted features; a training set of copies of one video teaches nothing.",
            )
        clipped, spread, size = clipped[:, varies], spread[varies], size[varies]
        lower, center, upper = np.nanpercentile(clipped, (25.0, 50.0, 75.0), axis=0)
        quartiles = upper - lower
        unselected = cls(
            columns=columns,
            kept=seen[varies],
            low=low[varies],
            high=high[varies],
            center=center,
            scale=np.where(quartiles > NEAR_CONSTANT * size, quartiles, spread),
            flagged=np.flatnonzero(np.isnan(clipped).any(axis=0)),
            importance=np.empty(0),
            selected=np.empty(0, np.int64),
        )
        importance = _importance(unselected._candidates(values), labels, trees=settings.selector_trees, seed=seed)
        selected = _select(importance, threshold=settings.selector_threshold, least=settings.selector_keep)
        return cls(**{**unselected._arrays(), "importance": importance, "selected": selected})

    def transform(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """The ``[N, S]`` inputs of ``[N, F]`` feature rows, each row by itself; columns are found by name.

        Raises:
            InvalidTable: a column is missing, surplus, not numeric, or infinite somewhere.
        """
        given = [str(name) for name in features.columns]
        absent = sorted(set(self.columns) - set(given))
        surplus = sorted(set(given) - set(self.columns))
        if absent or surplus or len(given) != len(self.columns):
            faults = [f"lacks {listed(absent)}"] * bool(absent) + [f"has the unknown {listed(surplus)}"] * bool(surplus)
            raise InvalidTable(
                f"the feature table {' and '.join(faults) or 'has a column twice'}.",
                hint=f"compute the features with the model's own settings; it was trained on {len(self.columns)}.",
            )
        return self._candidates(_numbers(features[self.columns.tolist()]))[:, self.selected]

    def importances(self) -> pd.Series:
        """Importance of each of the F columns with its flag, in training order; NaN for dropped columns."""
        import pandas as pd

        n_kept = len(self.kept)
        total = self.importance[:n_kept].copy()
        total[self.flagged] += self.importance[n_kept:]
        result = pd.Series(np.nan, index=pd.Index(self.columns.tolist(), name="feature"), name="importance")
        result.iloc[self.kept] = total
        return result

    def to_files(self) -> dict[str, bytes]:
        """Content of the model files, by name."""
        return {PREPARATION_FILE: arrays.pack(self._arrays())}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Preparation:
        """Reads what ``to_files`` made.

        Raises:
            ValueError: the file isn't what its name says; the message names it.
        """
        try:
            return cls(**arrays.unpack(files[PREPARATION_FILE], [field.name for field in fields(cls)]))
        except ValueError as error:
            raise ValueError(f"{PREPARATION_FILE}: {error}") from error

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _candidates(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """``[N, K + M]`` scaled columns and flags of ``[N, F]`` values."""
        kept = values[:, self.kept]
        scaled = (np.clip(kept, self.low, self.high) - self.center) / self.scale
        missing = np.isnan(kept)
        scaled = np.where(missing, 0.0, np.clip(scaled, -SCALED_LIMIT, SCALED_LIMIT))
        return np.concatenate([scaled, missing[:, self.flagged]], axis=1)


def _numbers(features: pd.DataFrame) -> NDArray[np.float64]:
    """The table as ``[N, F] float64``."""
    wrong = [str(name) for name, kind in features.dtypes.items() if kind.kind not in "fiub"]
    if wrong:
        raise InvalidTable(f"the features {listed(wrong)} aren't numeric.", hint="write NaN for what is missing.")
    values: NDArray[np.float64] = features.to_numpy(np.float64, na_value=np.nan)
    infinite = [str(name) for name in features.columns[np.isinf(values).any(axis=0)]]
    if infinite:
        raise InvalidTable(f"the features {listed(infinite)} hold infinite values.", hint="write NaN instead.")
    return values


def _importance(
    candidates: NDArray[np.float64], labels: NDArray[np.int64], *, trees: int, seed: int
) -> NDArray[np.float64]:
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(trees, random_state=seed, n_jobs=1)
    return np.asarray(forest.fit(candidates, labels).feature_importances_, np.float64)


def _select(importance: NDArray[np.float64], *, threshold: float, least: int) -> NDArray[np.int64]:
    """Positions at or above ``threshold`` times the mean; the ``least`` most important if those are fewer."""
    passed = np.flatnonzero(importance >= threshold * importance.mean())
    if len(passed) >= least:
        return passed
    return np.sort(np.argsort(-importance, kind="stable")[:least])

"""How are scores of different scales combined? By their ranks among the scores that the fusion was learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core import Settings
from deepfake_late_fusion.strategy import LateFusion, Parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RankMean(LateFusion):
    """The mean rank of a video, as a share of the training scores below it: so a single video can be scored."""

    name = "rank_mean"
    summary = "mean of the streams' ranks among the training scores"

    def learn(self, scores: NDArray[np.float64], label: NDArray[np.bool_], settings: Settings) -> Parameters:
        """The sorted scores of each stream."""
        return {"sorted": [np.sort(column[~np.isnan(column)]).tolist() for column in scores.T]}

    def combine(self, scores: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
        """Mean over the streams that have a score, and had one in training; ties count half."""
        # A video of which only streams unknown in training say something stands in the middle.
        return 0.5 + self.contributions(scores, parameters).sum(axis=1)

    def contributions(self, scores: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
        """In ranks, from the middle on: (rank - 1/2) / number of streams that count."""
        ranks = np.full(scores.shape, np.nan)
        for column, known in enumerate(parameters["sorted"]):
            if known:
                below = np.searchsorted(known, scores[:, column], side="left")
                upto = np.searchsorted(known, scores[:, column], side="right")
                ranks[:, column] = (below + upto) / 2 / len(known)
        ranks[np.isnan(scores)] = np.nan
        usable = ~np.isnan(ranks)
        return np.where(usable, ranks - 0.5, 0.0) / usable.sum(axis=1, keepdims=True).clip(1)

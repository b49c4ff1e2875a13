"""Which weighted means of scores are there? Equal weights, weights by AUC, and the best weights on a simplex.

A stream that abstains on a video leaves its weight to the others.
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core import Settings
from deepfake_late_fusion.strategy import LateFusion, Parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = 10
"""The simplex is searched in steps of 1/10, as published."""

WHOLE_GRID = 5
"""Streams up to which every grid point is tried: 1,001 of them. Ten streams would have 92,378."""

NO_MASS = 1e-12
"""Sums of weights up to here are rounding: the streams that speak have no weight at all."""


class WeightedMean(LateFusion):
    """A mean with one weight per stream."""

    @abstractmethod
    def weights(self, scores: NDArray[np.float64], label: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Weights ``[S]``, none negative, with sum 1."""

    def learn(self, scores: NDArray[np.float64], label: NDArray[np.bool_], settings: Settings) -> Parameters:
        """The weights."""
        return {"weights": self.weights(scores, label).tolist()}

    def combine(self, scores: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
        """The weighted mean."""
        return weighted_mean(scores, np.array(parameters["weights"])[:, None])[:, 0]

    def contributions(self, scores: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
        """In P(fake), from 1/2 on: weight · (p - 1/2), with the weight that the stream has among those that speak."""
        known = ~np.isnan(scores)
        weights = known * np.array(parameters["weights"])
        weights[weights.sum(axis=1) <= NO_MASS] = 1.0
        weights *= known
        return weights / weights.sum(axis=1, keepdims=True) * np.where(known, scores - 0.5, 0.0)


class Mean(WeightedMean):
    """All streams count the same."""

    name = "mean"
    summary = "mean of the streams' probabilities"

    def weights(self, scores: NDArray[np.float64], label: NDArray[np.bool_]) -> NDArray[np.float64]:
        """1/S each."""
        return np.full(scores.shape[1], 1 / scores.shape[1])


class AucWeighted(WeightedMean):
    """Streams count by their AUC."""

    name = "auc_weighted"
    summary = "mean weighted by each stream's AUC"

    def weights(self, scores: NDArray[np.float64], label: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Each AUC over the sum of AUCs; a stream that scored one class only counts as one at chance."""
        columns = [(column[~np.isnan(column)], label[~np.isnan(column)]) for column in scores.T]
        aucs = np.array([auc(p[:, None], y)[0] if 0 < y.sum() < len(y) else 0.5 for p, y in columns])
        total = aucs.sum()
        return aucs / total if total > 0 else np.full(len(aucs), 1 / len(aucs))


class Simplex(WeightedMean):
    """The weights with the best AUC, in steps of 0.1.

    Up to five streams all combinations are tried. With more, a search starts from equal weights and from the best stream
    alone, and moves one step of weight from one stream to another as long as the AUC rises: ten streams cost some
    thousand AUCs. Of equally good weights those nearest to equal ones are taken, since a tie says nothing for an extreme.
    """

    name = "simplex"
    summary = "mean with the weights of best AUC, in steps of 0.1"

    def weights(self, scores: NDArray[np.float64], label: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The best found, a multiple of 1/10 each."""
        streams = scores.shape[1]
        if streams <= WHOLE_GRID:
            return _best(grid(streams), scores, label)[0] / STEPS
        single, _ = _best(np.eye(streams, dtype=np.int64) * STEPS, scores, label)
        found = [_climb(start, scores, label) for start in (_even(streams), single)]
        return _best(np.unique(found, axis=0), scores, label)[0] / STEPS


def grid(streams: int) -> NDArray[np.int64]:
    """All ways to give ten steps of weight to ``streams``: ``[C, S]``, by stars and bars."""
    places = list(combinations(range(STEPS + streams - 1), streams - 1))
    bars = np.array(places, np.int64).reshape(len(places), streams - 1)
    edges = np.pad(bars, ((0, 0), (1, 1)), constant_values=((0, 0), (-1, STEPS + streams - 1)))
    return np.diff(edges, axis=1) - 1


def _even(streams: int) -> NDArray[np.int64]:
    """Ten steps, dealt out."""
    return np.bincount(np.arange(STEPS) % streams, minlength=streams)


def _climb(start: NDArray[np.int64], scores: NDArray[np.float64], label: NDArray[np.bool_]) -> NDArray[np.int64]:
    at, best = start, -1.0
    while True:
        streams = np.arange(len(at))
        moves = [np.eye(len(at), dtype=np.int64)[to] - np.eye(len(at), dtype=np.int64)[source]
                 for source in streams[at > 0] for to in streams if to != source]  # fmt: skip
        candidate, value = _best(np.stack([at, *(at + move for move in moves)]), scores, label)
        if value <= best:
            return at
        at, best = candidate, value


def _best(
    steps: NDArray[np.int64], scores: NDArray[np.float64], label: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], float]:
    """The row of ``steps`` with the best AUC, the most even one among equals, and that AUC."""
    values = np.concatenate([auc(weighted_mean(scores, part.T / STEPS), label) for part in _parts(steps)])
    spread = np.square(steps).sum(axis=1)
    chosen = np.lexsort((spread, -values.round(12)))[0]
    return steps[chosen], float(values[chosen])


def _parts(steps: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Bounds the memory: 64 columns of scores at a time."""
    return np.array_split(steps, -(-len(steps) // 64))


def weighted_mean(scores: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[N, S]`` scores and ``[S, C]`` weights to ``[N, C]``; NaN scores leave their weight to the others.

    Where only streams without weight have a score, these count the same.
    """
    known = ~np.isnan(scores)
    filled = np.where(known, scores, 0.0)
    mass = known @ weights
    plain = filled.sum(axis=1) / known.sum(axis=1)
    mean = np.divide(filled @ weights, mass, out=np.repeat(plain[:, None], mass.shape[1], axis=1), where=mass > NO_MASS)
    return mean.clip(0.0, 1.0)


def auc(scores: NDArray[np.float64], label: NDArray[np.bool_]) -> NDArray[np.float64]:
    """AUC of each column, ``[N, C]`` to ``[C]``, from midranks; both classes are there."""
    from scipy.stats import rankdata

    fakes, reals = int(label.sum()), int((~label).sum())
    # Weighted sums that are equal on paper differ in their last bits.
    ranks = rankdata(scores.round(12), axis=0)[label].sum(axis=0)
    values: NDArray[np.float64] = (ranks - fakes * (fakes + 1) / 2) / (fakes * reals)
    return values

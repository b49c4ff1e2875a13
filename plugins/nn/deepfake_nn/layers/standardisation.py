"""How do numbers of different units come to weigh alike, when the training set is never in memory at once?"""

from __future__ import annotations

import torch
from torch import nn

LEAST = 1e-2
"""Spread up to which a number counts as constant; for logarithms, a difference of 1 %."""
LIMIT = 10.0
"""Standard deviations at which a value is cut off, so that one odd frame can't outshout its clip."""


class RunningStandardisation(nn.Module):
    """Scales each number by its mean and standard deviation over all rows seen in training so far.

    For inputs that are measured, not learned: their distribution doesn't move, so the estimates settle within an epoch.
    Training and evaluation use the same ones, and the size of the batch doesn't matter. Batch normalisation would
    take the 32 frames of two clips, hardly more than two samples, for the whole, and subtract what they have in common.
    Layer normalisation would keep every number's own offset, many times larger than the differences to be learned.

    Means and variances are merged as in Chan, Golub & LeVeque 1983 (10.1080/00031305.1983.10483115), and are part of
    the state dict. Before the first training batch, values pass unscaled.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.count: torch.Tensor
        self.mean: torch.Tensor
        self.variance: torch.Tensor
        self.register_buffer("count", torch.tensor(0))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardises rows; in training mode, learns from them first.

        Args:
            x: ``[N, D]`` float32.

        Returns:
            ``[N, D]``, within ±10.
        """
        if self.training and len(x):
            self._learn(x.detach())
        return ((x - self.mean) / (self.variance + LEAST**2).sqrt()).clamp(-LIMIT, LIMIT)

    def _learn(self, x: torch.Tensor) -> None:
        variance, mean = torch.var_mean(x, dim=0, correction=0)
        share = len(x) / (self.count + len(x))
        apart = mean - self.mean
        self.variance.lerp_(variance, share).add_(share * (1 - share) * apart.square())
        self.mean.add_(share * apart)
        self.count.add_(len(x))

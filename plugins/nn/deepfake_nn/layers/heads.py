"""How do a logit and a 64-d embedding come out of a clip's vector?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

EMBEDDING = 64


class HeadOutput(NamedTuple):
    """What a network says about clips.

    Attributes:
        logit: of P(fake), ``[B]``.
        embedding: ``[B, 64]``.
        auxiliary_logit: of P(fake) as the embedding alone tells it, ``[B]``; for training only. None where the logit
            itself comes from the embedding.
    """

    logit: torch.Tensor
    embedding: torch.Tensor
    auxiliary_logit: torch.Tensor | None = None


class ClassificationHead(nn.Module):
    """A perceptron for the logit; beside it a linear embedding with a logit of its own.

    The logit: for each hidden width a linear layer, LayerNorm (arXiv:1607.06450), GELU (arXiv:1606.08415) and dropout,
    then a linear layer to one number.

    The embedding: one linear layer off the fused vector. The logit doesn't pass through it, so on its own it would
    stay as it was drawn. It is therefore trained by a second loss, on ``auxiliary_logit`` = linear(GELU(embedding));
    the GELU gives each of the 64 numbers a gradient of its own, where a linear readout would train one direction only.
    The second loss reaches the embedding and its readout and stops there (the fused vector is detached). So the logit,
    and all that leads to it, train as if there were no embedding (but for a limit on the norm of all gradients
    together), and the weight of the second loss isn't critical.

    Args:
        in_features: F, width of the fused vector.
        hidden: widths of the hidden layers, e.g. ``(256, 128)``; empty for a linear classifier.
        dropout: after each hidden layer, as many.
    """

    def __init__(self, in_features: int, hidden: Sequence[int], *, dropout: Sequence[float]) -> None:
        super().__init__()
        if len(hidden) != len(dropout):
            raise ValueError(f"{len(hidden)} hidden widths, but {len(dropout)} dropout rates")
        layers: list[nn.Module] = []
        width = in_features
        for next_width, rate in zip(hidden, dropout, strict=True):
            layers += [nn.Linear(width, next_width), nn.LayerNorm(next_width), nn.GELU(), nn.Dropout(rate)]
            width = next_width
        self.classifier = nn.Sequential(*layers, nn.Linear(width, 1))
        self.embedding = nn.Linear(in_features, EMBEDDING)
        self.readout = nn.Sequential(nn.GELU(), nn.Linear(EMBEDDING, 1))

    def forward(self, fused: torch.Tensor) -> HeadOutput:
        """Judges clips.

        Args:
            fused: ``[B, F]``.

        Returns:
            logits ``[B]`` and embeddings ``[B, 64]``.
        """
        embedding = self.embedding(fused.detach())
        return HeadOutput(self.classifier(fused)[:, 0], embedding, self.readout(embedding)[:, 0])


class EmbeddingHead(nn.Module):
    """A logit that is linear in the embedding; no other loss is needed to train the embedding, and no gradient stops.

    Args:
        unit_length: whether embeddings come with length 1. They are multiplied by sqrt(64) on their way to the logit, so
            that their numbers have a mean square of 1 there: a linear layer as it is drawn expects that, and from
            numbers of 1/8 a learning rate fit for the rest would take eight times as long to reach the same logit.
    """

    def __init__(self, *, unit_length: bool = False) -> None:
        super().__init__()
        self.scale = EMBEDDING**0.5 if unit_length else 1.0
        self.classifier = nn.Sequential(nn.Linear(EMBEDDING, 1))

    def forward(self, embedding: torch.Tensor) -> HeadOutput:
        """Judges clips by their embeddings ``[B, 64]``."""
        return HeadOutput(self.classifier(self.scale * embedding)[:, 0], embedding)

"""How does a clip get one vector and one logit from frames that are looked at one by one?"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from deepfake_nn.encoder import EncoderNetwork
from deepfake_nn.layers.heads import EMBEDDING, EmbeddingHead, HeadOutput
from deepfake_nn.layers.temporal import masked_mean, padded
from deepfake_nn.settings import FrameSettings


class FrameNetwork(EncoderNetwork):
    """Frame encoder → 64-d vector of each frame → mean over real frames → logit.

    The mean is the clip's embedding, and the logit is linear in it: unlike ``ClipNetwork``'s, whose embedding hangs off the
    fused vector behind a stopped gradient, it is trained by the loss itself. The order of frames doesn't matter. Padded
    frames never reach the encoder.

    With ``unit_length`` each frame's vector is scaled to length 1 before the mean, so that all frames count alike,
    however long the encoder makes the vectors of sharp or frontal ones; and so is the mean, so that embeddings of clips
    differ in direction only, which is what an angular margin is about.

    Args:
        settings: what it is built of.
        pretrained: whether the encoder starts from ``settings.weights``; False when other weights follow.

    Attributes:
        fused_features: width of what the head gets.
    """

    def __init__(self, settings: FrameSettings, *, pretrained: bool = True) -> None:
        super().__init__(settings, pretrained=pretrained)
        layers: list[nn.Module] = []
        widths = (self.width, *settings.embedding_hidden)
        for (before, after), rate in zip(pairwise(widths), settings.embedding_dropout, strict=True):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(rate)]
        self.projection = nn.Sequential(*layers, nn.Linear(widths[-1], EMBEDDING))
        self.unit_length = settings.unit_length
        self.fused_features = EMBEDDING
        self.head = EmbeddingHead(unit_length=settings.unit_length)
        self.to(memory_format=torch.channels_last)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> HeadOutput:
        """Scores clips.

        Args:
            frames: ``[B, T, 3, H, W]`` float, 0-1.
            mask: ``[B, T] bool``, True for a real frame; each clip has one or more.

        Returns:
            logits ``[B]`` and embeddings ``[B, 64]``.
        """
        vectors = self._scaled(self.projection(self.encoded(self.real_frames(frames, mask))))
        output: HeadOutput = self.head(self._scaled(masked_mean(padded(vectors, mask), mask)))
        return output

    def _scaled(self, vectors: torch.Tensor) -> torch.Tensor:
        return F.normalize(vectors, dim=1) if self.unit_length else vectors

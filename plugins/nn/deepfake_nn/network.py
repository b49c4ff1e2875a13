"""What does the network of a stream consist of, from the pixels of a clip to one logit?"""

from __future__ import annotations

import torch
from torch import nn

from deepfake_nn.encoder import EncoderNetwork
from deepfake_nn.layers.attention import ChannelAttention
from deepfake_nn.layers.frequency import FrequencyBranch
from deepfake_nn.layers.heads import ClassificationHead, HeadOutput
from deepfake_nn.layers.temporal import TemporalEncoder, masked_mean, padded
from deepfake_nn.settings import NetworkSettings


class ClipNetwork(EncoderNetwork):
    """Frame features over time and, beside them, frequencies; both into one head.

    Frame encoder → channel attention → projection → BiLSTM and self-attention over frames ⊕ frequency branch → head.
    Settings leave parts out or scale them. Padded frames never reach the encoder, so batch statistics are those of
    real frames.

    Args:
        settings: what it is built of.
        pretrained: whether the encoder starts from ``settings.weights``; False when a trained state is loaded anyway.

    Attributes:
        fused_features: width of what the head gets.
    """

    def __init__(self, settings: NetworkSettings, *, pretrained: bool = True) -> None:
        super().__init__(settings, pretrained=pretrained)
        width = self.width
        self.attention = ChannelAttention(width) if settings.channel_attention else nn.Identity()
        self.projection: nn.Module = nn.Identity()
        if settings.projection:
            self.projection = nn.Sequential(
                nn.Linear(width, settings.projection),
                nn.LayerNorm(settings.projection),
                nn.GELU(),
                nn.Dropout(settings.projection_dropout),
            )
            width = settings.projection
        self.temporal = TemporalEncoder(
            width,
            hidden=settings.hidden,
            layers=settings.temporal_layers,
            heads=settings.attention_heads,
            dropout=settings.temporal_dropout,
        )
        self.fused_features = 2 * settings.hidden
        self.frequency: FrequencyBranch | None = None
        if settings.frequency:
            self.frequency = FrequencyBranch(settings.frequency, residuals=settings.frequency_residuals)
            self.fused_features += settings.frequency
        self.head = ClassificationHead(self.fused_features, settings.head, dropout=settings.head_dropout)
        self.to(memory_format=torch.channels_last)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> HeadOutput:
        """Scores clips.

        Args:
            frames: ``[B, T, 3, H, W]`` float, 0-1.
            mask: ``[B, T] bool``, True for a real frame; each clip has one or more.

        Returns:
            logits ``[B]`` and embeddings ``[B, 64]``.
        """
        real = self.real_frames(frames, mask)
        features = self.projection(self.attention(self.encoded(real)))
        fused = self.temporal(padded(features, mask), mask)
        if self.frequency is not None:
            fused = torch.cat([fused, masked_mean(padded(self.frequency(real), mask), mask)], dim=1)
        output: HeadOutput = self.head(fused)
        return output

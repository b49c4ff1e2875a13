"""Which parts is an encoder built of? Small modules, each with its paper and its shapes, free to combine."""

from __future__ import annotations

from deepfake_nn.layers.attention import ChannelAttention
from deepfake_nn.layers.frequency import DctStatistics, FrequencyBranch, ResidualStatistics
from deepfake_nn.layers.heads import ClassificationHead, EmbeddingHead, HeadOutput
from deepfake_nn.layers.standardisation import RunningStandardisation
from deepfake_nn.layers.temporal import TemporalEncoder, masked_mean, padded

__all__ = [
    "ChannelAttention",
    "ClassificationHead",
    "DctStatistics",
    "EmbeddingHead",
    "FrequencyBranch",
    "HeadOutput",
    "ResidualStatistics",
    "RunningStandardisation",
    "TemporalEncoder",
    "masked_mean",
    "padded",
]

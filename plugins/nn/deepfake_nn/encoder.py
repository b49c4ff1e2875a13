"""What do networks that look at the frames of a clip one by one have in common, until they have a vector of each?"""

from __future__ import annotations

import torch
from torch import nn

from deepfake_nn import backbones
from deepfake_nn.settings import RANDOM, EncoderSettings


class EncoderNetwork(nn.Module):
    """A network that begins with a frame encoder. Padded frames never reach it, so batch statistics are of real frames.

    Args:
        settings: which encoder, and where it starts.
        pretrained: whether it starts from ``settings.weights``; False when other weights follow.

    Attributes:
        backbone: the frame encoder, which training may freeze and give a rate of its own.
        width: of its features.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, settings: EncoderSettings, *, pretrained: bool) -> None:
        super().__init__()
        self.backbone, self.width = self.encoder(settings, settings.weights if pretrained else RANDOM)
        mean, std = backbones.mean_and_std(settings.backbone)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def encoder(self, settings: EncoderSettings, weights: str) -> tuple[nn.Module, int]:
        """The encoder that ``backbone`` shall be, and the width of its features.

        Args:
            settings: of the network.
            weights: where it starts.

        Raises:
            WeightsUnavailable: no such model; weights that can't be had or don't fit.
        """
        return backbones.make(
            settings.backbone, weights=weights, drop_path=settings.drop_path, image_size=settings.size
        )

    def real_frames(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The real ones ``[n, 3, H, W]`` out of ``[B, T, 3, H, W]``, channels last."""
        # Channels last, where a convolution on the CPU takes half the time.
        return frames[mask].contiguous(memory_format=torch.channels_last)

    def encoded(self, real: torch.Tensor) -> torch.Tensor:
        """Frames ``[n, 3, H, W]``, 0-1, to the encoder's features ``[n, width]``."""
        features: torch.Tensor = self.backbone((real - self.mean) / self.std)
        return features

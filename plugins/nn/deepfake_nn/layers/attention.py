"""Which channels of a frame's features deserve weight?"""

from __future__ import annotations

import torch
from timm.layers import EcaModule
from torch import nn


class ChannelAttention(nn.Module):
    """Efficient channel attention (ECA; Wang et al., CVPR 2020, arXiv:1910.03151) on pooled features.

    One gate in (0, 1) per channel, from a 1-D convolution across the channels' means; its kernel grows with the
    logarithm of the number of channels (5 for 768, 7 for 2048). The gate is one number for a channel's whole map, so
    gating the map and averaging it afterwards equals averaging first and gating then, which is what happens here:
    the encoder may be any that pools its features by their mean.

    Args:
        channels: D.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.eca = EcaModule(channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Gates features.

        Args:
            features: ``[N, D]``, averaged over the map.

        Returns:
            ``[N, D]``.
        """
        gated: torch.Tensor = self.eca(features[:, :, None, None])
        return gated.flatten(1)

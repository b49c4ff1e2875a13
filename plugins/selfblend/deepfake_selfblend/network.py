"""What does the network look at? At what remains of a face without its content, and at how that differs from its surroundings.

A face that was put into a picture differs from what surrounds it in sharpness, noise and compression: faintly, and in either
direction. An encoder of objects, averaged over the whole picture, is about anything else. So the content is filtered out,
and each feature is compared between the face and what surrounds it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from deepfake_core.contract.errors import InvalidSetting
from deepfake_nn.frames import FrameNetwork
from deepfake_nn.layers.frequency import luma_of
from deepfake_nn.settings import EncoderSettings
from deepfake_selfblend.settings import SelfBlendSettings

FACE = (0.67, 0.55)
"""Height and width of an ellipse within the face, as shares of the longer side of the face's box."""

AROUND = 1.3
"""Surroundings are what lies outside of an ellipse so many times as large."""

FINE = 16
"""Points along each side of a cell, by which the share of a cell that an ellipse covers is counted."""


class Residual(nn.Module):
    """Luma without what a 3 × 3 binomial blur leaves of it, about mid-grey.

    Grain, compression and the sharpness of fine lines remain; colours and shapes don't.

    Args:
        gain: by which the difference is multiplied.
    """

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain
        self.kernel: torch.Tensor
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("kernel", torch.outer(line, line)[None, None], persistent=False)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Filters frames.

        Args:
            rgb: ``[n, 3, H, W]`` float, 0-1.

        Returns:
            the same shape and range, its three channels alike.
        """
        luma = luma_of(rgb)
        smooth = F.conv2d(F.pad(luma, (1, 1, 1, 1), mode="reflect"), self.kernel.to(luma.dtype))
        return (0.5 + self.gain * (luma - smooth)).clamp(0, 1).repeat(1, 3, 1, 1)


class FaceContrast(nn.Module):
    """An encoder whose last map is pooled twice: over the whole picture, and over the face less what surrounds it.

    Args:
        encoder: one of timm's convolutional ones, without classifier.
        channels: C, of its map.
        margin: border of the face's box in its pictures, share of the box's longer side.

    Attributes:
        num_features: twice the map's channels.
    """

    def __init__(self, encoder: nn.Module, channels: int, margin: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.margin = margin
        self.num_features = 2 * channels

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Features ``[n, num_features]`` of ``[n, 3, H, W]``."""
        return self.forward_head(self.forward_features(frames))

    def forward_features(self, frames: torch.Tensor) -> torch.Tensor:
        """The map, ``[n, C, h, w]``."""
        maps: torch.Tensor = self.encoder.forward_features(frames)
        return maps

    def forward_head(self, maps: torch.Tensor) -> torch.Tensor:
        """The map's means, then the face's less the surroundings'."""
        weights = self._weights(*maps.shape[-2:]).to(maps)
        return torch.cat([maps.mean(dim=(2, 3)), (maps * weights).sum(dim=(2, 3))], dim=1)

    def _weights(self, height: int, width: int) -> torch.Tensor:
        """Of each cell in the difference, ``[h, w]``: 1 in all for the face, -1 for what surrounds it."""
        box = 1 / (1 + self.margin)  # share of the picture's side
        down, across = ((torch.arange(FINE * n) + 0.5) * 2 / (FINE * n) - 1 for n in (height, width))
        far = (down / (box * FACE[0])).square()[:, None] + (across / (box * FACE[1])).square()
        sides = torch.stack([far < 1, far > AROUND**2]).float()
        shares = F.avg_pool2d(sides, FINE)
        face, around = shares / shares.sum(dim=(1, 2), keepdim=True)
        return face - around


class ContrastNetwork(FrameNetwork):
    """Residual → the encoder up to a stage → means and contrast → 64-d vector of each frame → mean → logit.

    With ``residual`` and ``contrast_stage`` at 0 it is a ``FrameNetwork``. What of the encoder comes after the
    stage isn't part of the network.

    Args:
        settings: what it is built of.
        pretrained: whether the encoder starts from ``settings.weights``; False when other weights follow.

    Raises:
        InvalidSetting: the backbone has no maps of stages.
    """

    def __init__(self, settings: SelfBlendSettings, *, pretrained: bool = True) -> None:
        super().__init__(settings, pretrained=pretrained)
        self.residual = Residual(settings.residual) if settings.residual else nn.Identity()

    def encoder(self, settings: EncoderSettings, weights: str) -> tuple[nn.Module, int]:
        """The encoder up to the stage, its map pooled as a contrast; the whole encoder with stage 0."""
        assert isinstance(settings, SelfBlendSettings)
        whole, width = super().encoder(settings, weights)
        stage = settings.contrast_stage
        if not stage:
            return whole, width
        channels = _ending_at(stage, whole, settings.size)
        if channels is None:
            raise InvalidSetting(
                f"contrast_stage={stage}: {settings.backbone} has no such stage that ends in a map.",
                hint="set contrast_stage=0, or a backbone of timm's convolutional ones, such as tf_efficientnet_lite0.",
            )
        contrast = FaceContrast(whole, channels, settings.margin)
        return contrast, contrast.num_features

    def encoded(self, real: torch.Tensor) -> torch.Tensor:
        """Frames ``[n, 3, H, W]``, 0-1, to features ``[n, width]``."""
        return super().encoded(self.residual(real))


def _ending_at(stage: int, encoder: nn.Module, size: int) -> int | None:
    """Lets one of timm's encoders end at a stage; channels of its map there, None for one that has no map with channels first."""
    stages = getattr(encoder, "feature_info", ())
    if not hasattr(encoder, "prune_intermediate_layers") or stage >= len(stages):
        return None
    encoder.prune_intermediate_layers([stage], prune_norm=True, prune_head=True)
    with torch.inference_mode():
        shape = encoder.eval().forward_features(torch.zeros(1, 3, size, size)).shape
    encoder.train()
    channels = int(stages[stage]["num_chs"])
    return channels if len(shape) == 4 and shape[1] == channels else None

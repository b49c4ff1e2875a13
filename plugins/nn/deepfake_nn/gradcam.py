"""Which parts of the faces does a clip's score rest on? Grad-CAM on the encoder's last feature map."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn


class Evidence(NamedTuple):
    """What a network says about a clip, and what in its faces says so.

    Attributes:
        logit: of P(fake).
        heat: ``[T, h, w]``, on the encoder's last feature map: above 0 what speaks for a fake, below 0 what speaks for
            a real one, all frames on one scale. None for an encoder without such a map, like a plain vision transformer.
    """

    logit: float
    heat: torch.Tensor | None


class LastMap(nn.Module):
    """One of timm's encoders, whose last feature map passes through ``tap`` with its channels first.

    Args:
        encoder: without classifier.

    Attributes:
        tap: where the map can be looked at, ``[n, C, h, w]``.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.tap = nn.Identity()
        self._channels_last = getattr(encoder, "output_fmt", "NCHW") == "NHWC"

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """The encoder's features ``[n, width]`` of ``[n, 3, H, W]``."""
        maps = self.encoder.forward_features(frames)
        maps = self.tap(maps.movedim(-1, 1)).movedim(1, -1) if self._channels_last else self.tap(maps)
        features: torch.Tensor = self.encoder.forward_head(maps)
        return features


def evidence(network: nn.Module, frames: torch.Tensor) -> Evidence:
    """Scores a clip and says what its score rests on.

    Grad-CAM (Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74) without its last step, which drops what is below 0: that is
    what speaks for the other class; and with each cell's own gradient in place of its mean over the map (Draelos & Carin
    2020, arXiv:2011.08891), which is the same where the map's mean is all that counts. The logit is the clip's, so a frame
    that matters less to it has less heat.

    Args:
        network: in evaluation mode, on the CPU; its attribute ``backbone`` is the encoder.
        frames: of one clip, ``[T, 3, H, W]`` float, 0-1.
    """
    from captum.attr import LayerGradientXActivation

    mask = torch.ones(1, len(frames), dtype=torch.bool)
    said: list[torch.Tensor] = []

    def logit(pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = network(pixels[None], mask).logit
        said.append(found.detach())
        return found

    encoder = network.backbone
    if not (hasattr(encoder, "forward_features") and hasattr(encoder, "forward_head")):
        with torch.inference_mode():
            return Evidence(float(logit(frames)), None)
    tapped = LastMap(encoder)
    network.backbone = tapped
    try:
        heat = LayerGradientXActivation(logit, tapped.tap).attribute(frames)
    finally:
        network.backbone = encoder
    # What a transformer hands on is a list of tokens, not a map.
    return Evidence(float(said[-1]), heat.sum(dim=1).detach() if heat.dim() == 4 else None)

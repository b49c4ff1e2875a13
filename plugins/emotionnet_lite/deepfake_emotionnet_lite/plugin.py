"""The stream ``emotionnet_lite``: frames one by one, by an encoder that may have learnt emotions before."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, computed_field

from deepfake_nn.presets import frames_demo, frames_paper, small
from deepfake_nn.settings import FrameSettings, LearningSettings, content
from deepfake_nn.stream import FrameStream

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)


class EmotionSettings(FrameSettings):
    """Frames, and where the encoder's knowledge of emotions comes from."""

    emotion_weights: str | None = Field(
        None,
        description="path of a state dict of the backbone, trained on emotions (.safetensors, or .pth read with "
        "weights_only); the encoder starts there instead of at `weights`",
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def emotion_weights_sha256(self) -> str | None:
        """Content of that file, so that another one under the same path trains another model."""
        return content(Path(self.emotion_weights)) if self.emotion_weights else None


PAPER = frames_paper(EmotionSettings, backbone="resnet18", embedding_hidden=(256,), embedding_dropout=(0.3,))
"""The published values. No weights trained on emotions were published."""


class EmotionNetLite(FrameStream):
    """ResNet-18 (He et al., CVPR 2016, arXiv:1512.03385) and a perceptron, mean over frames."""

    name = "emotionnet_lite"
    summary = "faces: ResNet-18 on 8 frames, a perceptron, mean of their vectors; takes weights trained on emotions"
    presets = {"paper": PAPER, "small": small(PAPER), "demo": frames_demo(PAPER)}
    settings = EmotionSettings

    def network(self, settings: LearningSettings, *, pretrained: bool) -> nn.Module:
        """A ``FrameNetwork`` whose encoder starts from ``emotion_weights``, if there are any."""
        from deepfake_nn import backbones
        from deepfake_nn.frames import FrameNetwork

        assert isinstance(settings, EmotionSettings)
        path = settings.emotion_weights
        network = FrameNetwork(settings, pretrained=pretrained and path is None)
        if pretrained and path is not None:
            found = backbones.load(network.backbone, Path(path), settings.backbone, setting="emotion_weights")
            logger.info(
                "%s: %d tensors of emotion_weights=%s are where %s starts; left out: %s",
                self.name,
                found.tensors,
                path,
                settings.backbone,
                ", ".join(found.left) or "none",
            )
        return network


stream = EmotionNetLite()

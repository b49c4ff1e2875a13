"""The stream ``resnet50``: frames one by one, as an encoder for ImageNet sees them."""

from __future__ import annotations

from deepfake_nn.presets import frames_demo, frames_paper, small
from deepfake_nn.settings import FrameSettings
from deepfake_nn.stream import FrameStream

PAPER = frames_paper(FrameSettings, backbone="resnet50")
"""The published values."""


class ResNet50(FrameStream):
    """ResNet-50 (He et al., CVPR 2016, arXiv:1512.03385), mean over frames."""

    name = "resnet50"
    summary = "faces: ResNet-50 on 8 frames, mean of their vectors"
    presets = {"paper": PAPER, "small": small(PAPER), "demo": frames_demo(PAPER)}


stream = ResNet50()

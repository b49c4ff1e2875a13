"""The stream ``xception_frames``: Xception on frames one by one, nothing beside it."""

from __future__ import annotations

from deepfake_nn.presets import frames_demo, frames_paper, small
from deepfake_nn.settings import FrameSettings
from deepfake_nn.stream import FrameStream

PAPER = frames_paper(FrameSettings, backbone="legacy_xception")
"""The published values."""

# Depthwise convolutions, as Xception's. At the rate of the other demo presets the loss on the stop split doubles.
DEMO = frames_demo(PAPER, backbone="test_efficientnet", lr=1e-3, swa_lr=3e-4)


class XceptionFrames(FrameStream):
    """Xception (Chollet, CVPR 2017, arXiv:1610.02357), mean over frames."""

    name = "xception_frames"
    summary = "faces: Xception on 8 frames, mean of their vectors"
    presets = {"paper": PAPER, "small": small(PAPER), "demo": DEMO}


stream = XceptionFrames()

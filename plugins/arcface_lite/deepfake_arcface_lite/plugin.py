"""The stream ``arcface_lite``: frames one by one, in an embedding that also tells people apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from deepfake_core import VideoRecord
from deepfake_nn.presets import frames_demo, frames_paper, small
from deepfake_nn.settings import FrameSettings, LearningSettings
from deepfake_nn.stream import EMBEDDING, FrameStream

if TYPE_CHECKING:
    from torch import nn


class ArcFaceSettings(FrameSettings):
    """Frames, and the angular margin between people."""

    angular_weight: float = Field(0.0, ge=0, description="weight of the angular margin loss; 0 leaves it out")
    angular_scale: float = Field(30.0, gt=0, description="scale s of its cosines")
    angular_margin: float = Field(0.5, ge=0, lt=math.pi / 2, description="margin m between people, radians")

    @model_validator(mode="after")
    def _clips_show_one_person(self) -> ArcFaceSettings:
        if self.angular_weight and (self.mixup or self.cutmix):
            raise ValueError("a mixed clip shows two people: set angular_weight=0, or mixup=0 and cutmix=0")
        return self


PAPER = frames_paper(
    ArcFaceSettings,
    backbone="resnet18",
    unit_length=True,
    angular_weight=0.01,  # not published; see the README
    angular_scale=30.0,
    angular_margin=0.5,
)
"""The published values."""


class ArcFaceLite(FrameStream):
    """ResNet-18 (He et al., CVPR 2016, arXiv:1512.03385) with ArcFace (Deng et al., CVPR 2019, arXiv:1801.07698) beside it."""

    name = "arcface_lite"
    summary = "faces: ResNet-18 on 8 frames, mean of unit vectors; an angular margin between people while it trains"
    presets = {"paper": PAPER, "small": small(PAPER), "demo": frames_demo(PAPER)}
    settings = ArcFaceSettings

    def auxiliary(self, settings: LearningSettings, train: Sequence[VideoRecord]) -> nn.Module | None:
        """The angular margin loss over the people of the train videos."""
        from deepfake_nn.identities import IdentityLoss

        assert isinstance(settings, ArcFaceSettings)
        if not settings.angular_weight:
            return None
        return IdentityLoss(
            train,
            size=EMBEDDING,
            weight=settings.angular_weight,
            scale=settings.angular_scale,
            margin=settings.angular_margin,
        )


stream = ArcFaceLite()

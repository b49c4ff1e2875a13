"""Which faces are cached, and how does a stream look at them?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deepfake_core import Settings


class FaceSettings(Settings):
    """What is cut out of a video and cached: once per video content, for every stream that says the same here."""

    detector: Literal["mtcnn", "facemesh"] = Field("mtcnn", description="mtcnn needs torch (the extra `mtcnn`)")
    faces: Literal["largest", "all"] = Field("largest", description="the clip's largest lasting face, or all that last")
    sampled_frames: int = Field(16, ge=1, description="frames spread evenly over the clip")
    min_share: float = Field(0.25, gt=0, le=1, description="smallest share of those frames that must show the face")


class ViewSettings(FaceSettings):
    """How a stream looks at the cached crops. None of these fields shapes the cache."""

    frames: int = Field(16, ge=1, description="frames that the stream looks at; divides sampled_frames")
    size: int = Field(224, ge=16, description="side of the network's input, pixels")
    margin: float = Field(
        0.217, ge=0, le=0.6, description="border, share of the box's longer side, both sides together"
    )
    upright_above_deg: float | None = Field(
        None, ge=0, description="faces that tilt more are turned until the eyes are level, degrees; None: never"
    )
    min_confidence: float = Field(0.0, ge=0, le=1, description="frames with a less sure detection are left out")
    min_sharpness: float = Field(0.0, ge=0, description="blurrier frames are left out: variance of the Laplacian")
    min_face_px: int = Field(0, ge=0, description="frames whose box has a shorter side are left out, video pixels")

    @model_validator(mode="after")
    def _frames_are_sampled(self) -> ViewSettings:
        if self.sampled_frames % self.frames:
            raise ValueError(f"frames={self.frames} must divide sampled_frames={self.sampled_frames}")
        return self

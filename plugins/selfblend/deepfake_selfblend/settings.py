"""Which pseudo-fakes are made? Named as in the paper of self-blended images, with what was added to it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from deepfake_core import Settings
from deepfake_core.contract.settings import names_in
from deepfake_nn.settings import FrameSettings, Numbers

MaskKind = Literal["face", "brows_down", "features", "eyes", "eyes_nose", "lower", "mouth"]


def _names(value: object) -> object:
    """``"face,eyes"``, as an override says it, to a list."""
    return names_in(value) if isinstance(value, str) else value


class BlendSettings(Settings):
    """From what a pseudo-fake's blend is drawn: once per clip, for all of its frames."""

    masks: Annotated[tuple[MaskKind, ...], BeforeValidator(_names)] = Field(
        ("face", "brows_down", "features", "eyes", "eyes_nose", "lower", "mouth"),
        min_length=1,
        description="parts of the face that a blend takes from the source, one of them for each",
    )
    mask_deformation: float = Field(
        0.12, ge=0, le=0.3, description="how far a mask's outline is pushed in and out at most, share of its radius"
    )
    blur: Numbers = Field(
        (0.02, 0.2),
        min_length=2,
        max_length=2,
        description="range of a mask's soft border, share of the root of its area",
    )
    strengths: Numbers = Field(
        (1.0,),
        min_length=1,
        description="blending ratios, one of them for each; what comes twice is drawn twice as often",
    )
    base_compression: float = Field(
        0.9, ge=0, le=1, description="chance that the base went through JPEG before it got the source, as footage has"
    )
    pristine_real: float = Field(
        0.5, ge=0, le=1, description="chance that the real of the pair is the base as it was before that JPEG"
    )
    shift: float = Field(0.01, ge=0, le=0.1, description="misalignment: largest shift of the source, share of the face")
    zoom: float = Field(0.02, ge=0, le=0.2, description="misalignment: largest change of the source's scale, share")
    colour: float = Field(
        0.0, ge=0, le=2, description="change of colour between inside and outside, share of the published ranges"
    )
    sharpness: float = Field(0.0, ge=0, le=1, description="chance that inside or outside is sharpened or softened")
    resolution: float = Field(
        0.0, ge=0, le=1, description="chance that inside or outside was made of fewer pixels and scaled up"
    )
    resolution_from: float = Field(0.25, gt=0, le=1, description="least scale of such a side")
    defocus: float = Field(
        0.5, ge=0, le=1, description="chance that what surrounds the head is out of focus in both of the pair"
    )
    other_frame: float = Field(
        0.0, ge=0, le=1, description="chance that the source is the face of another frame of the same clip"
    )

    @model_validator(mode="after")
    def _ranges_rise(self) -> BlendSettings:
        low, high = self.blur
        if not 0 <= low <= high <= 0.2:
            raise ValueError(f"blur={low},{high}: give two numbers from 0 to 0.2, the lower first")
        if not all(0 < ratio <= 1 for ratio in self.strengths):
            raise ValueError("strengths lie above 0, up to 1")
        return self


class SelfBlendSettings(FrameSettings, BlendSettings):
    """Frames one by one, of real clips and of pseudo-fakes made of them."""

    residual: float = Field(
        0.0,
        ge=0,
        le=50,
        description="gain of what a 3 x 3 blur takes away, which the network then sees alone; 0: pixels",
    )
    contrast_stage: int = Field(
        0,
        ge=0,
        le=4,
        description="stage of the encoder (1 to 4; 3 has a cell for 16 pixels) whose map is compared between the face and what "
        "surrounds it; the encoder ends there. 0: the whole encoder, and no comparison",
    )
    passes: int = Field(
        4, ge=1, description="times that each real clip comes in an epoch, each time with another pseudo-fake of it"
    )
    compression: float = Field(
        0.8, ge=0, le=1, description="chance that both of a pair go through JPEG after blending, at the same quality"
    )

    @model_validator(mode="after")
    def _pairs_are_even(self) -> SelfBlendSettings:
        if self.mining_from is not None:
            raise ValueError("no pseudo-fake comes twice, so none can be known as hard: leave mining_from at None")
        if self.focal_alpha is None:
            raise ValueError("each real comes with one pseudo-fake: set focal_alpha=0.5")
        return self

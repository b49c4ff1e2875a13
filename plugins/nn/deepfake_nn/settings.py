"""Which settings do neural streams have? In the order in which the data meets them: crops, encoder, network, training, run.

Crops, encoder, training and run are the same for all (``LearningSettings``). What lies between encoder and logit isn't:
``TrainingSettings`` adds the parts of a ``ClipNetwork``, ``FrameSettings`` those of a ``FrameNetwork``. A stream's preset
fills in the values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, computed_field, model_validator

from deepfake_faces.settings import ViewSettings


def _split(value: object) -> object:
    """``"256,128"``, as an override says it, to a list."""
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _as_many(**lists: tuple[float, ...]) -> None:
    (first, widths), (second, rates) = lists.items()
    if len(widths) != len(rates):
        raise ValueError(f"{first} has {len(widths)} widths, {second} {len(rates)} values")


Integers = Annotated[tuple[int, ...], BeforeValidator(_split)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_split)]

PRETRAINED, RANDOM = "pretrained", "random"


class EncoderSettings(ViewSettings):
    """Who looks at a frame."""

    backbone: str = Field(description="timm's name of the frame encoder")
    weights: str = Field(
        PRETRAINED,
        description="where the encoder starts: pretrained (timm's weights, from its hub), random, or the path of a "
        "state dict (.safetensors, or .pth read with weights_only)",
    )
    drop_path: float = Field(0.0, ge=0, lt=1, description="stochastic depth of the encoder")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def weights_sha256(self) -> str | None:
        """Content of the weights file, so that another file under the same path trains another model."""
        return None if self.weights in (PRETRAINED, RANDOM) else content(Path(self.weights))


def content(path: Path) -> str | None:
    """Digest of a file that a setting names; None while there is none."""
    from deepfake_core.data.store import file_sha256

    return file_sha256(path) if path.is_file() else None


class NetworkSettings(EncoderSettings):
    """What a ``ClipNetwork`` is built of."""

    channel_attention: bool = Field(False, description="ECA on the frame features")
    projection: int = Field(
        0, ge=0, description="width that frame features are projected to; 0 leaves them as they are"
    )
    projection_dropout: float = Field(0.3, ge=0, lt=1, description="dropout after the projection")
    hidden: int = Field(256, ge=4, description="hidden units of the BiLSTM, per direction")
    temporal_layers: int = Field(2, ge=1, description="layers of the BiLSTM")
    temporal_dropout: float = Field(0.3, ge=0, lt=1, description="dropout between the layers of the BiLSTM")
    attention_heads: int = Field(4, ge=1, description="heads of the self-attention over frames")
    frequency: int = Field(0, ge=0, description="width of the parallel frequency branch; 0 leaves it out")
    frequency_residuals: bool = Field(False, description="high-pass residual statistics beside the DCT's")
    head: Integers = Field((256, 128), description="hidden widths of the head")
    head_dropout: Numbers = Field((0.5, 0.25), description="dropout after each of them")

    @model_validator(mode="after")
    def _head_fits(self) -> NetworkSettings:
        _as_many(head=self.head, head_dropout=self.head_dropout)
        if 2 * self.hidden % self.attention_heads:
            raise ValueError(f"2 x hidden = {2 * self.hidden} isn't a multiple of attention_heads")
        return self


class LearningSettings(EncoderSettings):
    """How any network is trained and scored."""

    # Clips
    augmentation: Literal["none", "standard", "strong"] = Field("standard", description="recipe of augmentations")
    progressive_frames: Integers = Field((), description="frames per clip in the first stages of training, e.g. 5,10")
    progressive_epochs: Integers = Field((), description="epoch at which each of these stages ends, e.g. 5,15")
    mixup: float = Field(0.0, ge=0, description="alpha of MixUp's Beta distribution; 0 leaves it out")
    cutmix: float = Field(0.0, ge=0, description="alpha of CutMix's; with both, each batch draws one of them")
    mix_probability: float = Field(1.0, ge=0, le=1, description="share of batches that are mixed")
    mix_from: int = Field(0, ge=0, description="first epoch with mixed batches")
    mining_from: int | None = Field(None, ge=1, description="first epoch with hard example mining; None: never")
    mining_every: int = Field(5, ge=1, description="epochs between two looks at which examples are hard")

    # Loss
    focal_gamma: float = Field(2.0, ge=0, description="focusing exponent of the focal loss")
    focal_alpha: float | None = Field(
        0.5, gt=0, lt=1, description="weight of fakes; None: share of reals in the fold's train videos"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="label smoothing")

    # Optimiser
    epochs: int = Field(40, ge=1, description="epochs at most")
    batch_size: int = Field(2, ge=1, description="clips per batch")
    accumulate: int = Field(1, ge=1, description="batches per optimiser step")
    lr: float = Field(1e-4, gt=0, description="learning rate of everything but the backbone")
    weight_decay: float = Field(1e-2, ge=0, description="of AdamW")
    decay_norms: bool = Field(True, description="whether weight decay touches norms and biases")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="of the learning rate, after the warm-up")
    warmup: float = Field(0.0, ge=0, lt=1, description="share of all steps over which the rate rises from 0, linearly")
    clip_norm: float = Field(1.0, ge=0, description="largest norm of the gradient; 0 doesn't clip")
    frozen_epochs: int = Field(0, ge=0, description="epochs in which the backbone stays as it was")
    backbone_lr_from: float = Field(1.0, gt=0, description="backbone's rate when it thaws, share of lr")
    backbone_lr_to: float = Field(1.0, gt=0, description="backbone's rate after the ramp, share of lr")
    backbone_ramp: int = Field(0, ge=0, description="epochs from the one to the other")
    precision: Literal["32", "bf16", "16"] = Field("32", description="of the forward pass; 16 and bf16 are autocast")

    # Choice
    swa_from: int | None = Field(None, ge=0, description="first epoch whose weights are averaged (SWA); None: never")
    swa_lr: float = Field(5e-5, gt=0, description="learning rate while averaging")
    swa_anneal: int = Field(1, ge=1, description="epochs over which the rate goes there, along a cosine")
    patience: int = Field(25, ge=1, description="epochs without improvement on the stop split before training ends")
    monitor: Literal["auc", "loss", "both"] = Field(
        "auc", description="what must improve; both: patience runs out when neither does"
    )

    # Scoring
    tta: Literal["none", "efficientnet", "frames"] = Field("none", description="views averaged at test time")

    # Where it runs
    accelerator: str = Field("auto", description="Lightning's accelerator: auto, cpu, gpu, ...")
    devices: int = Field(1, ge=1, description="number of devices")
    strategy: str = Field("auto", description="Lightning's strategy, e.g. ddp_spawn for several GPUs")

    # What doesn't change the result, and so isn't part of its digest
    loader_workers: int = Field(1, ge=0, exclude=True, description="threads that load clips")
    max_minutes: float = Field(
        0, ge=0, exclude=True, description="stop training of a fold after so long; run again to go on. 0: no limit"
    )
    checkpoint_minutes: float = Field(5, gt=0, exclude=True, description="between two resume points within an epoch")

    @model_validator(mode="after")
    def _stages_fit(self) -> LearningSettings:
        if len(self.progressive_frames) != len(self.progressive_epochs):
            raise ValueError("progressive_frames and progressive_epochs must be as many")
        if self.epochs <= self.frozen_epochs:
            raise ValueError(
                f"epochs={self.epochs} would end before the backbone thaws (frozen_epochs={self.frozen_epochs})"
            )
        return self


class TrainingSettings(LearningSettings, NetworkSettings):
    """A ``ClipNetwork`` and its training."""

    embedding_weight: float = Field(0.1, ge=0, description="weight of the loss on the embedding's own logit")


class FrameSettings(LearningSettings):
    """A ``FrameNetwork`` and its training."""

    embedding_hidden: Integers = Field(
        (), description="hidden widths between a frame's features and its 64-d vector; empty: one linear layer"
    )
    embedding_dropout: Numbers = Field((), description="dropout after each of them")
    unit_length: bool = Field(False, description="whether a frame's vector, and their mean, are scaled to length 1")

    @model_validator(mode="after")
    def _embedding_fits(self) -> FrameSettings:
        _as_many(embedding_hidden=self.embedding_hidden, embedding_dropout=self.embedding_dropout)
        return self

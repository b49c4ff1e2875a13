"""Which presets follow from a stream's published values?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from deepfake_nn.settings import RANDOM, FrameSettings, LearningSettings, TrainingSettings

Learning = TypeVar("Learning", bound=LearningSettings)
Frames = TypeVar("Frames", bound=FrameSettings)

_TINY: Mapping[str, Any] = MappingProxyType(
    {
        "backbone": "test_resnet",
        "weights": RANDOM,
        "drop_path": 0.0,
        "frames": 8,
        "size": 128,
        "augmentation": "none",
        "progressive_frames": (1,),
        "progressive_epochs": (45,),
        "mixup": 0.0,
        "cutmix": 0.0,
        "mining_from": None,
        "focal_gamma": 0.0,
        "focal_alpha": 0.5,
        "label_smoothing": 0.0,
        "batch_size": 16,
        "accumulate": 1,
        "epochs": 45,
        "frozen_epochs": 0,
        "backbone_lr_from": 1.0,
        "backbone_lr_to": 1.0,
        "backbone_ramp": 0,
        "lr": 3e-3,
        "warmup": 0.1,
        "schedule": "cosine",
        "swa_from": 30,
        "swa_lr": 1e-3,
        "patience": 45,
    }
)
"""What all demo presets say.

The backbone is one of timm's tiny test models, from random weights: nothing is downloaded. What slows learning from
nothing on thirty clips is left out (dropout, mixing, damage to the pixels), and a clip is one frame at a time, each
time another one, until it is scored.
"""


def small(paper: Learning) -> Learning:
    """The same architecture at a size that a laptop without a GPU fine-tunes: EfficientNet-Lite0, 8 frames, few epochs."""
    return paper.model_copy(
        update={
            "backbone": "tf_efficientnet_lite0",
            "drop_path": 0.0,
            "frames": 8,
            "size": 224,
            "progressive_frames": (),
            "progressive_epochs": (),
            "accumulate": 1,
            "batch_size": 4,
            "epochs": 8,
            "frozen_epochs": 1,
            "backbone_lr_from": 0.3,
            "backbone_lr_to": 0.3,
            "backbone_ramp": 0,
            "lr": 3e-4,
            "warmup": 0.1,
            "schedule": "cosine",
            "swa_from": None,
            "mining_from": None,
            "mix_from": 4,
            "patience": 8,
        }
    )


def demo(paper: TrainingSettings) -> TrainingSettings:
    """The same parts at a size that trains on the demo set within minutes on two cores."""
    return paper.model_copy(
        update={
            **_TINY,
            "projection": min(paper.projection, 32),
            "projection_dropout": 0.0,
            "hidden": 32,
            "temporal_layers": 1,
            "temporal_dropout": 0.0,
            "frequency": min(paper.frequency, 32),
            "head": (32, 16),
            "head_dropout": (0.0, 0.0),
        }
    )


def frames_paper(kind: type[Frames], **own: Any) -> Frames:
    """What the published two-layer system says of its four encoders: 8 frames of 224², Adam, BCE with logits.

    It says no more. The rest is a plain fine-tuning from ImageNet with the same crops as the other streams: a constant
    rate and batch that are usual for these encoders on faces (Rössler et al., ICCV 2019, arXiv:1901.08971, take Adam
    at 2e-4 with 32 faces; 8 clips are 64), and the epoch with the best AUC on the stop split.

    Args:
        kind: the class of the stream's settings.
        own: what only this stream says: its backbone at least.
    """
    common = {
        "frames": 8,
        "size": 224,
        "augmentation": "standard",
        "focal_gamma": 0.0,  # cross-entropy
        "focal_alpha": 0.5,  # of both classes alike
        "label_smoothing": 0.0,
        "lr": 1e-4,
        "weight_decay": 0.0,  # AdamW without it is Adam
        "schedule": "constant",
        "batch_size": 8,
        "epochs": 20,
        "patience": 5,
        "monitor": "auc",
    }
    return kind(**{**common, **own})


def frames_demo(paper: Frames, **own: Any) -> Frames:
    """The same parts at a size that trains on the demo set within minutes on two cores.

    Epochs are chosen by their loss: the AUC on a stop split of six clips has few values, and a network that has learnt
    nothing yet may have the best by luck.

    Args:
        paper: the published values.
        own: what only this stream says. Encoders that are to be combined shouldn't all have the same backbone.
    """
    return paper.model_copy(
        update={
            **_TINY,
            "monitor": "loss",
            "embedding_hidden": tuple(min(width, 32) for width in paper.embedding_hidden),
            "embedding_dropout": tuple(0.0 for _ in paper.embedding_dropout),
            **own,
        }
    )

"""Which presets follow from a stream's published values?"""

from __future__ import annotations

from deepfake_nn.settings import RANDOM, TrainingSettings


def small(paper: TrainingSettings) -> TrainingSettings:
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


def demo(paper: TrainingSettings, *, backbone: str) -> TrainingSettings:
    """The same parts at a size that trains on the demo set within minutes on two cores.

    The backbone is one of timm's tiny test models, from random weights: nothing is downloaded.
    """
    return paper.model_copy(
        update={
            "backbone": backbone,
            "weights": RANDOM,
            "drop_path": 0.0,
            "frames": 8,
            "size": 160,
            "projection": min(paper.projection, 64),
            "hidden": 32,
            "temporal_layers": 1,
            "frequency": min(paper.frequency, 64),
            "head": (32, 16),
            "progressive_frames": (),
            "progressive_epochs": (),
            "accumulate": 1,
            "batch_size": 4,
            "epochs": 12,
            "frozen_epochs": 0,
            "backbone_lr_from": 1.0,
            "backbone_lr_to": 1.0,
            "backbone_ramp": 0,
            "lr": 1e-3,
            "warmup": 0.1,
            "schedule": "cosine",
            "swa_from": 9,
            "swa_lr": 3e-4,
            "mining_from": None,
            "mix_from": 8,
            "patience": 12,
        }
    )

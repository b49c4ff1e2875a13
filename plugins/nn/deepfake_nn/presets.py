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


def demo(paper: TrainingSettings) -> TrainingSettings:
    """The same parts at a size that trains on the demo set within minutes on two cores.

    The backbone is one of timm's tiny test models, from random weights: nothing is downloaded. What slows learning from
    nothing on thirty clips is left out (dropout, mixing, damage to the pixels), and a clip is one frame at a time, each
    time another one, until it is scored.
    """
    return paper.model_copy(
        update={
            "backbone": "test_resnet",
            "weights": RANDOM,
            "drop_path": 0.0,
            "frames": 8,
            "size": 128,
            "projection": min(paper.projection, 32),
            "projection_dropout": 0.0,
            "hidden": 32,
            "temporal_layers": 1,
            "temporal_dropout": 0.0,
            "frequency": min(paper.frequency, 32),
            "head": (32, 16),
            "head_dropout": (0.0, 0.0),
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

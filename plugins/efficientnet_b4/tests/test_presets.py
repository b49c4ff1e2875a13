"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

from deepfake_nn.testing import PaperConformance


class TestEfficientNetB4Paper(PaperConformance):
    name = "efficientnet_b4"
    width = 1792
    fused = 512
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    table = {
        "backbone": "efficientnet_b4",
        "drop_path": 0.2,
        "frames": 16,
        "size": 224,
        "detector": "mtcnn",
        "margin": 40 / (224 - 40),
        "min_face_px": 60,
        "channel_attention": False,
        "projection": 0,
        "hidden": 256,
        "temporal_layers": 2,
        "temporal_dropout": 0.5,
        "attention_heads": 4,
        "frequency": 0,
        "head": (256, 128),
        "head_dropout": (0.5, 0.25),
        "focal_gamma": 2.0,
        "focal_alpha": 0.6,
        "label_smoothing": 0.1,
        "lr": 5e-05,
        "weight_decay": 0.0005,
        "batch_size": 2,
        "accumulate": 4,
        "epochs": 40,
        "warmup": 0.1,
        "schedule": "cosine",
        "clip_norm": 1.0,
        "frozen_epochs": 5,
        "backbone_lr_to": 0.1,
        "backbone_ramp": 3,
        "swa_from": 30,
        "swa_lr": 5e-05,
        "mixup": 1.0,
        "cutmix": 0.0,
        "mix_probability": 0.3,
        "mix_from": 0,
        "mining_from": None,
        "patience": 25,
        "tta": "efficientnet",
        "weights": "pretrained",
    }

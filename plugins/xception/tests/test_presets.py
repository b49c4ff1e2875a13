"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

from deepfake_nn.testing import FramePaperConformance, PaperConformance


class TestXceptionPaper(PaperConformance):
    name = "xception"
    width = 2048
    fused = 768
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)
    table = {
        "backbone": "legacy_xception",
        "frames": 16,
        "size": 299,
        "detector": "mtcnn",
        "min_confidence": 0.9,
        "upright_above_deg": 2.0,
        "min_sharpness": 20.0,
        "channel_attention": True,
        "projection": 512,
        "hidden": 256,
        "temporal_layers": 2,
        "temporal_dropout": 0.3,
        "attention_heads": 4,
        "frequency": 256,
        "frequency_residuals": True,
        "head": (256, 128),
        "head_dropout": (0.3, 0.15),
        "focal_gamma": 2.0,
        "focal_alpha": None,
        "label_smoothing": 0.05,
        "lr": 0.0001,
        "weight_decay": 0.01,
        "batch_size": 2,
        "accumulate": 8,
        "epochs": 40,
        "schedule": "cosine",
        "frozen_epochs": 5,
        "backbone_lr_from": 0.01,
        "backbone_lr_to": 0.1,
        "backbone_ramp": 3,
        "swa_from": 15,
        "swa_lr": 5e-05,
        "mixup": 0.2,
        "cutmix": 1.0,
        "mix_probability": 1.0,
        "mix_from": 10,
        "mining_from": 10,
        "mining_every": 5,
        "patience": 25,
        "monitor": "both",
        "tta": "frames",
        "weights": "pretrained",
    }


class TestXceptionFramesPaper(FramePaperConformance):
    name = "xception_frames"
    width = 2048
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)
    table = FramePaperConformance.table | {"backbone": "legacy_xception"}

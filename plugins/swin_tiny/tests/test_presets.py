"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

from deepfake_nn.testing import PaperConformance


class TestSwinTinyPaper(PaperConformance):
    name = "swin_tiny"
    width = 768
    fused = 704
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    table = {
        "backbone": "swin_tiny_patch4_window7_224",
        "drop_path": 0.2,
        "frames": 16,
        "size": 224,
        "progressive_frames": (5, 10),
        "progressive_epochs": (5, 15),
        "detector": "mtcnn",
        "min_confidence": 0.9,
        "upright_above_deg": 2.0,
        "min_sharpness": 20.0,
        "channel_attention": True,
        "projection": 512,
        "hidden": 256,
        "temporal_layers": 2,
        "attention_heads": 4,
        "frequency": 192,
        "frequency_residuals": False,
        "head": (192, 96),
        "head_dropout": (0.3, 0.15),
        "focal_gamma": 2.0,
        "focal_alpha": 0.5,
        "label_smoothing": 0.08,
        "lr": 0.0001,
        "weight_decay": 0.01,
        "decay_norms": False,
        "batch_size": 2,
        "accumulate": 4,
        "epochs": 40,
        "schedule": "constant",
        "frozen_epochs": 5,
        "backbone_lr_from": 0.01,
        "swa_from": 15,
        "swa_lr": 1e-05,
        "swa_anneal": 5,
        "mixup": 0.4,
        "cutmix": 0.0,
        "mix_from": 10,
        "mining_from": None,
        "patience": 10,
        "tta": "frames",
        "weights": "pretrained",
    }

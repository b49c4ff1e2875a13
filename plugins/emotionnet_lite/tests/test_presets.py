"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

from deepfake_nn.testing import PaperConformance


class TestEmotionNetLitePaper(PaperConformance):
    name = "emotionnet_lite"
    width = 512
    fused = 64
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    table = {
        "backbone": "resnet18",
        "weights": "pretrained",
        "frames": 8,
        "sampled_frames": 16,
        "size": 224,
        "detector": "mtcnn",
        "embedding_hidden": (256,),
        "embedding_dropout": (0.3,),
        "unit_length": False,
        "focal_gamma": 0.0,
        "focal_alpha": 0.5,
        "label_smoothing": 0.0,
        "weight_decay": 0.0,
        "mixup": 0.0,
        "cutmix": 0.0,
        "mining_from": None,
        "frozen_epochs": 0,
        "swa_from": None,
        "tta": "none",
    }

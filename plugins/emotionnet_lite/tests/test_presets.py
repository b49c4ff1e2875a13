"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

from deepfake_nn.testing import FramePaperConformance


class TestEmotionNetLitePaper(FramePaperConformance):
    name = "emotionnet_lite"
    width = 512
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    table = FramePaperConformance.table | {
        "backbone": "resnet18",
        "embedding_hidden": (256,),
        "embedding_dropout": (0.3,),
    }

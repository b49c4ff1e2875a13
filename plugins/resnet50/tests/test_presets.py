"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

from deepfake_nn.testing import FramePaperConformance


class TestResNet50Paper(FramePaperConformance):
    name = "resnet50"
    width = 2048
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    table = FramePaperConformance.table | {"backbone": "resnet50"}

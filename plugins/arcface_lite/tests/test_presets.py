"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

from deepfake_nn.testing import FramePaperConformance


class TestArcFaceLitePaper(FramePaperConformance):
    name = "arcface_lite"
    width = 512
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    table = FramePaperConformance.table | {
        "backbone": "resnet18",
        "unit_length": True,
        "angular_scale": 30.0,
        "angular_margin": 0.5,
    }

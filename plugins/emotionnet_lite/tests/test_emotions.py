"""The encoder starts from emotions when it is told to, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from deepfake_core.plugins import load_stream
from deepfake_emotionnet_lite.plugin import stream
from deepfake_nn.backbones import WeightsUnavailable

SEVEN = 7
"""The emotions that classifiers of them usually know."""


def settings(path: Path, backbone: str = "resnet18"):
    return load_stream("emotionnet_lite").settings("demo", f"emotion_weights={path},backbone={backbone}")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path / "emotions.pth"
    torch.save({"state_dict": timm.create_model("resnet18", num_classes=SEVEN).state_dict()}, path)
    return path


def test_it_starts_there_and_says_what_it_took(weights, caplog):
    caplog.set_level("INFO")
    network = stream.network(settings(weights), pretrained=True)
    published = torch.load(weights, weights_only=True)["state_dict"]
    assert all(torch.equal(value, published[key]) for key, value in network.backbone.state_dict().items())
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("deepfake_emotionnet_lite")]
    assert said.startswith("emotionnet_lite: 120 tensors of emotion_weights=")
    assert said.endswith("left out: fc.weight, fc.bias")


def test_weights_of_another_architecture_are_refused(tmp_path):
    save_file(timm.create_model("test_efficientnet").state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(WeightsUnavailable, match="isn't a state dict of 'resnet18'"):
        stream.network(settings(tmp_path / "other.safetensors"), pretrained=True)


def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path):
    with pytest.raises(WeightsUnavailable, match=r"emotion_weights=.*gone\.pth"):
        stream.network(settings(tmp_path / "gone.pth"), pretrained=True)


def test_a_trained_model_needs_the_file_no_more(tmp_path):
    assert stream.network(settings(tmp_path / "gone.pth"), pretrained=False)


def test_the_file_s_content_is_part_of_the_digest(weights):
    before = settings(weights).digest
    weights.write_bytes(weights.read_bytes() + b" ")
    after = settings(weights).digest
    assert before != after != settings(weights.parent / "gone.pth").digest

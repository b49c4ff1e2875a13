"""Weights are those that were asked for, or there is an error that names the ways out."""

from __future__ import annotations

import pytest
import timm
import torch
from safetensors.torch import save_file

from deepfake_nn import backbones
from deepfake_nn.backbones import WeightsUnavailable

NAME = "test_resnet"


@pytest.fixture
def published() -> dict[str, torch.Tensor]:
    """A state dict with its classifier, as timm publishes it."""
    torch.manual_seed(1)
    return timm.create_model(NAME, num_classes=1000).state_dict()


@pytest.mark.parametrize("kind", ["safetensors", "pth", "checkpoint", "whole_network", "parallel"])
def test_weights_come_from_a_file(published, tmp_path, kind):
    path = tmp_path / f"weights.{'safetensors' if kind == 'safetensors' else 'pth'}"
    if kind == "safetensors":
        save_file(published, path)
    elif kind == "pth":
        torch.save(published, path)
    elif kind == "checkpoint":
        torch.save({"state_dict": published, "epoch": 3}, path)
    elif kind == "parallel":
        torch.save({"state_dict": {f"module.{key}": value for key, value in published.items()}}, path)
    else:
        torch.save({f"backbone.{key}": value for key, value in published.items()} | {"head.x": torch.ones(1)}, path)
    encoder, width = backbones.make(NAME, weights=str(path))
    assert width == 96
    for key, value in encoder.state_dict().items():
        assert torch.equal(value, published[key])


def test_what_became_of_a_file_is_told(published, tmp_path):
    whole = {f"backbone.{key}": value for key, value in published.items()} | {"head.weight": torch.ones(1)}
    torch.save(whole, tmp_path / "weights.pth")
    encoder, _ = backbones.make(NAME)
    found = backbones.load(encoder, tmp_path / "weights.pth", NAME)
    assert found.left == ("head.weight", "fc.weight", "fc.bias")
    assert found.tensors == len(encoder.state_dict()) == len(whole) - 3


def test_weights_of_another_architecture(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file(timm.create_model("test_efficientnet").state_dict(), path)
    with pytest.raises(WeightsUnavailable, match=r"isn't a state dict of 'test_resnet'") as raised:
        backbones.make(NAME, weights=str(path))
    assert "backbone=" in raised.value.hint


def test_a_pickle_is_not_loaded(tmp_path):
    path = tmp_path / "model.pth"
    torch.save(timm.create_model(NAME), path)
    with pytest.raises(WeightsUnavailable, match="read safely"):
        backbones.make(NAME, weights=str(path))


@pytest.mark.parametrize(("content", "suffix"), [(b"text", ".safetensors"), (b"text", ".pth"), (None, ".pth")])
def test_a_file_that_is_none(tmp_path, content, suffix):
    path = tmp_path / f"weights{suffix}"
    if content:
        path.write_bytes(content)
    with pytest.raises(WeightsUnavailable, match="weights") as raised:
        backbones.make(NAME, weights=str(path))
    assert str(path) in raised.value.problem


def test_offline_is_an_error_with_two_ways_out(monkeypatch):
    def no_network(*_args, **_kwargs):
        raise OSError("could not resolve host")

    monkeypatch.setattr(timm.models._builder, "load_pretrained", no_network)
    with pytest.raises(WeightsUnavailable, match="can't be downloaded: could not resolve host") as raised:
        backbones.make(NAME, weights="pretrained")
    assert "weights=/path" in raised.value.hint and "weights=random" in raised.value.hint


def test_an_unknown_model():
    with pytest.raises(WeightsUnavailable, match="no model 'efficientnet_b99'"):
        backbones.make("efficientnet_b99")


def test_models_of_one_size_are_built_for_ours():
    encoder, width = backbones.make("test_vit", image_size=96)
    assert encoder(torch.zeros(1, 3, 96, 96)).shape == (1, width)

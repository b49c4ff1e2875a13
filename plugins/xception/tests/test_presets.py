"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

import pytest
import torch

from deepfake_nn.losses import focal_loss
from deepfake_nn.settings import TrainingSettings
from deepfake_nn.training.rates import optimiser
from deepfake_xception.plugin import PAPER, stream

TABLE = {
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


def test_paper_is_the_table():
    assert {name: getattr(PAPER, name) for name in TABLE} == TABLE


def test_every_preset_is_valid():
    for preset in stream.presets.values():
        TrainingSettings(**preset.model_dump(exclude={"weights_sha256"}))


def test_the_paper_network_takes_a_step_at_full_size():
    torch.manual_seed(0)
    network = stream.network(PAPER, pretrained=False)
    assert network.backbone.num_features == 2048
    assert network.fused_features == 768
    frames = torch.rand(1, 2, 3, PAPER.size, PAPER.size)
    optimizer, _ = optimiser(network, PAPER, steps_per_epoch=1)
    before = network.head.classifier[-1].weight.detach().clone()
    output = network(frames, torch.ones(1, 2, dtype=torch.bool))
    loss = focal_loss(output.logit, torch.ones(1), gamma=PAPER.focal_gamma, alpha=PAPER.focal_alpha or 0.5).mean()
    loss.backward()
    optimizer.step()
    assert loss.isfinite()
    assert not torch.equal(network.head.classifier[-1].weight, before)
    assert all(parameter.grad is not None for parameter in network.backbone.parameters())
    assert output.embedding.shape == (1, 64)


def test_normalisation_is_that_of_the_published_weights():
    network = stream.network(stream.presets["paper"], pretrained=False)
    assert network.mean.flatten().tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert network.std.flatten().tolist() == pytest.approx([0.5, 0.5, 0.5])

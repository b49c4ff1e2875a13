"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

import pytest
import torch

from deepfake_efficientnet_b4.plugin import PAPER, stream
from deepfake_nn.losses import focal_loss
from deepfake_nn.settings import TrainingSettings
from deepfake_nn.training.rates import optimiser

TABLE = {
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


def test_paper_is_the_table():
    assert {name: getattr(PAPER, name) for name in TABLE} == TABLE


def test_every_preset_is_valid():
    for preset in stream.presets.values():
        TrainingSettings(**preset.model_dump(exclude={"weights_sha256"}))


def test_the_paper_network_takes_a_step_at_full_size():
    torch.manual_seed(0)
    network = stream.network(PAPER, pretrained=False)
    assert network.backbone.num_features == 1792
    assert network.fused_features == 512
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
    assert network.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert network.std.flatten().tolist() == pytest.approx([0.229, 0.224, 0.225])

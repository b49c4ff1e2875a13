"""The paper preset is the published table, and its network has the published sizes."""

from __future__ import annotations

import pytest
import torch

from deepfake_nn.losses import focal_loss
from deepfake_nn.settings import TrainingSettings
from deepfake_nn.training.rates import optimiser
from deepfake_swin_tiny.plugin import PAPER, stream

TABLE = {
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


def test_paper_is_the_table():
    assert {name: getattr(PAPER, name) for name in TABLE} == TABLE


def test_every_preset_is_valid():
    for preset in stream.presets.values():
        TrainingSettings(**preset.model_dump(exclude={"weights_sha256"}))


def test_the_paper_network_takes_a_step_at_full_size():
    torch.manual_seed(0)
    network = stream.network(PAPER, pretrained=False)
    assert network.backbone.num_features == 768
    assert network.fused_features == 704
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

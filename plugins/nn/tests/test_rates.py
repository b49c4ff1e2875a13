"""Rates and groups are those of the table."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfake_nn.settings import TrainingSettings
from deepfake_nn.training.rates import backbone_rate, groups, head_rate, optimiser


def settings(**how) -> TrainingSettings:
    return TrainingSettings(backbone="test_resnet", **{"epochs": 10, "schedule": "constant", **how})


def test_warm_up_rises_to_the_full_rate():
    rate = head_rate(settings(warmup=0.1, schedule="cosine"), 10)
    assert rate(0) == pytest.approx(1 / 11)
    assert rate(9) == pytest.approx(10 / 11)
    assert rate(10) == pytest.approx(1.0)
    assert rate(55) == pytest.approx(0.5)
    assert rate(100) == pytest.approx(0.0)


def test_cosine_equals_torch_s():
    parameter = nn.Parameter(torch.zeros(1))
    sgd = torch.optim.SGD([parameter], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=100)
    rate = head_rate(settings(schedule="cosine"), 10)
    for step in range(100):
        assert rate(step) == pytest.approx(sgd.param_groups[0]["lr"], abs=1e-9)
        sgd.step()
        reference.step()


def test_averaging_has_a_rate_of_its_own():
    rate = head_rate(settings(lr=1e-4, swa_from=5, swa_lr=2e-5, swa_anneal=2), 10)
    assert rate(49) == 1.0
    assert rate(50) == 1.0
    assert rate(60) == pytest.approx((1 + 0.2) / 2)
    assert rate(70) == rate(99) == pytest.approx(0.2)


def test_the_backbone_thaws_slowly():
    rate = backbone_rate(settings(frozen_epochs=5, backbone_lr_from=0.01, backbone_lr_to=0.1, backbone_ramp=3), 10)
    assert rate(49) == 0
    assert rate(50) == pytest.approx(0.01)
    assert rate(65) == pytest.approx(0.055)
    assert rate(80) == rate(99) == pytest.approx(0.1)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 1)


@pytest.mark.parametrize(("decay_norms", "count"), [(True, 2), (False, 4)])
def test_every_parameter_is_in_one_group(decay_norms, count):
    network = Small()
    found = groups(network, decay_norms=decay_norms)
    assert len(found) == count
    members = [id(parameter) for part in found.values() for parameter in part]
    assert sorted(members) == sorted(id(parameter) for parameter in network.parameters())
    if not decay_norms:
        assert all(parameter.ndim <= 1 for (_, decayed), part in found.items() if not decayed for parameter in part)


def test_parameters_of_an_auxiliary_loss_learn_with_the_head():
    auxiliary = nn.Linear(4, 3)
    found = groups(Small(), decay_norms=False, auxiliary=auxiliary)
    assert any(auxiliary.weight is one for one in found["head", True])
    assert any(auxiliary.bias is one for one in found["head", False])


def test_groups_carry_their_decay_and_rate():
    wanted = settings(lr=1e-3, weight_decay=0.02, decay_norms=False, frozen_epochs=0, backbone_lr_to=0.1)
    optimizer, _ = optimiser(Small(), wanted, steps_per_epoch=10)
    found = {(group["name"], group["weight_decay"]): group["lr"] for group in optimizer.param_groups}
    assert found == {
        ("backbone", 0.0): pytest.approx(1e-4),
        ("backbone", 0.02): pytest.approx(1e-4),
        ("head", 0.0): pytest.approx(1e-3),
        ("head", 0.02): pytest.approx(1e-3),
    }

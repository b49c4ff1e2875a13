"""The network sees what a blur takes away, and compares the face with what surrounds it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfake_core.contract.errors import InvalidSetting
from deepfake_nn.frames import FrameNetwork
from deepfake_nn.gradcam import evidence
from deepfake_selfblend.network import ContrastNetwork, FaceContrast, Residual
from deepfake_selfblend.plugin import stream

SIDE = 96


@pytest.fixture
def settings(quick):
    """Maps of 6 x 6."""
    return quick.model_copy(
        update={"backbone": "test_efficientnet", "size": SIDE, "margin": 0.2, "residual": 6.0, "contrast_stage": 3}
    )


class Same(nn.Module):
    """Its map is the picture."""

    def forward_features(self, frames: torch.Tensor) -> torch.Tensor:
        return frames


def test_of_content_nothing_remains():
    """Even light, colour and slow changes of it are mid-grey."""
    ramp = torch.linspace(0.2, 0.8, SIDE).expand(2, 3, SIDE, SIDE).clone()
    ramp[:, 1] *= 0.5
    found = Residual(6.0)(ramp)[..., 1:-1]
    torch.testing.assert_close(found, torch.full_like(found, 0.5), atol=1e-5, rtol=0)


def test_a_point_leaves_the_kernel():
    """Its own value times 3/4, less than nothing around it; by luma, in all channels alike."""
    frames = torch.full((1, 3, 9, 9), 0.5)
    frames[0, 1, 4, 4] += 0.1
    found = Residual(2.0)(frames) - 0.5
    expected = -torch.tensor([[1.0, 2, 1], [2, -12, 2], [1, 2, 1]]) / 16 * 0.1 * 0.587 * 2
    torch.testing.assert_close(found[0, :, 3:6, 3:6], expected.expand(3, 3, 3))
    assert found[0, :, 0].abs().max() < 1e-6


@pytest.mark.parametrize("side", [4, 7, 14, 33])
def test_what_is_everywhere_is_no_contrast(side):
    torch.manual_seed(0)
    level = torch.rand(2, 5, 1, 1)
    found = FaceContrast(Same(), 5, 0.2)(level.expand(2, 5, side, side))
    torch.testing.assert_close(found, torch.cat([level.flatten(1), torch.zeros(2, 5)], dim=1))


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.6])
def test_a_face_differs_from_what_surrounds_it(margin):
    """A bright ellipse as large as a face, in a dark picture, is contrast 1; the other way round, -1."""
    across = (torch.arange(112) + 0.5) / 56 - 1
    box = 1 / (1 + margin)
    face = ((across[:, None] / (0.78 * box)).square() + (across / (0.64 * box)).square() < 1).float()
    frames = torch.stack([face, 1 - face])[:, None]
    found = FaceContrast(Same(), 1, margin)(frames)
    torch.testing.assert_close(found[:, 1], torch.tensor([1.0, -1.0]), atol=0.02, rtol=0)
    torch.testing.assert_close(found[:, 0], frames.mean(dim=(1, 2, 3)))


def test_the_encoder_ends_at_the_stage(settings):
    """All that is left of it learns."""
    torch.manual_seed(0)
    network = ContrastNetwork(settings, pretrained=False)
    whole = FrameNetwork(settings, pretrained=False)
    count = [sum(each.numel() for each in one.backbone.parameters()) for one in (network, whole)]
    assert count[0] < 0.8 * count[1]
    frames, mask = torch.rand(2, 3, 3, SIDE, SIDE), torch.ones(2, 3, dtype=torch.bool)
    output = network(frames, mask)
    output.logit.sum().backward()
    assert output.embedding.shape == (2, 64)
    assert all(each.grad is not None for each in network.parameters())


def test_it_starts_from_the_weights_of_the_whole_encoder(settings, tmp_path):
    """A file of them serves, whatever stage is looked at."""
    torch.manual_seed(1)
    whole = FrameNetwork(settings, pretrained=False).backbone
    path = tmp_path / "whole.pth"
    torch.save(whole.state_dict(), path)
    network = ContrastNetwork(settings.model_copy(update={"weights": str(path)}), pretrained=True)
    torch.testing.assert_close(network.backbone.encoder.conv_stem.weight, whole.conv_stem.weight)


def test_as_published_it_is_the_frame_network(quick):
    network = stream.network(quick, pretrained=False)
    assert type(network.backbone) is type(FrameNetwork(quick, pretrained=False).backbone)
    assert stream.presets["paper"].residual == 0
    assert stream.presets["paper"].contrast_stage == 0


def test_its_evidence_lies_on_both_sides_of_the_border(settings):
    """Heat adds up to what the linear rest of the network makes of the map."""
    torch.manual_seed(2)
    network = ContrastNetwork(settings, pretrained=False).eval()
    frames = torch.rand(2, 3, SIDE, SIDE)
    found = evidence(network, frames.requires_grad_())
    assert found.heat.shape == (2, 6, 6)
    mask = torch.ones(1, 2, dtype=torch.bool)
    with torch.inference_mode():
        nothing = network.head(network.projection(torch.zeros(1, network.width))).logit
        assert found.logit == pytest.approx(float(network(frames.detach()[None], mask).logit), abs=1e-5)
    assert float(found.heat.sum() + nothing) == pytest.approx(found.logit, abs=1e-4)


def test_an_encoder_of_tokens_has_no_stage_to_compare_at(settings):
    with pytest.raises(InvalidSetting, match=r"contrast_stage=3: test_vit"):
        ContrastNetwork(settings.model_copy(update={"backbone": "test_vit", "size": 160}), pretrained=False)

from __future__ import annotations

import pytest
import torch

from deepfake_nn.layers import ChannelAttention


@pytest.mark.parametrize(("channels", "kernel"), [(768, 5), (1792, 5), (2048, 7)])
def test_the_kernel_is_the_papers(channels, kernel):
    """(log2(C) + 1) / 2 is 5.29, 5.90, 6: cut to a whole number, and made odd upwards."""
    (weight,) = ChannelAttention(channels).parameters()
    assert weight.shape == (1, 1, kernel)


def test_gating_pooled_features_is_pooling_the_gated_map():
    torch.manual_seed(0)
    attention = ChannelAttention(64)
    feature_map = torch.randn(3, 64, 7, 5)
    torch.testing.assert_close(attention(feature_map.mean(dim=(2, 3))), attention.eca(feature_map).mean(dim=(2, 3)))


def test_the_gate_is_a_sigmoid_of_the_neighbouring_channels():
    attention = ChannelAttention(16)
    torch.nn.init.constant_(attention.eca.conv.weight, 0.5)
    features = torch.randn(2, 16, generator=torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(features, (1, 1))
    neighbours = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    torch.testing.assert_close(attention(features), features * torch.sigmoid(0.5 * neighbours))


def test_autocast_trains_it():
    attention = ChannelAttention(16)
    with torch.autocast("cpu", torch.bfloat16):
        attention(torch.randn(2, 16)).float().square().sum().backward()
    assert attention.eca.conv.weight.grad.abs().sum() > 0

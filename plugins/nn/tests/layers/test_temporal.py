from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfake_nn.layers import TemporalEncoder, masked_mean

LENGTHS = (7, 1, 4)


def a_batch(width: int = 12, *, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(len(LENGTHS), max(LENGTHS), width, generator=torch.Generator().manual_seed(3)).to(dtype)
    return x, torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


@pytest.fixture
def encoder() -> TemporalEncoder:
    torch.manual_seed(0)
    return TemporalEncoder(12, hidden=8, heads=4, dropout=0.5).eval()


def test_masked_mean_is_the_mean_of_the_real_frames():
    x, mask = a_batch()
    expected = torch.stack([clip[:n].mean(dim=0) for clip, n in zip(x, LENGTHS, strict=True)])
    torch.testing.assert_close(masked_mean(x.masked_fill(~mask[:, :, None], torch.nan), mask), expected)


def test_masked_mean_of_nothing_is_nan():
    assert masked_mean(torch.ones(1, 2, 3), torch.zeros(1, 2, dtype=torch.bool)).isnan().all()


def test_a_clip_alone_and_in_a_padded_batch_give_the_same(encoder):
    x, mask = a_batch()
    together = encoder(x, mask)
    assert together.shape == (3, encoder.out_features) == (3, 16)
    for row, n in enumerate(LENGTHS):
        alone = encoder(x[row : row + 1, :n], mask[row : row + 1, :n])
        torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_what_stands_in_padding_neither_changes_the_output_nor_gets_a_gradient(encoder, training):
    encoder.train(training)
    x, mask = a_batch()
    clean = x.masked_fill(~mask[:, :, None], 0).requires_grad_()
    dirty = x.masked_fill(~mask[:, :, None], torch.nan).requires_grad_()
    outputs = []
    for frames in (clean, dirty):
        torch.manual_seed(1)
        outputs.append(encoder(frames, mask))
    assert torch.equal(*outputs)
    outputs[1].square().sum().backward()
    assert (dirty.grad[~mask] == 0).all()
    assert (dirty.grad[mask] != 0).any(dim=-1).all()


def test_it_is_what_its_parts_say(encoder):
    """The same weights, clip by clip, through a plain LSTM and attention written out."""
    x, mask = a_batch()
    attention, heads = encoder.attention, encoder.attention.num_heads
    for row, n in enumerate(LENGTHS):
        frames, _ = encoder.lstm(x[row, :n])
        query, key, value = (
            part.unflatten(1, (heads, -1)).transpose(0, 1)
            for part in (frames @ attention.in_proj_weight.T + attention.in_proj_bias).chunk(3, dim=1)
        )
        weights = torch.softmax(query @ key.transpose(1, 2) / query.shape[-1] ** 0.5, dim=-1)
        attended = attention.out_proj((weights @ value).transpose(0, 1).flatten(1))
        expected = nn.functional.layer_norm(frames + attended, (16,)).mean(dim=0)
        torch.testing.assert_close(encoder(x, mask)[row], expected, rtol=1e-5, atol=1e-6)


def test_order_matters_in_both_directions(encoder):
    x, mask = a_batch()
    swapped = x.clone()
    swapped[0, [0, 6]] = x[0, [6, 0]]
    assert (encoder(swapped, mask)[0] - encoder(x, mask)[0]).abs().max() > 1e-3


def test_the_defaults_are_the_published_ones():
    encoder = TemporalEncoder(512)
    assert (encoder.lstm.num_layers, encoder.lstm.hidden_size, encoder.attention.num_heads) == (2, 256, 4)
    assert encoder.out_features == 512


def test_one_layer_warns_of_nothing(recwarn):
    TemporalEncoder(4, hidden=4, layers=1)
    assert not recwarn.list


def test_bad_input_is_refused(encoder):
    x, mask = a_batch()
    with pytest.raises(ValueError, match="shape"):
        encoder(x, mask[:, :-1])
    with pytest.raises(ValueError, match="real frames first"):
        encoder(x, mask.flip(1))
    with pytest.raises(ValueError, match="real frames first"):
        encoder(x, torch.zeros_like(mask))
    with pytest.raises(ValueError, match="heads"):
        TemporalEncoder(4, hidden=3, heads=4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_trains_every_weight(encoder, dtype):
    encoder.train()
    x, mask = a_batch(dtype=dtype)
    with torch.autocast("cpu", torch.bfloat16):
        encoder(x, mask).float().square().sum().backward()
    for name, weight in encoder.named_parameters():
        assert weight.grad is not None and weight.grad.isfinite().all(), name

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_nn.layers import RunningStandardisation


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=6), seed=st.integers(0, 1000))
def test_batches_add_up_to_the_whole(sizes, seed):
    generator = torch.Generator().manual_seed(seed)
    batches = [3 + torch.rand(1, generator=generator) * torch.randn(n, 4, generator=generator) for n in sizes]
    layer = RunningStandardisation(4)
    for batch in batches:
        layer(batch)
    rows = torch.cat(batches)
    assert layer.count == len(rows)
    if len(rows):
        torch.testing.assert_close(layer.mean, rows.mean(dim=0))
        torch.testing.assert_close(layer.variance, rows.var(dim=0, correction=0), rtol=1e-4, atol=1e-6)


def test_evaluation_uses_what_training_saw_and_learns_nothing():
    layer = RunningStandardisation(2)
    seen = torch.tensor([[0.0, 100.0], [2.0, 300.0]])
    layer(seen)
    layer.eval()
    expected = torch.tensor([[2.0, -2.0]])  # deviations of 1 and 100 about means of 1 and 200
    torch.testing.assert_close(layer(torch.tensor([[3.0, 0.0]])), expected, rtol=1e-3, atol=0)
    assert layer.count == 2


def test_values_pass_unscaled_before_training():
    x = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(RunningStandardisation(2).eval()(x), x, rtol=1e-4, atol=0)


def test_what_never_varied_stays_finite_and_odd_values_are_cut_off():
    layer = RunningStandardisation(1)
    assert (layer(torch.full((4, 1), 7.0)) == 0).all()
    assert layer.eval()(torch.tensor([[1e6], [-1e6]])).flatten().tolist() == [10, -10]


def test_the_state_dict_carries_the_estimates():
    layer, other = RunningStandardisation(2), RunningStandardisation(2)
    layer(torch.randn(5, 2, generator=torch.Generator().manual_seed(0)))
    other.load_state_dict(layer.state_dict())
    x = torch.ones(1, 2)
    assert torch.equal(layer.eval()(x), other.eval()(x))


def test_two_passes_before_one_backward():
    layer, x = RunningStandardisation(2), torch.randn(4, 2, requires_grad=True)
    (layer(x).square().sum() + layer(2 * x).square().sum()).backward()
    assert x.grad.isfinite().all()

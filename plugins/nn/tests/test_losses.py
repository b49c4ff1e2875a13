from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import sigmoid_focal_loss

from deepfake_nn.losses import focal_loss

LOGITS = torch.linspace(-12, 12, 49)
SHARES = st.floats(0, 1, width=32)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (2.0, 0.6), (0.0, 0.5), (0.5, 0.9), (5.0, 1.0)])
@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_hard_labels_give_torchvisions(gamma, alpha, label, reduction):
    target = torch.full_like(LOGITS, label)
    ours = focal_loss(LOGITS, target, gamma=gamma, alpha=alpha, reduction=reduction)
    theirs = sigmoid_focal_loss(LOGITS.double(), target.double(), alpha=alpha, gamma=gamma, reduction=reduction)
    torch.testing.assert_close(ours, theirs.float(), rtol=1e-4, atol=1e-9)


def test_alpha_weighs_fakes():
    """At p = 0.5 the cost is the weight times 0.25 ln 2."""
    fake, real = focal_loss(torch.zeros(2), torch.tensor([1.0, 0.0]), alpha=0.6, reduction="none")
    assert fake.item() == pytest.approx(0.6 * 0.25 * 0.6931472)
    assert real.item() == pytest.approx(0.4 * 0.25 * 0.6931472)


@settings(deadline=None)
@given(share=SHARES, logit=st.floats(-20, 20, width=32), gamma=st.floats(0, 4), alpha=st.floats(0, 1))
def test_a_soft_label_costs_the_expectation(share, logit, gamma, alpha):
    z = torch.tensor([logit], dtype=torch.float64)

    def cost(label: float) -> float:
        return focal_loss(z, torch.tensor([label], dtype=torch.float64), gamma=gamma, alpha=alpha).item()

    assert cost(share) == pytest.approx(share * cost(1.0) + (1 - share) * cost(0.0), rel=1e-9, abs=1e-15)


@settings(deadline=None)
@given(share=SHARES, smoothing=st.floats(0, 0.99))
def test_smoothing_moves_the_target_towards_a_half(share, smoothing):
    target = torch.full_like(LOGITS, share, dtype=torch.float64)
    moved = smoothing / 2 + (1 - smoothing) * target
    smooth = focal_loss(LOGITS.double(), target, smoothing=smoothing, reduction="none")
    torch.testing.assert_close(smooth, focal_loss(LOGITS.double(), moved, reduction="none"))


def test_without_focusing_it_is_half_the_cross_entropy():
    target = torch.rand(49, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.binary_cross_entropy_with_logits(LOGITS, target) / 2
    torch.testing.assert_close(focal_loss(LOGITS, target, gamma=0, alpha=0.5), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_gradients_stay_finite_and_point_the_right_way(gamma, target):
    logit = torch.tensor([-1000.0, -120, -50, 0, 50, 120, 1000], requires_grad=True)
    loss = focal_loss(logit, torch.full_like(logit, target), gamma=gamma, reduction="none")
    assert loss.isfinite().all() and (loss >= 0).all()
    loss.sum().backward()
    assert logit.grad.isfinite().all()
    if target in (0.0, 1.0):
        # The far wrong end has the full slope of the weighted cross-entropy; the far right end is flat.
        wrong, right = (0, -1) if target else (-1, 0)
        weight = 0.25 if target else 0.75
        assert abs(logit.grad[wrong].item()) == pytest.approx(weight, rel=1e-5)
        assert logit.grad[right].item() == 0
        assert (logit.grad * (1 if target else -1) <= 0).all()


def test_gradients_agree_with_finite_differences():
    logit = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    target = torch.linspace(0, 1, 9, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: focal_loss(z, target, smoothing=0.1), logit)


def test_half_precision_is_computed_in_float32():
    logit = torch.tensor([3.0, -1.0]).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = focal_loss(logit, torch.tensor([1.0, 0.2]))
    loss.backward()
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, focal_loss(logit.float(), torch.tensor([1.0, 0.2])))
    assert logit.grad.isfinite().all()


@pytest.mark.parametrize(
    "wrong", [{"gamma": -1.0}, {"alpha": 1.1}, {"alpha": -1.0}, {"smoothing": 1.0}, {"smoothing": -0.1}]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="not in"):
        focal_loss(torch.zeros(2), torch.zeros(2), **wrong)


@pytest.mark.parametrize("target", [torch.tensor([0.0, 1.5]), torch.tensor([0.0, float("nan")])])
def test_targets_that_are_no_probabilities_are_refused(target):
    with pytest.raises(ValueError, match="probabilities"):
        focal_loss(torch.zeros(2), target)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match="shape"):
        focal_loss(torch.zeros(2, 1), torch.zeros(2))

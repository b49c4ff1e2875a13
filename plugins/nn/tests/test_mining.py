from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_nn.mining import mining_weights

LOSSES = st.lists(st.floats(0, 1e3), min_size=1, max_size=12)
FLOORS = st.floats(0.01, 1)


def weights_of(real: list[float], fake: list[float], floor: float) -> tuple[torch.Tensor, torch.Tensor]:
    label = torch.tensor([0] * len(real) + [1] * len(fake))
    weights = mining_weights(torch.tensor(real + fake, dtype=torch.float64), label, floor=floor)
    return weights[: len(real)], weights[len(real) :]


def test_a_known_case():
    """Of even odds (1/6 and 1/2 here): the easiest 0.3 times, the middle once, the hardest 1.7 times."""
    loss, label = torch.tensor([0.5, 0.1, 9.0, 0.2]), torch.tensor([0, 0, 0, 1])
    expected = torch.tensor([1.0 / 6, 0.3 / 6, 1.7 / 6, 1.0 / 2], dtype=torch.float64)
    torch.testing.assert_close(mining_weights(loss, label), expected)


@settings(deadline=None)
@given(real=LOSSES, fake=LOSSES, floor=FLOORS)
def test_classes_are_drawn_equally_and_nothing_vanishes(real, fake, floor):
    for weights in weights_of(real, fake, floor):
        assert weights.dtype == torch.float64
        assert weights.sum().item() == pytest.approx(0.5)
        even = 0.5 / len(weights)
        assert weights.min() >= floor * even * (1 - 1e-9)
        assert weights.max() <= (2 - floor) * even * (1 + 1e-9)


@settings(deadline=None)
@given(real=LOSSES, floor=st.floats(0.01, 0.99))
def test_harder_is_drawn_more_often_and_equal_equally(real, floor):
    weights, _ = weights_of(real, [1.0], floor)
    for loss_a, weight_a in zip(real, weights.tolist(), strict=True):
        for loss_b, weight_b in zip(real, weights.tolist(), strict=True):
            assert (loss_a > loss_b) == (weight_a > weight_b)


def test_an_outlier_doesn_t_take_over():
    weights, _ = weights_of([0.001] * 99 + [5.0], [1.0], 0.3)
    assert weights[-1] < 0.01


def test_a_floor_of_one_only_balances_the_classes():
    real, fake = weights_of([1.0, 2.0, 3.0], [5.0], 1.0)
    torch.testing.assert_close(real, torch.full((3,), 1 / 6, dtype=torch.float64))
    assert fake.item() == 0.5


def test_drawing_by_them_shows_the_hard_ones():
    weights = mining_weights(torch.linspace(0, 1, 100), torch.arange(100) // 80)
    drawn = torch.multinomial(weights, 20_000, replacement=True, generator=torch.Generator().manual_seed(0))
    assert (drawn >= 80).float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert ((drawn >= 40) & (drawn < 80)).sum() > 1.8 * (drawn < 40).sum()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_isn_t_finite_is_named(bad):
    with pytest.raises(ValueError, match=r"clips \[1\]"):
        mining_weights(torch.tensor([0.1, bad, 0.2]), torch.tensor([0, 1, 1]))


@pytest.mark.parametrize("label", [[0, 0], [1, 1], [0, 2]])
def test_both_classes_must_be_there(label):
    with pytest.raises(ValueError, match="labels must be 0 and 1"):
        mining_weights(torch.ones(2), torch.tensor(label))


@pytest.mark.parametrize("floor", [0.0, -0.1, 1.1])
def test_the_floor_has_a_range(floor):
    with pytest.raises(ValueError, match="floor"):
        mining_weights(torch.ones(2), torch.tensor([0, 1]), floor=floor)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\[N\]"):
        mining_weights(torch.ones(3), torch.tensor([0, 1]))

"""The angular margin is the paper's, in angles; who has a centre are the people of the train videos."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepfake_core import VideoRecord
from deepfake_nn.identities import IdentityLoss, angular_margin_loss

ANGLES = st.floats(0, math.pi)


def loss_of(own: float, others: list[float], **how) -> float:
    cosine = torch.tensor([[math.cos(own), *map(math.cos, others)]])
    return angular_margin_loss(cosine, torch.tensor([0]), **how).item()


@given(st.floats(0, math.pi - 0.51), st.lists(ANGLES, min_size=1, max_size=4), st.sampled_from([1.0, 10.0, 30.0]))
def test_angles_give_equation_3(own, others, scale):
    """log(1 + Σ exp(s (cos θ_j - cos(θ_y + m)))): the margin is added to the angle."""
    terms = [scale * (math.cos(other) - math.cos(own + 0.5)) for other in others]
    expected = math.log1p(sum(map(math.exp, terms)))
    assert loss_of(own, others, scale=scale, margin=0.5) == pytest.approx(expected, rel=1e-3, abs=scale * 2e-3)


def test_worked_example():
    """θ_y = 60°, m = 30°, the other at 90°, s = 2: cos 90° = 0 against 0, so ln 2."""
    assert loss_of(math.pi / 3, [math.pi / 2], scale=2.0, margin=math.pi / 6) == pytest.approx(math.log(2), abs=1e-6)


def test_without_margin_it_is_cross_entropy():
    torch.manual_seed(0)
    cosine, person = torch.rand(5, 7) * 2 - 1, torch.tensor([0, 6, 3, 3, 1])
    expected = torch.nn.functional.cross_entropy(30 * cosine, person, reduction="none")
    torch.testing.assert_close(angular_margin_loss(cosine, person, scale=30.0, margin=0.0), expected)


def test_the_loss_grows_with_the_angle_all_the_way():
    """Also beyond π - m, where the cosine of the widened angle turns round."""
    losses = [loss_of(own, [math.pi / 2], scale=4.0) for own in torch.linspace(0.01, math.pi - 0.01, 200).tolist()]
    assert all(after > before for before, after in itertools.pairwise(losses))


def test_gradients_are_finite_where_the_angle_is_0_or_pi():
    cosine = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0000001, 0.0]], requires_grad=True)
    angular_margin_loss(cosine, torch.zeros(3, dtype=torch.int64)).sum().backward()
    assert cosine.grad is not None and cosine.grad.isfinite().all()


def video(*people: str) -> VideoRecord:
    return VideoRecord("-".join(people), Path("none.mp4"), 0, identities=people)


def test_a_clip_belongs_to_the_person_who_was_filmed():
    loss = IdentityLoss([video("b"), video("a", "c"), video("b", "a")], size=8, weight=1.0)
    assert loss.people == ("a", "b")
    assert loss.centres.shape == (2, 8)
    assert loss.person.tolist() == [1, 0, 1]
    with torch.no_grad():
        right = loss(loss.centres[[0, 1, 1]], torch.tensor([1, 0, 2]))
        wrong = loss(loss.centres[[1, 0, 0]], torch.tensor([1, 0, 2]))
    assert (right < wrong).all()


def test_length_does_not_matter_and_weight_multiplies():
    torch.manual_seed(0)
    videos, where = [video("a"), video("b"), video("c")], torch.tensor([2, 0])
    one, half = (IdentityLoss(videos, size=8, weight=weight) for weight in (1.0, 0.5))
    half.load_state_dict(one.state_dict())
    embedding = torch.randn(2, 8)
    torch.testing.assert_close(one(embedding, where), one(7 * embedding, where))
    torch.testing.assert_close(0.5 * one(embedding, where), half(embedding, where))


def test_half_precision_of_the_network_does_not_reach_the_cosines():
    torch.manual_seed(0)
    loss, embedding = IdentityLoss([video("a"), video("b")], size=8, weight=1.0), torch.randn(2, 8)
    plain = loss(embedding, torch.tensor([0, 1]))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss(embedding, torch.tensor([0, 1])), plain)


def test_one_person_alone_has_nobody_to_be_told_from():
    loss = IdentityLoss([video("a"), video("a")], size=8, weight=1.0)
    assert loss(torch.randn(2, 8), torch.tensor([0, 1])).tolist() == [0, 0]


def test_it_learns_to_tell_people_apart():
    """Embeddings that start at random end nearest to their own person's centre."""
    torch.manual_seed(0)
    videos = [video("abc"[number % 3]) for number in range(9)]
    loss = IdentityLoss(videos, size=8, weight=1.0)
    embedding, where = torch.randn(9, 8, requires_grad=True), torch.arange(9)
    adam = torch.optim.Adam([embedding, *loss.parameters()], lr=0.1)
    for _ in range(60):
        adam.zero_grad()
        loss(embedding, where).mean().backward()
        adam.step()
    normal = torch.nn.functional.normalize
    assert torch.equal((normal(embedding) @ normal(loss.centres).T).argmax(dim=1), loss.person)

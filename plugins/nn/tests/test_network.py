"""The network's parts meet, and padding changes nothing."""

from __future__ import annotations

import pytest
import torch

from deepfake_nn.network import ClipNetwork
from deepfake_nn.settings import TrainingSettings


@pytest.fixture
def network(quick: TrainingSettings) -> ClipNetwork:
    torch.manual_seed(0)
    made = ClipNetwork(
        quick.model_copy(update={"channel_attention": True, "projection": 12, "frequency_residuals": True})
    )
    with torch.no_grad():
        made.train()(
            torch.rand(2, 4, 3, 32, 32), torch.ones(2, 4, dtype=torch.bool)
        )  # statistics that aren't the first
    return made.eval()


def test_a_padded_clip_scores_as_it_does_alone(network):
    clip = torch.rand(1, 3, 3, 32, 32)
    padded = torch.cat([clip, torch.rand(1, 2, 3, 32, 32)], dim=1)
    other = torch.rand(1, 5, 3, 32, 32)
    mask = torch.tensor([[True, True, True, False, False], [True] * 5])
    with torch.no_grad():
        alone = network(clip, torch.ones(1, 3, dtype=torch.bool))
        among = network(torch.cat([padded, other]), mask)
    for one, many in zip(alone, among, strict=True):
        torch.testing.assert_close(one[0], many[0], atol=1e-5, rtol=1e-5)


def test_padding_never_reaches_batch_norm(network):
    frames, mask = torch.rand(2, 4, 3, 32, 32), torch.tensor([[True] * 4, [True, False, False, False]])
    states = []
    for filler in (0.0, 1.0):
        network.train()
        network.load_state_dict(network.state_dict())
        torch.manual_seed(0)
        before = {key: value.clone() for key, value in network.state_dict().items()}
        padded = torch.where(mask[:, :, None, None, None], frames, torch.full_like(frames, filler))
        network(padded, mask)
        states.append({key: value.clone() for key, value in network.state_dict().items()})
        network.load_state_dict(before)
    assert any(not torch.equal(states[0][key], before[key]) for key in before), "statistics did move"
    assert all(torch.equal(states[0][key], states[1][key]) for key in before)


def test_one_clip_of_one_frame_can_be_scored(network):
    with torch.no_grad():
        output = network(torch.rand(1, 1, 3, 32, 32), torch.ones(1, 1, dtype=torch.bool))
    assert output.logit.shape == (1,) and output.embedding.shape == (1, 64)
    assert output.logit.isfinite().all()


def test_gradients_reach_every_parameter(network):
    network.train()
    output = network(torch.rand(2, 4, 3, 32, 32), torch.ones(2, 4, dtype=torch.bool))
    (output.logit.sum() + output.auxiliary_logit.sum()).backward()
    assert not [name for name, parameter in network.named_parameters() if parameter.grad is None]

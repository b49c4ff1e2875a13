"""A clip's vector is the mean of its frames', and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfake_nn.frames import FrameNetwork
from deepfake_nn.presets import frames_demo, frames_paper
from deepfake_nn.settings import FrameSettings, NetworkSettings

ALL = torch.ones(1, 4, dtype=torch.bool)


def settings(**how) -> FrameSettings:
    return FrameSettings(**{"backbone": "test_efficientnet", "weights": "random", "frames": 4, "size": 32, **how})


@pytest.fixture(params=[False, True], ids=["plain", "unit_length"])
def network(request) -> FrameNetwork:
    torch.manual_seed(0)
    made = FrameNetwork(settings(unit_length=request.param, embedding_hidden=(16,), embedding_dropout=(0.3,)))
    with torch.no_grad():
        made.train()(torch.rand(2, 4, 3, 32, 32), ALL.expand(2, 4))  # statistics that aren't the first
    return made.eval()


@torch.no_grad()
def test_the_embedding_is_the_mean_of_the_frames_vectors(network):
    frames = torch.rand(1, 4, 3, 32, 32) * torch.tensor([0.05, 0.3, 0.6, 1.0])[None, :, None, None, None]

    def vectors_of_frames() -> torch.Tensor:
        return network.projection(network.backbone((frames[0] - network.mean) / network.std))

    network.projection[-1].bias -= vectors_of_frames()[:2].mean(dim=0)  # so that they point different ways
    vectors, output = vectors_of_frames(), network(frames, ALL)
    if network.unit_length:
        mean = (vectors / vectors.norm(dim=1, keepdim=True)).mean(dim=0)
        assert mean.norm() < 0.9
        expected = mean / mean.norm()
    else:
        expected = vectors.mean(dim=0)
    torch.testing.assert_close(output.embedding[0], expected)
    torch.testing.assert_close(output.logit, network.head(expected[None]).logit)


@torch.no_grad()
def test_a_padded_clip_scores_as_it_does_alone(network):
    clip, other = torch.rand(1, 3, 3, 32, 32), torch.rand(1, 5, 3, 32, 32)
    padded = torch.cat([clip, torch.full((1, 2, 3, 32, 32), torch.nan)], dim=1)
    mask = torch.tensor([[True, True, True, False, False], [True] * 5])
    alone = network(clip, torch.ones(1, 3, dtype=torch.bool))
    among = network(torch.cat([padded, other]), mask)
    torch.testing.assert_close(alone.logit[0], among.logit[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(alone.embedding[0], among.embedding[0], atol=1e-5, rtol=1e-5)


def test_padding_never_reaches_batch_norm(network):
    frames, mask = torch.rand(2, 4, 3, 32, 32), torch.tensor([[True] * 4, [True, False, False, False]])
    frames[~mask] = torch.nan
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.train()(frames, mask)
    after = network.state_dict()
    assert all(value.isfinite().all() for value in after.values())
    assert any(not torch.equal(after[key], before[key]) for key in before), "statistics did move"


@torch.no_grad()
def test_the_order_of_frames_does_not_matter(network):
    frames = torch.rand(1, 4, 3, 32, 32)
    forth, back = network(frames, ALL), network(frames.flip(1), ALL)
    torch.testing.assert_close(forth.embedding, back.embedding)


def test_the_loss_of_the_logit_trains_everything(network):
    """No gradient stops before the embedding, and no second logit is needed."""
    output = network.train()(torch.rand(2, 4, 3, 32, 32), ALL.expand(2, 4))
    assert output.auxiliary_logit is None
    output.logit.sum().backward()
    silent = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    # Biases before a batch norm have no effect; that of the last linear layer has.
    assert [name for name in silent if not name.startswith("backbone.")] == []
    assert len(silent) < 5


def test_layers_between_features_and_vector():
    def layers(**how) -> list[str]:
        return [str(layer) for layer in FrameNetwork(settings(backbone="test_resnet", **how)).projection]

    assert layers() == [str(nn.Linear(96, 64))]
    assert layers(embedding_hidden="32,16", embedding_dropout="0.3,0.1") == [
        *map(str, (nn.Linear(96, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 16), nn.ReLU(), nn.Dropout(0.1))),
        str(nn.Linear(16, 64)),
    ]


def test_each_network_has_its_own_settings():
    between = set(NetworkSettings.model_fields) - set(settings().part(FrameSettings).model_dump())
    assert {"hidden", "temporal_layers", "head", "projection", "frequency", "channel_attention"} <= between
    assert "embedding_weight" not in FrameSettings.model_fields
    with pytest.raises(ValueError, match="embedding_hidden has 1 widths, embedding_dropout 0 values"):
        settings(embedding_hidden=(8,))
    with pytest.raises(ValueError, match="hidden"):
        settings(hidden=8)


def test_presets_keep_the_class_and_what_only_the_stream_says():
    class Mine(FrameSettings):
        mine: int = 0

    paper = frames_paper(Mine, backbone="resnet18", mine=3, lr=2e-4, embedding_hidden=(256,), embedding_dropout=(0.3,))
    assert (type(paper), paper.mine, paper.lr, paper.frames) == (Mine, 3, 2e-4, 8)
    demo = frames_demo(paper)
    assert (type(demo), demo.mine, demo.weights) == (Mine, 3, "random")
    assert (demo.embedding_hidden, demo.embedding_dropout) == ((32,), (0.0,))

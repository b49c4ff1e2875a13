from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfake_nn.layers import ClassificationHead, EmbeddingHead

FUSED = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0.0, 1, 0, 1, 1, 0])


def a_head() -> ClassificationHead:
    torch.manual_seed(1)
    return ClassificationHead(10, (8, 4), dropout=(0.5, 0.25))


def bce(logit: torch.Tensor) -> torch.Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logit, TARGET)


def test_the_published_head():
    classifier = ClassificationHead(512, (256, 128), dropout=(0.5, 0.25)).classifier
    assert [type(layer).__name__ for layer in classifier] == ["Linear", "LayerNorm", "GELU", "Dropout"] * 2 + ["Linear"]
    assert [layer.weight.shape for layer in classifier if isinstance(layer, nn.Linear)] == [
        (256, 512),
        (128, 256),
        (1, 128),
    ]
    assert [layer.p for layer in classifier if isinstance(layer, nn.Dropout)] == [0.5, 0.25]


def test_shapes():
    output = a_head()(FUSED)
    assert (output.logit.shape, output.embedding.shape, output.auxiliary_logit.shape) == ((6,), (6, 64), (6,))
    assert a_head()(FUSED[:1]).logit.shape == (1,)


def test_the_embedding_is_linear_in_the_fused_vector():
    head = a_head().eval()
    a, b = FUSED[:1], FUSED[1:2]
    torch.testing.assert_close(
        head(0.3 * a + 0.7 * b).embedding, 0.3 * head(a).embedding + 0.7 * head(b).embedding, rtol=1e-4, atol=1e-6
    )


def test_the_second_loss_reaches_every_number_of_the_embedding():
    head = a_head()
    bce(head(FUSED).auxiliary_logit).backward()
    assert (head.embedding.weight.grad.abs().sum(dim=1) > 0).all()
    # A linear readout would give all 64 gradients one direction.
    assert torch.linalg.matrix_rank(head.embedding.weight.grad) > 1


def test_the_second_loss_leaves_logit_and_trunk_as_published():
    gradients = []
    for weight in (0.0, 1.0):
        head, fused = a_head(), FUSED.clone().requires_grad_()
        output = head(fused)
        (bce(output.logit) + weight * bce(output.auxiliary_logit)).backward()
        gradients.append([fused.grad, *(p.grad for p in head.classifier.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    assert gradients[0][0].abs().sum() > 0


def test_training_with_both_losses_teaches_the_embedding():
    head = a_head()
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-2)
    for _ in range(100):
        optimiser.zero_grad()
        output = head(FUSED)
        (bce(output.logit) + 0.1 * bce(output.auxiliary_logit)).backward()
        optimiser.step()
    output = head.eval()(FUSED)
    assert ((output.auxiliary_logit > 0) == (TARGET > 0.5)).all()
    assert ((output.logit > 0) == (TARGET > 0.5)).all()


def test_no_hidden_layer_is_a_linear_classifier():
    assert isinstance(ClassificationHead(10, (), dropout=()).classifier[0], nn.Linear)


def test_as_many_rates_as_widths():
    with pytest.raises(ValueError, match="2 hidden widths"):
        ClassificationHead(10, (8, 4), dropout=(0.5,))


def test_autocast_trains_every_weight():
    head = a_head()
    with torch.autocast("cpu", torch.bfloat16):
        output = head(FUSED)
        (bce(output.logit.float()) + bce(output.auxiliary_logit.float())).backward()
    for name, weight in head.named_parameters():
        assert weight.grad is not None and weight.grad.isfinite().all(), name


@pytest.mark.parametrize("unit_length", [False, True])
def test_a_logit_can_be_linear_in_the_embedding(unit_length):
    torch.manual_seed(0)
    embedding = nn.functional.normalize(torch.randn(5, 64), dim=1)
    head = EmbeddingHead(unit_length=unit_length)
    output = head(embedding)
    assert output.embedding is embedding and output.auxiliary_logit is None
    layer = head.classifier[-1]
    factor = 8 if unit_length else 1
    torch.testing.assert_close(output.logit, embedding @ layer.weight[0] * factor + layer.bias)

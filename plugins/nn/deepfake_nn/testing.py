"""Is a neural stream's paper preset what was published?"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, ClassVar

import torch

from deepfake_faces.settings import FaceSettings
from deepfake_nn.losses import focal_loss
from deepfake_nn.settings import LearningSettings
from deepfake_nn.stream import TorchStream
from deepfake_nn.training.rates import optimiser


class PaperConformance:
    """Checks of the preset ``paper``, to be inherited by a test class.

    Attributes:
        name: entry-point name of the stream.
        table: published values by setting.
        width: features of the backbone.
        fused: width of what the head gets.
        mean: of the pixels that the published weights expect, on the scale 0-1.
        std: likewise.
    """

    name: ClassVar[str]
    table: ClassVar[Mapping[str, Any]]
    width: ClassVar[int]
    fused: ClassVar[int]
    mean: ClassVar[tuple[float, float, float]]
    std: ClassVar[tuple[float, float, float]]

    def _stream(self) -> TorchStream:
        (point,) = entry_points(group="deepfake_core.streams", name=self.name)
        stream: TorchStream = point.load()
        return stream

    def _paper(self) -> LearningSettings:
        return self._stream().presets["paper"]

    def _network(self) -> Any:
        return self._stream().network(self._paper(), pretrained=False)

    def test_paper_is_the_table(self) -> None:
        """Each published value is the preset's."""
        paper = self._paper()
        assert {setting: getattr(paper, setting) for setting in self.table} == dict(self.table)

    def test_every_preset_is_valid(self) -> None:
        """Presets that are derived from others obey the settings' rules, too."""
        stream = self._stream()
        for preset in stream.presets.values():
            stream.settings(**{name: getattr(preset, name) for name in stream.settings.model_fields})

    def test_crops_are_shared(self) -> None:
        """Every preset asks for the face crops that all neural streams share."""
        assert {preset.part(FaceSettings) for preset in self._stream().presets.values()} == {FaceSettings()}

    def test_network_takes_a_step_at_full_size(self) -> None:
        """The network has the published widths, and one step on two frames moves its head."""
        paper = self._paper()
        torch.manual_seed(0)
        network = self._network()
        assert network.backbone.num_features == self.width
        assert network.fused_features == self.fused
        optimizer, _ = optimiser(network, paper, steps_per_epoch=1)
        before = network.head.classifier[-1].weight.detach().clone()
        output = network(torch.rand(1, 2, 3, paper.size, paper.size), torch.ones(1, 2, dtype=torch.bool))
        loss = focal_loss(output.logit, torch.ones(1), gamma=paper.focal_gamma, alpha=paper.focal_alpha or 0.5).mean()
        loss.backward()
        optimizer.step()
        assert loss.isfinite()
        assert output.embedding.shape == (1, 64)
        assert not torch.equal(network.head.classifier[-1].weight, before)
        assert all(parameter.grad is not None for parameter in network.backbone.parameters())

    def test_normalisation_is_that_of_the_published_weights(self) -> None:
        """Pixels reach the backbone as its weights expect them."""
        network = self._network()
        torch.testing.assert_close(network.mean.flatten(), torch.tensor(self.mean))
        torch.testing.assert_close(network.std.flatten(), torch.tensor(self.std))


class FramePaperConformance(PaperConformance):
    """The same for an encoder of the two-layer system; a stream's ``table`` adds its own values to these."""

    fused = 64
    table: ClassVar[dict[str, Any]] = {
        "weights": "pretrained",
        "frames": 8,
        "sampled_frames": 16,
        "size": 224,
        "detector": "mtcnn",
        "embedding_hidden": (),
        "embedding_dropout": (),
        "unit_length": False,
        "focal_gamma": 0.0,
        "focal_alpha": 0.5,
        "label_smoothing": 0.0,
        "weight_decay": 0.0,
        "mixup": 0.0,
        "cutmix": 0.0,
        "mining_from": None,
        "frozen_epochs": 0,
        "swa_from": None,
        "tta": "none",
    }

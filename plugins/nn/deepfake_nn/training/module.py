"""What is one training step?"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

from deepfake_core import DeepfakeError
from deepfake_nn.clips import Batch, seed_of
from deepfake_nn.layers.heads import HeadOutput
from deepfake_nn.losses import focal_loss
from deepfake_nn.mixing import ClipMixer
from deepfake_nn.settings import LearningSettings, TrainingSettings
from deepfake_nn.training import rates


class TrainingDiverged(DeepfakeError):
    """The loss is no number any more."""


class ClipTraining(pl.LightningModule):
    """The training of a network on clips.

    Everything random in a step follows from the fold's seed, the epoch and the batch, so that a training that was
    interrupted goes on as if it hadn't been.

    Args:
        network: ``(frames [B, T, 3, H, W] in 0-1, mask [B, T])`` to ``HeadOutput``; its attribute ``backbone`` is what
            may be frozen.
        settings: how to train it.
        alpha: weight of fakes in the focal loss.
        steps_per_epoch: optimiser steps.
        seed: of the fold.
        name: what errors call it, e.g. ``xception, fold 3``.
        auxiliary: a further loss on train clips, as ``TorchStream.auxiliary`` describes it; None without any.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: LearningSettings,
        *,
        alpha: float,
        steps_per_epoch: int,
        seed: int,
        name: str,
        auxiliary: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.auxiliary = auxiliary
        self.settings = settings
        self.alpha, self.steps_per_epoch, self.seed, self.name = alpha, steps_per_epoch, seed, name
        self.mixer = ClipMixer(
            mixup_alpha=settings.mixup, cutmix_alpha=settings.cutmix, probability=settings.mix_probability
        )

    def on_train_start(self) -> None:
        """Also after a resumption within an epoch, when no epoch starts."""
        self._freeze_or_thaw()

    def on_train_epoch_start(self) -> None:
        """The backbone thaws when its time has come."""
        self._freeze_or_thaw()

    def _freeze_or_thaw(self) -> None:
        thawed = self.current_epoch >= self.settings.frozen_epochs
        self.network.backbone.requires_grad_(thawed)
        # A frozen batch norm keeps its statistics, too.
        self.network.backbone.train(thawed)

    def training_step(self, batch: Batch, number: int) -> dict[str, torch.Tensor]:
        """Mixes, scores, and judges a batch; of the ``loss``, the part that is ``auxiliary`` stands beside it."""
        seed = seed_of(self.seed, self.current_epoch, number, self.global_rank)
        torch.manual_seed(seed)
        frames, mask, target = batch.frames.float() / 255, batch.mask, batch.target
        if self.current_epoch >= self.settings.mix_from:
            frames, mask, target = self.mixer(frames, mask, target, torch.Generator().manual_seed(seed))
        output = self.network(frames, mask)
        loss, parts = self.loss(output, target).mean(), dict[str, torch.Tensor]()
        if self.auxiliary is not None:
            auxiliary = self.auxiliary(output.embedding, batch.position).mean()
            loss, parts = loss + auxiliary, {"auxiliary": auxiliary.detach()}
        if not torch.isfinite(loss):
            raise TrainingDiverged(
                f"{self.name}: the loss became {loss.item()} in epoch {self.current_epoch}, batch {number}.",
                hint="lower lr, raise warmup, or set precision=32; the last good checkpoint is kept in the store.",
            )
        return {"loss": loss, **parts}

    def loss(self, output: HeadOutput, target: torch.Tensor) -> torch.Tensor:
        """Focal loss of each clip ``[B]``, with that of the embedding's own logit, if it has one, at its weight."""
        options = {
            "gamma": self.settings.focal_gamma,
            "alpha": self.alpha,
            "smoothing": self.settings.label_smoothing,
            "reduction": "none",
        }
        main = focal_loss(output.logit.float(), target, **options)
        if output.auxiliary_logit is None:
            return main
        assert isinstance(self.settings, TrainingSettings)  # the weight is theirs
        return main + self.settings.embedding_weight * focal_loss(output.auxiliary_logit.float(), target, **options)

    def configure_optimizers(self) -> Any:
        """AdamW and its schedule by step."""
        optimizer, schedule = rates.optimiser(
            self.network, self.settings, steps_per_epoch=self.steps_per_epoch, auxiliary=self.auxiliary
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

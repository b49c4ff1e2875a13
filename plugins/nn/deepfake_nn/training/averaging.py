"""Which mean of the weights is the averaged model?"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch.optim.swa_utils import AveragedModel

from deepfake_nn.training.module import ClipTraining


class Averaging(pl.Callback):
    """Stochastic weight averaging: the plain mean of the weights at the end of each epoch from one epoch on.

    Izmailov et al., UAI 2018, arXiv 1803.05407. The statistics of batch norms are measured when the mean is used, not
    averaged.

    Args:
        start: first epoch whose weights count.

    Attributes:
        model: the mean; None before ``start``.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        self.model: AveragedModel | None = None
        self._kept: dict[str, Any] | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Takes up the mean of an interrupted training."""
        assert isinstance(pl_module, ClipTraining)
        if self._kept is not None:
            self.model = AveragedModel(pl_module.network)
            self.model.load_state_dict(self._kept)
            self._kept = None

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Adds the epoch's weights."""
        assert isinstance(pl_module, ClipTraining)
        if trainer.current_epoch < self.start:
            return
        with torch.no_grad():
            self.model = self.model or AveragedModel(pl_module.network)
            self.model.update_parameters(pl_module.network)

    def state_dict(self) -> dict[str, Any]:
        """The mean so far."""
        return {"model": self.model.state_dict() if self.model else None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Kept until there is a network to hold it."""
        self._kept = state["model"]

"""When is looked at which examples are hard?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
import torch

from deepfake_nn.clips import Batch, Plan
from deepfake_nn.mining import mining_weights
from deepfake_nn.training.evaluation import judge
from deepfake_nn.training.module import ClipTraining


class HardMining(pl.Callback):
    """From one epoch on, and again every few, clips are drawn by their loss; see ``mining_weights``.

    The loss is that of the clip as it is, neither augmented nor mixed.

    Args:
        plan: whose weights are set.
        train: the train clips in order, each time anew.
        labels: of these clips.
        start: first epoch of mining.
        every: epochs between two looks.
    """

    def __init__(
        self, plan: Plan, train: Callable[[], Iterable[Batch]], labels: tuple[int, ...], *, start: int, every: int
    ) -> None:
        self._plan, self._train, self._labels = plan, train, torch.tensor(labels)
        self._start, self._every = start, every

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Sets the weights that the next epochs' batches are drawn with."""
        assert isinstance(pl_module, ClipTraining)
        since = trainer.current_epoch + 1 - self._start
        if since >= 0 and since % self._every == 0:
            loss = judge(pl_module, pl_module.network, self._train()).loss
            self._plan.weights = mining_weights(loss, self._labels)

    def state_dict(self) -> dict[str, Any]:
        """The weights that are in force."""
        return {"weights": self._plan.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them in force again."""
        self._plan.weights = state["weights"]

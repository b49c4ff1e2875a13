"""Where does an interrupted training go on?"""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import pytorch_lightning as pl

from deepfake_core import DeepfakeError
from deepfake_nn.training.choice import over

CHECKPOINT = "last.ckpt"


class TimeBudgetSpent(DeepfakeError):
    """Training stopped because its time was up; nothing is lost."""

    exit_code = 4


class Resume(pl.callbacks.Checkpoint):
    """Writes everything that training needs to go on: after each epoch, every few minutes within one, and when time is up.

    A checkpoint is written beside the last one and takes its place when complete. Within an epoch it is written only
    right after an optimiser step: gathered gradients aren't part of it.

    Args:
        folder: where ``last.ckpt`` is.
        every_s: between two checkpoints within an epoch.
        budget_s: time after which training stops; None for no limit.
        name: what errors call the training.
    """

    def __init__(self, folder: Path, *, every_s: float, budget_s: float | None, name: str) -> None:
        self.path = folder / CHECKPOINT
        self._every_s, self._budget_s, self._name = every_s, budget_s, name
        self._began = self._written = monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The clock starts."""
        self._began = self._written = monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Within an epoch."""
        last = batch_idx + 1 == trainer.num_training_batches
        stepped = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if last or not stepped:
            return
        if self._spent() or monotonic() - self._written >= self._every_s:
            self._write(trainer)
        self._stop_if_spent(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After everything else that an epoch's end brings."""
        self._write(trainer)
        if not over(trainer):
            self._stop_if_spent(trainer)

    def _write(self, trainer: pl.Trainer) -> None:
        unfinished = self.path.with_suffix(".unfinished")
        trainer.save_checkpoint(unfinished)
        if trainer.is_global_zero:
            unfinished.replace(self.path)
        self._written = monotonic()

    def _spent(self) -> bool:
        return self._budget_s is not None and monotonic() - self._began >= self._budget_s

    def _stop_if_spent(self, trainer: pl.Trainer) -> None:
        if self._spent():
            raise TimeBudgetSpent(
                f"{self._name}: its time is up in epoch {trainer.current_epoch} of {trainer.max_epochs}.",
                hint="run the same command again to go on from here; max_minutes=0 sets no limit.",
            )

"""What does a training tell about itself?"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

from deepfake_core import RunLog
from deepfake_nn.clips import Loader
from deepfake_nn.training.choice import Choice, over

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Report(pl.Callback):
    """Metrics of each epoch, and the learning curves at the end.

    ``train_loss``, ``stop_loss``, ``stop_auc``, ``lr``, ``lr_backbone``, ``clips_per_second``, and ``data_wait``, the
    share of the time in which training waited for clips; where there is an auxiliary loss, ``auxiliary_loss``, which
    ``train_loss`` leaves out to be comparable with ``stop_loss``.

    Args:
        log: where it goes.
        loader: whose waiting is measured.
        choice: which has the numbers of the stop split.
    """

    def __init__(self, log: RunLog, loader: Loader, choice: Choice) -> None:
        self._log, self._loader, self._choice = log, loader, choice
        self._losses: list[torch.Tensor] = []
        self._auxiliary: list[torch.Tensor] = []
        self._history: list[dict[str, float]] = []
        self._rates: dict[str, float] = {}
        self._begin()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The clock starts, also within an epoch that was interrupted."""
        self._begin()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The clock starts."""
        self._begin()

    def _begin(self) -> None:
        self._began, self._loader.waited_s, self._clips = perf_counter(), 0.0, 0

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Reads the rates before the schedule moves on."""
        self._rates = {group["name"]: group["lr"] for group in trainer.optimizers[0].param_groups}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keeps the loss, on its device."""
        self._losses.append(outputs["loss"].detach())
        if "auxiliary" in outputs:
            self._auxiliary.append(outputs["auxiliary"])
        self._clips += len(batch.target)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Reports the epoch; the last one with the learning curves of all."""
        seconds = perf_counter() - self._began
        loss = _mean(self._losses) * trainer.accumulate_grad_batches
        auxiliary = {"auxiliary_loss": _mean(self._auxiliary)} if self._auxiliary else {}
        epoch = {
            "train_loss": loss - sum(auxiliary.values()),
            **auxiliary,
            **self._choice.metrics,
            "lr": self._rates["head"],
            "lr_backbone": self._rates["backbone"],
            "clips_per_second": self._clips / seconds,
            "data_wait": self._loader.waited_s / seconds,
        }
        self._losses, self._auxiliary = [], []
        self._history.append(epoch)
        if trainer.is_global_zero:
            for name, value in epoch.items():
                self._log.metric(name, value, trainer.current_epoch)
            if over(trainer):
                self._log.figure("learning_curves", curves(self._history))

    def state_dict(self) -> dict[str, Any]:
        """The epochs so far, and the losses of the one that runs."""
        kept = {"losses": self._losses, "auxiliary": self._auxiliary}
        return {"history": self._history, **{name: [loss.cpu() for loss in losses] for name, losses in kept.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        self._history, self._losses, self._auxiliary = state["history"], state["losses"], state["auxiliary"]


def _mean(losses: list[torch.Tensor]) -> float:
    return float(torch.stack([loss.cpu() for loss in losses]).mean())


def curves(history: list[dict[str, float]]) -> Figure:
    """Loss, AUC on the stop split, and learning rates by epoch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    panels = {
        "loss": ("train_loss", "stop_loss"),
        "AUC on the stop split": ("stop_auc",),
        "learning rate": ("lr", "lr_backbone"),
    }
    for axes, (title, names) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for name in names:
            values = [epoch.get(name, float("nan")) for epoch in history]
            axes.plot(range(len(values)), values, marker=".", label=name)
        axes.set(title=title, xlabel="epoch")
        if len(names) > 1:
            axes.legend(frameon=False)
    return figure

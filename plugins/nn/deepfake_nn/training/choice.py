"""Which weights of a training become the model, and when is it over?

Asked of the fold's inner stop split alone: the held-out videos are never looked at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from safetensors.torch import load_file, save_file
from torch import nn

from deepfake_nn.clips import Batch
from deepfake_nn.training.averaging import Averaging
from deepfake_nn.training.evaluation import judge, refresh_batch_norm
from deepfake_nn.training.module import ClipTraining

WEIGHTS = "weights.safetensors"
CARD = "model.json"
BEST = "best.safetensors"

Batches = Callable[[], Iterable[Batch]]


class Choice(pl.Callback):
    """Keeps the best epoch's weights, ends a training that no longer improves, and makes the model.

    The best epoch has the highest AUC on the stop split, of equal ones the lowest loss; with ``monitor="loss"``, or
    where the split has one class only, the lowest loss. It is the luckiest of many, though; so the averaged weights, if
    there are any, are taken unless they are worse than it by more than their own standard error (the one-standard-error
    rule of Breiman et al. 1984, Classification and Regression Trees, 3.4.3). Without a stop split the averaged weights are
    taken, else the last.

    Args:
        folder: where the best epoch's weights are kept meanwhile, as ``best.safetensors``.
        model: folder of the finished model.
        stop: the stop clips in order, each time anew; None without any.
        train: the train clips in order, each time anew.
        averaging: the callback that averages; None if none does.
        patience: epochs without improvement.
        monitor: ``auc``, ``loss`` or ``both``.
    """

    def __init__(
        self,
        folder: Path,
        model: Path,
        *,
        stop: Batches | None,
        train: Batches,
        averaging: Averaging | None,
        patience: int,
        monitor: str,
    ) -> None:
        self._best_path, self._model = folder / BEST, model
        self._stop, self._train, self._averaging = stop, train, averaging
        self._patience, self._monitor = patience, monitor
        self.metrics: dict[str, float] = {}
        self._best: dict[str, float] = {}
        self._records = {"auc": -math.inf, "loss": -math.inf}
        self._improved = -1

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judges the epoch."""
        assert isinstance(pl_module, ClipTraining)
        if self._stop is None:
            return
        found = self._judge(pl_module, pl_module.network)
        self.metrics = {"stop_loss": found["loss"], "stop_auc": found["auc"]}
        if self._better(found, self._best):
            self._best = {**found, "epoch": trainer.current_epoch}
            if trainer.is_global_zero:
                save(pl_module.network, self._best_path)
        watched = {"auc", "loss"} if self._monitor == "both" else {self._monitor}
        if math.isnan(found["auc"]):
            watched = {"loss"}
        for name, value in (("auc", found["auc"]), ("loss", -found["loss"])):
            if value > self._records[name]:
                self._records[name] = value
                if name in watched:
                    self._improved = trainer.current_epoch
        if trainer.current_epoch - self._improved >= self._patience:
            trainer.should_stop = True

    def make_model(self, trainer: pl.Trainer, training: ClipTraining) -> None:
        """Writes the chosen weights, and what is known of them as ``model.json``, which stands for a complete model."""
        network, chosen, found = training.network, "last", dict[str, float]()
        if self._best:
            network.load_state_dict(load_file(self._best_path, device=str(training.device)))
            chosen, found = "best", self._best
        averaged = self._averaging.model.module if self._averaging and self._averaging.model else None
        if averaged is not None:
            refresh_batch_norm(training, averaged, self._train())
            judged = self._judge(training, averaged) if self._stop else {}
            if not self._stop or self._as_good(judged, self._best):
                network, chosen, found = averaged, "swa", judged
        if trainer.is_global_zero:
            self._model.mkdir(exist_ok=True)
            save(network, self._model / WEIGHTS)
            card = {"chosen": chosen, "epochs": trainer.current_epoch + 1, **found}
            (self._model / CARD).write_text(json.dumps(card, indent=1, sort_keys=True))

    def _judge(self, training: ClipTraining, network: nn.Module) -> dict[str, float]:
        assert self._stop is not None
        judgement = judge(training, network, self._stop())
        return {
            "loss": float(judgement.loss.mean()),
            "loss_error": judgement.loss_error,
            "auc": judgement.auc,
            "auc_error": judgement.auc_error,
        }

    def _better(self, one: dict[str, float], other: dict[str, float]) -> bool:
        if not other:
            return True

        def merit(found: dict[str, float]) -> tuple[float, float]:
            return (0.0 if self._by_loss(one) else found["auc"], -found["loss"])

        return merit(one) > merit(other)

    def _as_good(self, averaged: dict[str, float], best: dict[str, float]) -> bool:
        if self._by_loss(averaged):
            return averaged["loss"] - averaged["loss_error"] <= best["loss"]
        return averaged["auc"] + averaged["auc_error"] >= best["auc"]

    def _by_loss(self, found: dict[str, float]) -> bool:
        return self._monitor == "loss" or math.isnan(found["auc"])

    def state_dict(self) -> dict[str, Any]:
        """What is known of the epochs so far."""
        return {"best": self._best, "records": self._records, "improved": self._improved}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        self._best, self._records, self._improved = state["best"], state["records"], state["improved"]


class Finish(pl.Callback):
    """Makes the model at the end of the last epoch, before the last checkpoint is written.

    So whatever interrupts a training, it can either be gone on with or has its model.

    Args:
        choice: makes it.
    """

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After the epoch was judged and reported."""
        assert isinstance(pl_module, ClipTraining)
        if over(trainer):
            self._choice.make_model(trainer, pl_module)


def over(trainer: pl.Trainer) -> bool:
    """Whether no epoch follows the one that ends."""
    return trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs


def save(network: nn.Module, path: Path) -> None:
    """Writes a network's state, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    save_file({name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}, unfinished)
    unfinished.replace(path)


def load(network: nn.Module, model: Path) -> None:
    """Gives ``network`` the weights of a finished model."""
    network.load_state_dict(load_file(model / WEIGHTS))

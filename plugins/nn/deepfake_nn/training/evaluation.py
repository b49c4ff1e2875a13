"""How well does a network do on labelled clips that it doesn't learn from?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from deepfake_nn.clips import Batch
from deepfake_nn.training.module import ClipTraining


@dataclass(frozen=True)
class Judgement:
    """Of N clips.

    Attributes:
        loss: of each, ``[N] float64``.
        label: of each, ``[N]``.
        auc: area under the ROC; NaN unless both classes are there.
    """

    loss: torch.Tensor
    label: torch.Tensor
    auc: float

    @property
    def loss_error(self) -> float:
        """Standard error of the mean loss."""
        return float(self.loss.std(correction=0)) / math.sqrt(len(self.loss))

    @property
    def auc_error(self) -> float:
        """Standard error of the AUC (Hanley & McNeil 1982, 10.1148/radiology.143.1.7063747)."""
        fakes, auc = int(self.label.sum()), self.auc
        reals = len(self.label) - fakes
        two_fakes, two_reals = auc / (2 - auc), 2 * auc**2 / (1 + auc)
        spread = (fakes - 1) * (two_fakes - auc**2) + (reals - 1) * (two_reals - auc**2)
        return math.sqrt((auc * (1 - auc) + spread) / (fakes * reals)) if fakes and reals else math.nan


@torch.no_grad()
def judge(training: ClipTraining, network: nn.Module, batches: Iterable[Batch]) -> Judgement:
    """Scores clips as they are, in order; the network's modes are left as they were."""
    from sklearn.metrics import roc_auc_score

    modes = {module: module.training for module in network.modules()}
    network.eval()
    losses, logits, labels = [], [], []
    for batch in batches:
        frames, mask, target, _ = training.transfer_batch_to_device(batch, training.device, 0)
        with training.trainer.precision_plugin.forward_context():
            output = network(frames.float() / 255, mask)
        losses.append(training.loss(output, target).double().cpu())
        logits.append(output.logit.double().cpu())
        labels.append(target.cpu())
    for module, mode in modes.items():
        module.training = mode
    label, logit = torch.cat(labels), torch.cat(logits)
    both = bool(0 < label.sum() < len(label)) and bool(logit.isfinite().all())
    return Judgement(torch.cat(losses), label, float(roc_auc_score(label, logit)) if both else float("nan"))


@torch.no_grad()
def refresh_batch_norm(training: ClipTraining, network: nn.Module, batches: Iterable[Batch]) -> None:
    """Measures the statistics of every batch norm anew, over the clips as they are; without dropout.

    Averaged weights see other activations than any of the networks they are the mean of (Izmailov et al., UAI 2018,
    arXiv 1803.05407). Padded frames never reach a batch norm, and don't count.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = {norm: norm.momentum for norm in norms}
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
        norm.train()
    for batch in batches:
        frames, mask, *_ = training.transfer_batch_to_device(batch, training.device, 0)
        with training.trainer.precision_plugin.forward_context():
            network(frames.float() / 255, mask)
    for norm, momentum in momenta.items():
        norm.momentum = momentum
    network.eval()

"""Which parameters learn how fast, at which step?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from deepfake_nn.settings import LearningSettings

Factor = Callable[[int], float]


def optimiser(
    network: nn.Module, settings: LearningSettings, *, steps_per_epoch: int, auxiliary: nn.Module | None = None
) -> tuple[Any, Any]:
    """AdamW (Loshchilov & Hutter, ICLR 2019, arXiv 1711.05101) and its schedule; without weight decay it is Adam.

    The groups are those of ``groups``; each has its rate at every step from ``head_rate`` or ``backbone_rate``.

    Args:
        network: what is trained.
        settings: rates and decay.
        steps_per_epoch: optimiser steps.
        auxiliary: a loss with parameters of its own, which learn with the head.

    Returns:
        the optimiser and its ``LambdaLR``, to be stepped with it.
    """
    parts = groups(network, decay_norms=settings.decay_norms, auxiliary=auxiliary)
    optimizer = torch.optim.AdamW(
        [
            {"params": parameters, "weight_decay": settings.weight_decay if decayed else 0.0, "name": part}
            for (part, decayed), parameters in parts.items()
        ],
        lr=settings.lr,
    )
    head, backbone = head_rate(settings, steps_per_epoch), backbone_rate(settings, steps_per_epoch)
    factors: list[Factor] = [
        (lambda step: head(step) * backbone(step)) if part == "backbone" else head for part, _ in parts
    ]
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factors)


def groups(
    network: nn.Module, *, decay_norms: bool, auxiliary: nn.Module | None = None
) -> dict[tuple[str, bool], list[nn.Parameter]]:
    """Parameters by part (``head``: everything but the backbone) and by whether they decay; two to four groups.

    Norms' parameters and biases have one dimension or none; unless ``decay_norms``, they don't decay.
    """
    found: dict[tuple[str, bool], list[nn.Parameter]] = {}
    others = auxiliary.named_parameters("auxiliary") if auxiliary is not None else ()
    for name, parameter in (*network.named_parameters(), *others):
        part = "backbone" if name.startswith("backbone.") else "head"
        found.setdefault((part, decay_norms or parameter.ndim > 1), []).append(parameter)
    return dict(sorted(found.items()))


def head_rate(settings: LearningSettings, steps_per_epoch: int) -> Factor:
    """Learning rate at a step, as a share of ``lr``.

    A linear warm-up from 0, then constant or a cosine to 0 (Loshchilov & Hutter, ICLR 2017, arXiv 1608.03983); from
    the epoch ``swa_from`` on, a cosine from where it was to ``swa_lr`` over ``swa_anneal`` epochs, and constant after.
    """
    total = settings.epochs * steps_per_epoch
    warm = settings.warmup * total

    def plain(step: float) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        if settings.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1.0, total - warm))))

    def rate(step: int) -> float:
        if settings.swa_from is None or step < settings.swa_from * steps_per_epoch:
            return plain(step)
        begin = settings.swa_from * steps_per_epoch
        done = min(1.0, (step - begin) / (settings.swa_anneal * steps_per_epoch))
        target = settings.swa_lr / settings.lr
        return target + (plain(begin) - target) * 0.5 * (1 + math.cos(math.pi * done))

    return rate


def backbone_rate(settings: LearningSettings, steps_per_epoch: int) -> Factor:
    """The backbone's rate at a step, as a share of everything else's: 0 while frozen, then a linear ramp by step."""

    def rate(step: int) -> float:
        epoch = step / steps_per_epoch - settings.frozen_epochs
        if epoch < 0:
            return 0.0
        done = min(1.0, epoch / settings.backbone_ramp) if settings.backbone_ramp else 1.0
        return settings.backbone_lr_from + (settings.backbone_lr_to - settings.backbone_lr_from) * done

    return rate

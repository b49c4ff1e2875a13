"""What does a wrong probability cost?"""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional as F


def focal_loss(
    logit: torch.Tensor,
    target: torch.Tensor,
    *,
    gamma: float = 2.0,
    alpha: float = 0.25,
    smoothing: float = 0.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
) -> torch.Tensor:
    """Binary focal loss (Lin et al., ICCV 2017, arXiv:1708.02002), also for soft labels.

    With p = sigmoid(logit), the cost of a fake and of a real clip are::

        FL(1) = (1 - p)^gamma * -log(p)
        FL(0) = p^gamma * -log(1 - p)

    A soft label q, the probability that the clip is fake, gets the expected cost::

        loss = q * alpha * FL(1) + (1 - q) * (1 - alpha) * FL(0)

    which for q = 0 and 1 is the paper's. (Putting q into p_t = q p + (1 - q)(1 - p) instead, as is often done, mixes
    the focusing factor of one class with the cross-entropy of the other.) Smoothing s first moves q to
    (1 - s) q + s / 2.

    Computed in float32 at least. Powers are taken as exponentials of gamma * log p, so gradients stay finite where p
    underflows.

    Args:
        logit: ``[B]``.
        target: P(fake), ``[B]`` in [0, 1].
        gamma: how strongly easy clips are discounted; 0 gives weighted cross-entropy.
        alpha: weight of the positive class (fake), in [0, 1]; the negative has ``1 - alpha``.
        smoothing: s, in [0, 1).
        reduction: of the batch.

    Returns:
        ``[B]`` for ``"none"``, else ``[]``.

    Raises:
        ValueError: parameters or targets out of range, or shapes that differ.
    """
    if gamma < 0 or not 0 <= alpha <= 1 or not 0 <= smoothing < 1:
        raise ValueError(f"gamma={gamma}, alpha={alpha}, smoothing={smoothing}: not in [0, inf), [0, 1] and [0, 1)")
    if logit.shape != target.shape:
        raise ValueError(f"logit {tuple(logit.shape)} and target {tuple(target.shape)} differ in shape")
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError("targets are probabilities: they must lie in [0, 1]")
    precision = torch.promote_types(logit.dtype, torch.float32)
    logit, target = logit.to(precision), target.to(precision)
    fake = target * (1 - smoothing) + smoothing / 2
    log_p, log_not_p = F.logsigmoid(logit), F.logsigmoid(-logit)
    loss = -fake * alpha * (gamma * log_not_p).exp() * log_p
    loss = loss - (1 - fake) * (1 - alpha) * (gamma * log_p).exp() * log_not_p
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()

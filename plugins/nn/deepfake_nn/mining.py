"""How often should training draw each clip, given how hard it still finds it?"""

from __future__ import annotations

import torch


def mining_weights(loss: torch.Tensor, label: torch.Tensor, *, floor: float = 0.3) -> torch.Tensor:
    """Sampling weights that grow with the training loss, within each class.

    A clip's weight follows the rank of its loss among its class (ties share theirs): relative to drawing
    evenly, the easiest is drawn ``floor`` times as often, the hardest ``2 - floor`` times, the rest evenly in between.
    Ranks rather than losses (as in Schaul et al. 2016, arXiv:1511.05952), because focal losses span orders of
    magnitude: in proportion to its loss, a single mislabelled clip could be drawn more often than all others together.
    Each class has half of the weight, whatever its size.

    Args:
        loss: of each training clip as the model stands, unmixed and without augmentation, ``[N]``.
        label: 0 real, 1 fake, ``[N]``.
        floor: of the easiest clip, in (0, 1]; 1 leaves only the balance of the classes.

    Returns:
        ``[N] float64``, summing to 1.

    Raises:
        ValueError: a loss that isn't finite, a label other than 0 and 1, a class without clips, a floor out of range,
            or shapes that differ.
    """
    if not 0 < floor <= 1:
        raise ValueError(f"floor={floor} isn't in (0, 1]")
    if loss.ndim != 1 or loss.shape != label.shape:
        raise ValueError(f"loss {tuple(loss.shape)} and label {tuple(label.shape)} must both be [N]")
    broken = torch.nonzero(~torch.isfinite(loss))[:, 0].tolist()
    if broken:
        raise ValueError(
            f"the loss of clips {broken[:10]} isn't finite: training has diverged; lower the learning rate"
        )
    if label.unique().tolist() != [0, 1]:
        raise ValueError(f"labels must be 0 and 1, and both be there; got {label.unique().tolist()[:10]}")
    weights = torch.empty(loss.shape, dtype=torch.float64, device=loss.device)
    for each in (0, 1):
        members = label == each
        rank = _relative_rank(loss[members])
        weights[members] = (floor + 2 * (1 - floor) * rank) / (2 * len(rank))
    return weights


def _relative_rank(values: torch.Tensor) -> torch.Tensor:
    """Ranks scaled to 0 for the lowest and 1 for the highest, ties averaged; mean 0.5. ``[N] float64``."""
    _, position, count = values.unique(return_inverse=True, return_counts=True)
    middle = count.cumsum(0) - (count + 1) / 2.0
    if len(values) == 1:
        return torch.full((1,), 0.5, dtype=torch.float64, device=values.device)
    return middle[position].double() / (len(values) - 1)

"""How do two clips become one training clip with a label in between?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, kw_only=True)
class ClipMixer:
    """MixUp (Zhang et al. 2018, arXiv:1710.09412) and CutMix (Yun et al. 2019, arXiv:1905.04899) of whole clips.

    MixUp blends each clip with a partner, CutMix pastes a box of the partner. Strength and box are drawn once per
    batch and hold for all frames: a box that jumped about would itself look like a forgery. (torchvision's and timm's
    versions know neither a mask nor a generator.)

    Clips may differ in length. A frame is mixed where both clips have one; where the partner has none, the clip's
    own frame stays as it is. The mask doesn't change. The label says what is there to be seen: its share of
    the partner is the partner's share of the pixels in the clip's real frames.

    Args:
        mixup_alpha: MixUp's strength is drawn from Beta(alpha, alpha); 0 leaves MixUp out.
        cutmix_alpha: the same for CutMix's box. With both, each batch draws one of them, at even odds; with neither,
            nothing is mixed.
        probability: share of batches that are mixed.
    """

    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.mixup_alpha < 0 or self.cutmix_alpha < 0 or not 0 <= self.probability <= 1:
            raise ValueError(f"{self}: alphas must not be negative, and the probability must lie in [0, 1]")

    def __call__(
        self, clips: torch.Tensor, mask: torch.Tensor, target: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mixes a batch, or leaves it; the input isn't changed.

        Args:
            clips: ``[B, T, 3, H, W]`` float.
            mask: ``[B, T] bool``, True for a real frame.
            target: P(fake), ``[B]`` float.
            generator: decides everything that is drawn; on the CPU.

        Returns:
            clips, mask and target, of the same shapes. A batch of one has no partners and comes back as it is.
        """
        # torch draws no Beta from a generator: one number from it seeds numpy's.
        rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        alphas = [("mixup", self.mixup_alpha), ("cutmix", self.cutmix_alpha)]
        choices = [(kind, alpha) for kind, alpha in alphas if alpha > 0]
        if len(clips) < 2 or not choices or rng.random() >= self.probability:
            return clips, mask, target
        kind, alpha = choices[rng.integers(len(choices))]
        kept = float(rng.beta(alpha, alpha))
        height, width = clips.shape[-2:]
        taken = torch.full((height, width), 1 - kept) if kind == "mixup" else _box(height, width, 1 - kept, rng)
        # A shift pairs every clip with another one, which a permutation doesn't: half of those of two clips are idle.
        shift = int(rng.integers(1, len(clips)))
        return _mix(clips, mask, target, taken, shift)


def _box(height: int, width: int, area: float, rng: np.random.Generator) -> torch.Tensor:
    """1 in a box, 0 elsewhere, ``[H, W]``: ``area`` of the frame, its centre anywhere, what sticks out cut off."""
    half_height, half_width = height * area**0.5 / 2, width * area**0.5 / 2
    y, x = rng.uniform(0, height), rng.uniform(0, width)
    top, bottom = np.clip(np.rint([y - half_height, y + half_height]), 0, height).astype(int)
    left, right = np.clip(np.rint([x - half_width, x + half_width]), 0, width).astype(int)
    box = torch.zeros(height, width)
    box[top:bottom, left:right] = 1
    return box


def _mix(
    clips: torch.Tensor, mask: torch.Tensor, target: torch.Tensor, taken: torch.Tensor, shift: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mixes each clip with the one ``shift`` places before it; ``taken``, ``[H, W]``, is the partner's share."""
    both = mask & mask.roll(shift, 0)
    mixed = torch.lerp(clips, clips.roll(shift, 0), taken.to(clips))
    share = taken.mean().to(target) * both.sum(dim=1) / mask.sum(dim=1)
    return (
        torch.where(both[:, :, None, None, None], mixed, clips),
        mask,
        torch.lerp(target, target.roll(shift, 0), share),
    )

"""How is a training clip varied? Named recipes: which steps, in which order, how often.

Every step draws once per clip, so that all frames are turned, lit and compressed alike; only noise is fresh in each
frame. ``chance`` is the share of clips that a step falls on. Forgery traces are subtle, and so a quarter of the clips is
*spared*: their steps marked "damage" are left out. Taken together, 34 % of the clips under ``standard`` and 29 % under
``strong`` suffer no damage.

========== ======== ======== ====== ===============================================================
step       standard strong   damage range
========== ======== ======== ====== ===============================================================
flip       .5       .5              left to right
pose       .5       .5              shift by 6 % of the side, scale 0.9-1.1, rotation by 10 degrees
elastic    --       .2              smooth field of displacements, up to 1.5 % of the side
tone       .5       .5              brightness, contrast 0.8-1.2, gamma 0.8-1.25
chroma     .5       .5              saturation 0.8-1.2, hue by 10 degrees
clahe      --       .2       yes    clip limit 1-3 on luma, 8 x 8 tiles
blur       .3       .3       yes    Gaussian, 0.4-1.5 pixels
downscale  --       .4       yes    to 0.5-0.9 of the side and back
posterise  --       .1       yes    5-7 bits
noise      .4       .4       yes    Gaussian, standard deviation 2-10 grey levels
jpeg       .7       .7       yes    quality 40-100
boxes      .3       .3              1-3 grey boxes with sides of 10-25 % of the frame's
========== ======== ======== ====== ===============================================================

The chance of a damage step counts among clips that are not spared. ``none`` leaves clips as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from deepfake_nn.augment import steps

RecipeName = Literal["none", "standard", "strong"]


@dataclass(frozen=True)
class Stage:
    """A step's place in a recipe.

    Attributes:
        step: what is done to the frames.
        chance: share of clips it falls on; of a damage step: share of the clips that are not spared.
        damage: whether it removes or buries the traces of a forgery.
    """

    step: steps.Step
    chance: float
    damage: bool = False


@dataclass(frozen=True)
class Recipe:
    """A chain of steps that varies a clip; a pure function of the clip and a seed.

    Attributes:
        stages: in the order in which they are applied.
        spared: share of clips that no damage step touches.
    """

    stages: tuple[Stage, ...] = ()
    spared: float = 0.0

    def __call__(self, clip: Tensor, seed: int | Sequence[int]) -> Tensor:
        """The clip, varied. No random generator but its own is read or moved.

        Args:
            clip: ``[T, 3, H, W] uint8 RGB``, on the CPU, left as it is. Frames that lie channels last in memory
                (``torch.from_numpy(hwc).permute(0, 3, 1, 2)``) are not copied first.
            seed: one or more integers >= 0 that name this draw, such as ``(run seed, epoch, position of the clip)``.

        Returns:
            ``[T, 3, H, W] uint8 RGB``, channels last in memory. Where nothing was drawn, it is the clip itself.

        Raises:
            ValueError: the clip has another shape or type.
        """
        if clip.dtype != torch.uint8 or clip.ndim != 4 or clip.shape[1] != 3 or clip.numel() == 0:
            raise ValueError(
                f"a clip of {clip.dtype} with shape {list(clip.shape)} can't be varied; give uint8 RGB frames as "
                "[T, 3, H, W], before they are scaled or normalised"
            )
        rng = np.random.default_rng(seed)
        spared = rng.random() < self.spared
        fallen = rng.random(len(self.stages))
        chosen = [
            stage.step
            for stage, draw in zip(self.stages, fallen, strict=True)
            if draw < stage.chance and not (spared and stage.damage)
        ]
        if not chosen:
            return clip
        frames = np.ascontiguousarray(clip.permute(0, 2, 3, 1).numpy())
        for step in chosen:
            frames = step(frames, rng)
        return torch.from_numpy(frames).permute(0, 3, 1, 2)


_POSE = (Stage(steps.Flip(), 0.5), Stage(steps.Pose(), 0.5))
_COLOUR = (Stage(steps.Tone(), 0.5), Stage(steps.Chroma(), 0.5))
_BLUR = Stage(steps.Blur(), 0.3, damage=True)
_CAMERA = (Stage(steps.Noise(), 0.4, damage=True), Stage(steps.Jpeg(), 0.7, damage=True))
_BOXES = Stage(steps.Boxes(), 0.3)

RECIPES: Mapping[RecipeName, Recipe] = MappingProxyType(
    {
        "none": Recipe(),
        "standard": Recipe((*_POSE, *_COLOUR, _BLUR, *_CAMERA, _BOXES), spared=0.25),
        "strong": Recipe(
            (
                *_POSE,
                Stage(steps.Elastic(), 0.2),
                *_COLOUR,
                Stage(steps.Clahe(), 0.2, damage=True),
                _BLUR,
                Stage(steps.Downscale(), 0.4, damage=True),
                Stage(steps.Posterise(), 0.1, damage=True),
                *_CAMERA,
                _BOXES,
            ),
            spared=0.25,
        ),
    }
)


def recipe(name: RecipeName) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in RECIPES:
        raise ValueError(f"no augmentation is called {name!r}; choose one of {', '.join(get_args(RecipeName))}")
    return RECIPES[name]

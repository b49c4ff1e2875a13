"""In which variants is a clip scored, so that their mean is steadier than one? Test-time augmentation.

A view takes ``[B, T, 3, H, W]`` (or any ``[..., 3, H, W]``) float in [0, 1], before normalisation, and returns the same
shape, clamped to [0, 1]. No view draws anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from torch import Tensor
from torchvision.transforms.v2 import functional

View = Callable[[Tensor], Tensor]

BRIGHTNESS = 15 / 255
GAIN = 0.15
KEPT = 0.93
"""Share of the side that the centre crop keeps."""

BINOMIAL = (2 * math.log(2)) ** -0.5
"""Standard deviation, in pixels, at which three Gaussian taps are 1/4, 1/2, 1/4."""


def _as_is(clips: Tensor) -> Tensor:
    return clips


def _shift(clips: Tensor, *, by: float) -> Tensor:
    return (clips + by).clamp(0, 1)


def _scale(clips: Tensor, *, by: float) -> Tensor:
    return (clips * by).clamp(0, 1)


def _blur(clips: Tensor) -> Tensor:
    return functional.gaussian_blur(clips, kernel_size=[3, 3], sigma=[BINOMIAL, BINOMIAL])


def _centre(clips: Tensor) -> Tensor:
    height, width = clips.shape[-2:]
    crop = functional.center_crop(clips, [round(KEPT * height), round(KEPT * width)])
    return functional.resize(crop, [height, width], antialias=True).clamp(0, 1)


VIEWS: Mapping[str, View] = MappingProxyType(
    {
        "identity": _as_is,
        "flip": functional.horizontal_flip,
        "brighter": partial(_shift, by=BRIGHTNESS),
        "darker": partial(_shift, by=-BRIGHTNESS),
        "gain_up": partial(_scale, by=1 + GAIN),
        "gain_down": partial(_scale, by=1 - GAIN),
        "blur": _blur,
        "crop": _centre,
    }
)
"""Every view by name."""

VIEW_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "none": ("identity",),
        "efficientnet": ("identity", "flip", "brighter", "darker", "blur"),
        "frames": ("identity", "flip", "gain_up", "gain_down", "blur", "crop"),
    }
)
"""The published sets: EfficientNet's five, and the six that Xception and Swin share."""


def views(name: str) -> Mapping[str, View]:
    """The views of a set, by name, in order.

    Raises:
        ValueError: no set has that name.
    """
    if name not in VIEW_SETS:
        raise ValueError(f"no set of views is called {name!r}; choose one of {', '.join(VIEW_SETS)}")
    return {view: VIEWS[view] for view in VIEW_SETS[name]}

"""Which losses of quality is a detector put through, and how strong are they?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from deepfake_core.contract.errors import UsageError
from deepfake_core.contract.settings import names_in
from deepfake_core.stress import corruptions
from deepfake_core.stress.encoding import NEARLY_LOSSLESS, Encoding, h264

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfake_core.data.video import Frame

Change: TypeAlias = "Callable[[Iterator[Frame], float, np.random.Generator], Iterator[Frame]]"
"""From a video's frames, a level, and what draws chances, to the frames that are left of them."""

CONTROL = "control"
"""The kind that changes nothing: what reading and writing a video alone does."""


@dataclass(frozen=True)
class Kind:
    """A loss of quality.

    Attributes:
        title: a few words.
        levels: numbers, from mild to strong.
        unit: format of a level.
        change: what happens to the frames.
        encoding: how they are written.
    """

    title: str
    levels: tuple[float, ...]
    unit: str
    change: Change
    encoding: Callable[[float], Encoding] = lambda _: NEARLY_LOSSLESS


@dataclass(frozen=True)
class Corruption:
    """A kind at a level."""

    kind: str
    level: float

    @property
    def name(self) -> str:
        """For tables: ``blur 2``."""
        return f"{self.kind} {self.level:g}"

    @property
    def shown(self) -> str:
        """For people: ``sigma 2 px``."""
        return KINDS[self.kind].unit.format(self.level)

    def changed(self, frames: Iterator[Frame], seed: int) -> Iterator[Frame]:
        """The frames that are left; equal seeds leave the same."""
        return KINDS[self.kind].change(frames, self.level, np.random.default_rng(seed))

    @property
    def encoding(self) -> Encoding:
        """How they are written."""
        return KINDS[self.kind].encoding(self.level)


def _unchanged(frames: Iterator[Frame], level: float, random: np.random.Generator) -> Iterator[Frame]:
    return frames


def _each(
    corrupt: Callable[[NDArray[np.uint8], float], NDArray[np.uint8]],
    frames: Iterator[Frame],
    level: float,
    random: np.random.Generator,
) -> Iterator[Frame]:
    return (replace(frame, rgb=corrupt(frame.rgb, level)) for frame in frames)


def _noisy(frames: Iterator[Frame], level: float, random: np.random.Generator) -> Iterator[Frame]:
    return (replace(frame, rgb=corruptions.noisy(frame.rgb, level, random)) for frame in frames)


def _jpeg(rgb: NDArray[np.uint8], level: float) -> NDArray[np.uint8]:
    return corruptions.jpeg(rgb, round(level))


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        CONTROL: Kind("written anew, nothing else", (0,), "unchanged", _unchanged),
        "h264": Kind("H.264", (23, 32, 40), "CRF {:g}", _unchanged, h264),
        "jpeg": Kind("JPEG, frame by frame", (75, 50, 25), "quality {:g}", partial(_each, _jpeg)),
        "resize": Kind("scaled down and up", (0.75, 0.5, 0.25), "to {:.0%}", partial(_each, corruptions.shrunk)),
        "blur": Kind("Gaussian blur", (1, 2, 4), "sigma {:g} px", partial(_each, corruptions.blurred)),
        "noise": Kind("Gaussian noise", (5, 10, 20), "sigma {:g} of 255", _noisy),
        "darker": Kind("brightness, less", (0.8, 0.6, 0.4), "times {:g}", partial(_each, corruptions.lit)),
        "brighter": Kind("brightness, more", (1.25, 1.5, 2), "times {:g}", partial(_each, corruptions.lit)),
        "drop": Kind("frames left out", (0.1, 0.3, 0.5), "{:.0%} of frames", corruptions.thinned),
    }
)
"""By name. The CRFs are those of FaceForensics++'s c23 and c40 and one between them."""


def sweep(kinds: str) -> tuple[Corruption, ...]:
    """All levels of some kinds, and the control.

    Args:
        kinds: names, separated by commas; ``all`` for all.

    Raises:
        UsageError: no such kind.
    """
    asked = list(KINDS) if kinds.strip() == "all" else names_in(kinds)
    unknown = sorted(set(asked) - set(KINDS))
    if unknown or not asked:
        raise UsageError(
            f"there is no corruption {', '.join(unknown) or repr(kinds)}.",
            hint=f"there are {', '.join(KINDS)}; or all.",
        )
    return tuple(
        Corruption(name, level) for name, kind in KINDS.items() if name in (CONTROL, *asked) for level in kind.levels
    )

"""Which clips does the set hold? The cast list: every take once as it was filmed and once forged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from deepfake_demo_dataset.people import CASTS, DEMO, drawn

if TYPE_CHECKING:
    from deepfake_demo_dataset.forge import PulseKind, Recipe
    from deepfake_demo_dataset.studio import Take

REAL_METHOD = "real"
FORGERIES = ("faceswap", "reenactment", "selfblend")
METHODS = (REAL_METHOD, *FORGERIES)

_RATES = (Fraction(25), Fraction(30), Fraction(30000, 1001))
_CRFS = (16, 18, 20)
_PULSES: dict[str, tuple[PulseKind, ...]] = {
    "faceswap": ("lost", "donor", "lost", "mixed"),
    "reenactment": ("lost", "mixed", "lost", "own"),
    "selfblend": ("own", "mixed", "lost", "mixed"),
}


@dataclass(frozen=True)
class Clip:
    """One video of a set.

    Attributes:
        dataset: the set's name.
        method: ``real`` or one of ``FORGERIES``.
        take: what was filmed.
        number: of the take among the person's takes, from 1.
        other: take of the person whose face or expression a fake borrows, at the target's frame rate and length.
        recipe: how well a fake is made.
    """

    dataset: str
    method: str
    take: Take
    number: int
    other: Take | None = None
    recipe: Recipe | None = None

    @property
    def video_id(self) -> str:
        """``<dataset>__<method>__<target>[_<other>]_<number>``."""
        return "__".join((self.dataset, self.method, "_".join((*self.identities, str(self.number)))))

    @property
    def identities(self) -> tuple[str, ...]:
        """Everybody whose face or expression is in it, the one who was filmed first."""
        return (self.take.who,) if self.other is None else (self.take.who, self.other.who)


def cast(dataset: str = DEMO, limits: Mapping[str, int] | None = None) -> tuple[Clip, ...]:
    """All clips of a data set, or the first ones of each method that ``limits`` caps."""
    taken = Counter[str]()
    chosen = []
    for clip in _all(dataset):
        taken[clip.method] += 1
        if taken[clip.method] <= (limits or {}).get(clip.method, taken[clip.method]):
            chosen.append(clip)
    return tuple(chosen)


@cache
def _all(dataset: str) -> tuple[Clip, ...]:
    reals = tuple(_reals(dataset))
    return reals + tuple(_fakes(dataset, {clip.take.seed: clip for clip in reals}))


def _names(dataset: str) -> list[tuple[str, int]]:
    """Person and number of every take: of a pair, the first is filmed twice and the second once, 24 takes in all."""
    return [(who, number) for number in (1, 2) for who in CASTS[dataset][::number]]


def _reals(dataset: str) -> Iterator[Clip]:
    from deepfake_demo_dataset.studio import Take

    names = _names(dataset)
    count = len(names)
    value = {trait: _spread(dataset, "takes", trait, count) for trait in (
        "fps", "seconds", "bpm", "strength", "liveliness", "talks", "noise", "softness", "crf")}  # fmt: skip
    for place, (who, number) in enumerate(names):
        share = {trait: float(values[place]) for trait, values in value.items()}
        weak = share["strength"] < 0.2
        yield Clip(
            dataset,
            REAL_METHOD,
            Take(
                who=who,
                seed=f"{who}_{number}",
                fps=_RATES[int(share["fps"] * len(_RATES))],
                seconds=8.0 + 0.5 * share["seconds"],
                bpm=52 + 56 * share["bpm"],
                strength=0.004 if weak else 0.008 + 0.014 * (share["strength"] - 0.2) / 0.8,
                liveliness=share["liveliness"],
                talks=0.9 * share["talks"],
                noise=1.0 + 1.6 * share["noise"],
                softness=0.3 + 0.5 * share["softness"],
                crf=_CRFS[int(share["crf"] * len(_CRFS))],
            ),
            number,
        )


def _fakes(dataset: str, reals: Mapping[str, Clip]) -> Iterator[Clip]:
    """Each real take forged once; pairs of people take turns in method and roles."""
    from deepfake_demo_dataset.forge import Recipe

    people = CASTS[dataset]
    plan = [
        (FORGERIES[(place + place // 3) % 3], who, number)
        for place, (who, number) in enumerate(sorted(_names(dataset)))
    ]
    for method in FORGERIES:
        chosen = [(who, number) for planned, who, number in plan if planned == method]
        value = {trait: _spread(dataset, method, trait, len(chosen)) for trait in (
            "resolution", "jitter", "flicker", "feather", "colour", "grain", "pulse")}  # fmt: skip
        for place, (who, number) in enumerate(chosen):
            share = {trait: float(values[place]) for trait, values in value.items()}
            take = reals[f"{who}_{number}"].take
            partner = reals[f"{people[people.index(who) ^ 1]}_1"].take
            pulses = _PULSES[method]
            yield Clip(
                dataset,
                method,
                take,
                number,
                None if method == "selfblend" else replace(partner, fps=take.fps, seconds=take.seconds),
                Recipe(
                    resolution=28 + 40 * share["resolution"],
                    jitter=0.15 + 0.6 * share["jitter"],
                    flicker=0.002 + 0.006 * share["flicker"],
                    feather=1.5 + 4.5 * share["feather"],
                    colour=0.25 * share["colour"] if method == "faceswap" else share["colour"],
                    grain=0.6 * share["grain"],
                    pulse=pulses[int(share["pulse"] * len(pulses))],
                ),
            )


def _spread(dataset: str, what: str, trait: str, count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """``count`` values spread evenly over [0, 1), in an order of their own for each trait."""
    return (drawn(dataset, what, trait).permutation(count) + 0.5) / count

"""Who is in a data set? Sixteen invented people: their shape, skin, hair, clothes, room and light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from deepfake_demo_dataset.portrait import WIDTH, Image, Points, Portrait
from deepfake_demo_dataset.seeds import rng

DEMO, OTHERS = "demo", "demo_others"

CASTS = {
    DEMO: tuple(f"p{number:02d}" for number in range(1, 17)),
    OTHERS: tuple(f"p{number}" for number in range(17, 33)),
}
"""The people of each data set. p01 and p02 swap faces with each other only, so do p03 and p04, and so on: eight groups
without a shared person in each."""

Colour = tuple[float, float, float]


def drawn(dataset: str, *names: str) -> np.random.Generator:
    """A generator that depends on names and, unless it is the first one, the data set."""
    return rng(*names) if dataset == DEMO else rng(dataset, *names)


_SKIN: tuple[Colour, ...] = (
    (222, 178, 156), (206, 158, 132), (184, 134, 106), (150, 104, 80),
    (228, 190, 172), (198, 150, 118), (168, 118, 90), (128, 88, 68),
)  # fmt: skip
_HAIR: tuple[Colour, ...] = (
    (66, 50, 42), (158, 128, 92), (40, 36, 38), (116, 86, 62),
    (172, 168, 164), (92, 66, 50), (128, 78, 54), (54, 46, 44),
)  # fmt: skip
_SHIRT: tuple[Colour, ...] = (
    (44, 62, 96), (142, 46, 50), (60, 92, 70), (196, 190, 178),
    (88, 88, 96), (176, 138, 70), (104, 70, 120), (40, 42, 46),
)  # fmt: skip
_WALL: tuple[Colour, ...] = (
    (176, 182, 188), (120, 132, 126), (196, 182, 160), (98, 110, 132),
    (150, 128, 116), (208, 206, 200), (84, 92, 90), (164, 152, 170),
)  # fmt: skip

SHAPE = (
    "face_width", "jaw_width", "chin_length", "eye_distance", "eye_size", "eye_tilt", "brow_height", "nose_width",
    "nose_length", "mouth_width", "mouth_height", "lip_fullness", "hairline", "hair_width", "hair_height", "smile",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """One invented person.

    Attributes:
        name: ``p01`` to ``p32``.
        shape: deviation of each trait in ``SHAPE`` from the average face, -1 to 1.
        skin, hair, shirt, wall: mean colours, RGB 0-255.
        cut: how far short hair stands off the face, pixels; None is the portrait's own bob.
        long_hair: falls behind the neck to the shoulders.
        beard: how dark it is, 0-1.
        brow: how dark and thick the brows are, 0-1.
        lip: tint of the lips, 0-1.
        mirrored: parting on the other side.
        light: direction of the stronger light, rad; strength -1 to 1 across the frame.
        warmth: colour of the light, -1 blue to 1 amber.
        mouth_rest: 0 lips closed, 1 as open as in the portrait.
    """

    name: str
    shape: dict[str, float]
    skin: Colour
    hair: Colour
    shirt: Colour
    wall: Colour
    cut: float | None
    long_hair: bool
    beard: float
    brow: float
    lip: float
    mirrored: bool
    light: tuple[float, float]
    warmth: float
    mouth_rest: float


@cache
def person(name: str) -> Person:
    """The person called ``name``."""
    dataset, place = next((dataset, people.index(name)) for dataset, people in CASTS.items() if name in people)
    # The same colours in other company, or everybody of the second cast would have a twin in the first.
    other = 3 * (dataset != DEMO)
    pair, second = divmod(place, 2)

    def spread(trait: str) -> float:
        return _spread(dataset, trait, place)

    beard = not second and pair % 2 == 0
    short = beard or place % 4 == 3
    return Person(
        name=name,
        shape={trait: spread(trait) for trait in SHAPE},
        skin=_SKIN[(place * 3 + pair + other) % 8],
        hair=_HAIR[(place * 5 + 2) % 8],
        shirt=_SHIRT[(place * 3 + 1 + pair // 4 + 2 * other) % 8],
        wall=_WALL[(place * 5 + pair + 3 * other) % 8],
        cut=10 + 6 * spread("cut") if short else None,
        long_hair=not short and place % 3 != 0,
        beard=0.5 + 0.3 * spread("beard") if beard else 0.0,
        brow=0.5 + 0.5 * spread("brow"),
        lip=0.0 if beard else 0.5 + 0.5 * spread("lip"),
        mirrored=pair % 2 == 1,
        light=(np.pi * spread("direction"), 0.16 + 0.12 * spread("light")),
        warmth=spread("warmth"),
        mouth_rest=max(0.0, spread("mouth")),
    )


def _spread(dataset: str, trait: str, place: int) -> float:
    """Evenly spread over -1 to 1 among a data set's people, in an order that differs from trait to trait."""
    count = len(CASTS[dataset])
    return float(np.linspace(-1, 1, count)[drawn(dataset, "people", trait).permutation(count)[place]])


@dataclass(frozen=True)
class _Bump:
    """A local change of shape: a shift and a stretch about ``centre`` that fades like a Gaussian of ``size``."""

    centre: tuple[float, float]
    size: tuple[float, float]
    shift: tuple[float, float] = (0.0, 0.0)
    stretch: tuple[float, float] = (1.0, 1.0)


class Shape:
    """The map between a person's face and the neutral face.

    The backward map (person to neutral) is a sum of smooth bumps, so that a whole picture is warped in one go; the
    forward map solves it by fixed-point iteration, which converges because no bump is steeper than its own size.
    """

    def __init__(self, who: Person, portrait: Portrait) -> None:
        self._bumps = _bumps(who.shape, portrait)

    def to_neutral(self, points: Points | Image) -> Image:
        """Where in the neutral frame the points ``[..., 2]`` of this person's frame come from."""
        points = np.asarray(points, np.float32)
        moved = points.copy()
        for bump in self._bumps:
            offset = points - np.float32(bump.centre)
            fade = np.exp(-0.5 * np.square(offset / np.float32(bump.size)).sum(axis=-1, keepdims=True))
            moved += fade * (offset * np.float32(1 / np.array(bump.stretch) - 1) - np.float32(bump.shift))
        return moved

    def from_neutral(self, points: Points | Image) -> Image:
        """Where in this person's frame the points ``[..., 2]`` of the neutral frame come to lie."""
        points = np.asarray(points, np.float32)
        found = points.copy()
        for _ in range(40):
            found += 0.7 * (points - self.to_neutral(found))
        return found


def _bumps(shape: dict[str, float], portrait: Portrait) -> tuple[_Bump, ...]:
    middle = WIDTH / 2
    mark = portrait.landmarks
    mouth, nose, chin = mark[[13, 14]].mean(axis=0), mark[1], mark[152]
    brow_y = mark[[105, 334], 1].mean()
    bumps = [
        _Bump((middle, 165), (90, 130), stretch=(1 + 0.07 * shape["face_width"], 1.0)),
        _Bump((middle, 225), (62, 30), stretch=(1 + 0.15 * shape["jaw_width"], 1.0)),
        _Bump((middle, chin[1] + 2), (52, 20), shift=(0, 2 + 6 * shape["chin_length"])),
        _Bump((nose[0], nose[1]), (19, 18), stretch=(1 + 0.24 * shape["nose_width"], 1.0)),
        _Bump((nose[0], nose[1]), (17, 17), shift=(0, 4.5 * shape["nose_length"])),
        _Bump((mouth[0], mouth[1]), (34, 15), stretch=(0.95 + 0.15 * shape["mouth_width"], 1.0)),
        _Bump((mouth[0], mouth[1]), (40, 17), shift=(0, 4 * shape["mouth_height"])),
        _Bump((mouth[0], mouth[1]), (24, 12), stretch=(1.0, 1.05 + 0.2 * shape["lip_fullness"])),
        _Bump((middle, brow_y - 26), (70, 17), shift=(0, -14 - 5 * shape["hairline"])),
        _Bump((middle, 40), (95, 42), shift=(0, 5 - 9 * shape["hair_height"])),
    ]
    for side, eye, brow, corner in zip((-1, 1), portrait.eyes, mark[[105, 334]], mark[[61, 291]], strict=True):
        tilt = 2.2 * side * shape["eye_tilt"]
        bumps += [
            _Bump((eye[0], eye[1] - 6), (26, 24), shift=(side * 5.5 * shape["eye_distance"], 0)),
            _Bump((eye[0], eye[1]), (19, 11), stretch=(1 + 0.1 * shape["eye_size"], 1 + 0.18 * shape["eye_size"])),
            _Bump((eye[0] + 14, eye[1]), (12, 14), shift=(0, -tilt)),
            _Bump((eye[0] - 14, eye[1]), (12, 14), shift=(0, tilt)),
            _Bump((brow[0], brow[1]), (30, 9), shift=(0, 1 - 4 * shape["brow_height"])),
            _Bump((corner[0], corner[1]), (15, 15), shift=(side * shape["smile"], 2.5 - 2.5 * shape["smile"])),
            _Bump((middle + side * 102, 140), (26, 48), shift=(side * (9 * shape["hair_width"] - 8), 0)),
        ]
    return tuple(bumps)

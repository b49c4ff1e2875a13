"""How is a real take forged? Three manipulations, each of frames that a real camera has just filmed.

A forger sees finished frames: the forged face is drawn apart, with its own colour, sharpness, grain and small errors of
alignment, then blended into the frame. Nothing outside the face changes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from deepfake_demo_dataset.motion import Pose, wander
from deepfake_demo_dataset.people import Shape, person
from deepfake_demo_dataset.portrait import HEIGHT, WIDTH, Image, grid, load
from deepfake_demo_dataset.seeds import rng
from deepfake_demo_dataset.studio import Studio, Window

PulseKind = Literal["own", "lost", "donor", "mixed"]
"""Whose blood shows in the face: the filmed person's, nobody's, the other person's, or the person's own weakened."""


_REACH = 32
"""How far a face moves in a clip at most, pixels."""

KEPT: dict[PulseKind, float] = {"own": 1.0, "lost": 0.0, "donor": 1.0, "mixed": 0.35}
"""Share of that pulse's strength."""


@dataclass(frozen=True)
class Recipe:
    """How well a fake is made.

    Attributes:
        resolution: width of the forged face before it is enlarged, pixels.
        jitter: error of alignment from frame to frame, pixels.
        flicker: of the forged texture, share of brightness.
        feather: softness of the mask's edge, pixels.
        colour: share of the colour difference that is left, 0-1.
        grain: share of the sensor's noise that the forger puts back, 0-1.
        pulse: whose blood shows.
    """

    resolution: float
    jitter: float
    flicker: float
    feather: float
    colour: float
    grain: float
    pulse: PulseKind


class Forger(ABC):
    """Forges the frames of one take, in order.

    Args:
        target: who is filmed.
        recipe: how well it is made.
        seed: name of the fake.
        where: the part of the resting face that is forged, ``[H, W]``; the inner face if None.
    """

    def __init__(self, target: Studio, recipe: Recipe, seed: str, where: Image | None = None) -> None:
        self.target = target
        self.recipe = recipe
        self.random = rng(seed, "forge")
        self.mask = _feathered(target.look.inner if where is None else where, recipe.feather)
        self.window = _around(self.mask)
        times = target.times
        steps = len(times)
        slow = wander(self.random, times, 0.5, channels=4)
        self._error = recipe.jitter * (0.6 * slow + 0.5 * self.random.standard_normal((steps, 4)))

    @abstractmethod
    def forge(self, frame: int, image: Image) -> Image:
        """The frame ``image`` ``[H, W, 3]`` with another face in it."""

    def misaligned(self, pose: Pose, frame: int) -> Pose:
        """The pose as the forger's landmark detector sees it."""
        x, y, roll, scale = self._error[frame]
        return replace(
            pose, shift=pose.shift + np.array([x, y]), roll=pose.roll + 0.006 * roll, scale=pose.scale + 0.004 * scale
        )

    def blended(self, frame: int, image: Image, texture: Image, pose: Pose) -> Image:
        """Draws a resting texture over the frame, in the given pose and the light of the scene.

        Args:
            frame: its number.
            image: ``[H, W, 3]``, left as it is.
            texture: colour times coverage, and coverage, ``[H, W, 4]``.
            pose: of the texture.
        """
        layer = self.target.project(texture, pose, self.window)
        part = image[self.window]
        colour, cover = self.target.lit(layer[:, :, :3], frame, self.window), layer[:, :, 3:]
        noise = self.target.grain(part, frame, self.window) * np.float32(self.recipe.grain)
        out = image.copy()
        out[self.window] = np.clip(part * (1 - cover) + colour + noise * cover, 0, 255)
        return out


class Redrawn(Forger):
    """A forged face that is drawn anew: a texture with some blood in it, whose brightness wavers.

    Args:
        target: who is filmed.
        other: whose face or expression it takes, filmed at the same times.
        texture: the forged face at rest, in the target's frame, ``[H, W, 3]``.
        recipe: how well it is made.
        seed: name of the fake.
        where: as in ``Forger``.
    """

    def __init__(
        self, target: Studio, other: Studio, texture: Image, recipe: Recipe, seed: str, where: Image | None = None
    ) -> None:
        super().__init__(target, recipe, seed, where)
        texture = _narrowed(texture, self.mask, recipe.resolution)
        blood = target.look.blood / np.maximum(target.look.texture[:, :, :3], 1) * texture
        heart = other if recipe.pulse == "donor" else target
        strength = KEPT[recipe.pulse] * heart.take.strength
        wave = strength * np.stack([heart.pulse.early, heart.pulse.late], axis=1)
        patches = _patches(self.random) * recipe.flicker * texture
        waver = 0.7 * wander(self.random, target.times, 0.4, channels=3)
        waver = waver + 0.5 * self.random.standard_normal(waver.shape)
        # A frame's texture is a weighted sum of these six, because all that changes is linear.
        self._parts = self._covered(np.concatenate([texture[None], blood, patches]), self.mask)
        self._weights = np.column_stack([np.ones(len(wave)), wave, waver]).astype(np.float32)

    @abstractmethod
    def expression(self, frame: int) -> Pose:
        """The target's pose with the expression that the forger gives it."""

    def forge(self, frame: int, image: Image) -> Image:
        """Blends the redrawn face in."""
        texture = (self._weights[frame] @ self._parts).reshape(HEIGHT, WIDTH, 4)
        return self.blended(frame, image, texture, self.misaligned(self.expression(frame), frame))

    @staticmethod
    def _covered(parts: Image, mask: Image) -> Image:
        """``[P, H, W, 3]`` times the mask, with the mask as coverage of the first: ``[P, H * W * 4]``."""
        cover = np.zeros((*parts.shape[:3], 1), np.float32)
        cover[0] = mask[:, :, None]
        return np.concatenate([parts * mask[:, :, None], cover], axis=-1, dtype=np.float32).reshape(len(parts), -1)


class Faceswap(Redrawn):
    """The other person's inner face, fitted to the target's shape, through a narrow generator."""

    def __init__(self, target: Studio, other: Studio, recipe: Recipe, seed: str) -> None:
        import cv2

        fit = _fit(target, other)
        donor = cv2.remap(other.look.texture[:, :, :3], fit, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        both = np.minimum(target.look.inner, cv2.remap(other.look.inner, fit, None, cv2.INTER_LINEAR))
        own = target.look.texture[:, :, :3]
        texture = _recoloured(donor, own, both * target.look.skin, left=recipe.colour)
        super().__init__(target, other, texture, recipe, seed, both)

    def expression(self, frame: int) -> Pose:
        """The target's own, copied a little too weakly."""
        pose = self.target.motion.at(frame)
        return replace(pose, blink=0.92 * pose.blink, smile=0.7 * pose.smile, brow=0.5 * pose.brow)


class Reenactment(Redrawn):
    """The target's own face with the other person's expression."""

    def __init__(self, target: Studio, other: Studio, recipe: Recipe, seed: str) -> None:
        super().__init__(target, other, target.look.texture[:, :, :3], recipe, seed)
        self._driver = other.motion

    def expression(self, frame: int) -> Pose:
        """The driver's eyes and mouth on the target's head."""
        driver = self._driver.at(frame)
        pose = self.target.motion.at(frame)
        return replace(pose, blink=driver.blink, jaw=driver.jaw, smile=driver.smile, brow=driver.brow)


class Selfblend(Forger):
    """The filmed face over itself, slightly shifted, tinted and filtered. The blood stays, or is averaged away."""

    def __init__(self, target: Studio, recipe: Recipe, seed: str) -> None:
        super().__init__(target, recipe, seed)
        self._mask = np.repeat(self.mask[:, :, None], 4, axis=-1)
        self._tint = 1 + recipe.colour * self.random.choice((-1, 1), 3) * self.random.uniform(0.02, 0.06, 3)
        self._shift = self.random.uniform(1.0, 2.5, 2) * self.random.choice((-1, 1), 2)
        self._sharpen = self.random.uniform() < 0.5
        self._scale = 1 + self.random.uniform(0.006, 0.018) * self.random.choice((-1, 1))
        self._undo = (1 - KEPT[recipe.pulse]) * target.take.strength * target.pulse.early
        self._blood = np.dstack([-target.look.blood.sum(axis=0), self.mask])

    def forge(self, frame: int, image: Image) -> Image:
        """Blends an altered copy of the face over the face."""
        import cv2

        soft = cv2.GaussianBlur(image, (0, 0), 1.1)
        copy = image + (0.7 if self._sharpen else -1.0) * (image - soft) * (1 - self.recipe.resolution / 160)
        if self._undo.any():
            blood = self.target.project(self._blood, self.target.motion.at(frame), self.window)[:, :, :3]
            copy[self.window] += self.target.lit(blood, frame, self.window) * np.float32(self._undo[frame])
        x, y, *_ = self._error[frame]
        centre = self.target.look.landmarks[4]
        moved = np.array([[self._scale, 0, 0], [0, self._scale, 0]])
        moved[:, 2] = centre * (1 - self._scale) + self._shift + (x, y)
        copy = cv2.warpAffine(copy * np.float32(self._tint), moved, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        cover = self.target.project(self._mask, self.target.motion.at(frame), self.window)[:, :, 3:]
        out = image.copy()
        out[self.window] = np.clip(image[self.window] * (1 - cover) + copy[self.window] * cover, 0, 255)
        return out


def _around(mask: Image) -> Window:
    """The part of the frame that the mask can reach when the head moves."""
    rows, columns = (np.flatnonzero(mask.max(axis=axis) > 0) for axis in (1, 0))
    return (
        slice(max(rows[0] - _REACH, 0), min(rows[-1] + _REACH, HEIGHT)),
        slice(max(columns[0] - _REACH, 0), min(columns[-1] + _REACH, WIDTH)),
    )


def _feathered(mask: Image, feather: float) -> Image:
    """Softens the edge inwards, so that the mask doesn't grow."""
    import cv2

    size = 2 * round(feather) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.GaussianBlur(cv2.erode(mask, kernel), (0, 0), feather / 2 + 0.3), np.float32)


def _fit(target: Studio, other: Studio) -> Image:
    """Where on the other's resting face each pixel of the target's lies, ``[H, W, 2]``. Both are mirrored alike."""
    import cv2

    portrait = load()
    coarse = grid()[::4, ::4]
    flip = target.look.mirrored
    points = np.stack([WIDTH - 1 - coarse[:, :, 0], coarse[:, :, 1]], axis=-1) if flip else coarse
    neutral = Shape(person(target.take.who), portrait).to_neutral(points)
    there = Shape(person(other.take.who), portrait).from_neutral(neutral)
    if flip:
        there[:, :, 0] = WIDTH - 1 - there[:, :, 0]
    shift = cv2.resize(there - coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    # cv2.resize centres pixels on halves: coarse pixel k lies at 4 k, not at 4 k + 1.5.
    centred = cv2.warpAffine(
        shift, np.array([[1, 0, -1.5], [0, 1, -1.5]]), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE
    )
    return grid() + centred


def _recoloured(donor: Image, own: Image, where: Image, *, left: float) -> Image:
    """Gives ``donor`` the mean and spread of ``own`` per channel, but for the share ``left``."""

    def statistics(image: Image) -> tuple[Image, Image]:
        mean = (image * where[:, :, None]).sum(axis=(0, 1)) / where.sum()
        return mean, np.sqrt((np.square(image - mean) * where[:, :, None]).sum(axis=(0, 1)) / where.sum())

    (mean, spread), (own_mean, own_spread) = statistics(donor), statistics(own)
    matched = (donor - mean) * (own_spread / spread) + own_mean
    return np.asarray(np.clip(matched + left * (donor - matched), 0, 255), np.float32)


def _narrowed(texture: Image, mask: Image, resolution: float) -> Image:
    """What is left after the face went through ``resolution`` pixels of width."""
    import cv2

    wide = float(np.ptp(np.flatnonzero(mask.max(axis=0) > 0.02)))
    share = min(resolution / wide, 1.0)
    small = cv2.resize(texture, (round(WIDTH * share), round(HEIGHT * share)), interpolation=cv2.INTER_AREA)
    return np.clip(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0, 255)


def _patches(random: np.random.Generator) -> Image:
    """Three smooth fields of unit spread, ``[3, H, W, 1]``."""
    import cv2

    coarse = random.standard_normal((3, HEIGHT // 8, WIDTH // 8)).astype(np.float32)
    smooth = [cv2.GaussianBlur(field, (0, 0), 1.2) for field in coarse]
    fields = np.stack([cv2.resize(field, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for field in smooth])
    return (fields / fields.std())[:, :, :, None]

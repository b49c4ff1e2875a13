"""What can be done to the frames of a clip? Steps that each draw once and treat all frames alike.

A step takes ``[T, H, W, 3] uint8 RGB``, contiguous, and a random generator, and returns new frames of the same shape;
what it was given stays as it is. Its fields are the ranges from which it draws, ends included.
The pixel work is OpenCV's, on uint8.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Range = tuple[float, float]

TO_YCC = np.array([(0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)])
"""RGB to luma, blue and red difference (ITU-R BT.601, as in JPEG)."""

SHARP = cv2.INTER_CUBIC
"""Resampling of turned frames. On faces at 224 pixels, linear interpolation keeps 36 to 65 % of the power above half the
Nyquist frequency, where traces of a forgery lie; cubic keeps 63 to 104 %, at four times the cost."""

GREY = 128
"""What a box is filled with: close to zero once the frame is normalised."""

_QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)])
NORMAL = _QUANTILES / _QUANTILES.std()
"""A standard normal distribution by 256 equally likely values: with one random byte each, noise costs a table look-up."""


class Step(ABC):
    """One way to vary a clip."""

    def __call__(self, frames: Frames, rng: np.random.Generator) -> Frames:
        """Draws once and changes all frames, ``[T, H, W, 3]`` to the same shape."""
        return self._change(frames, rng)

    @abstractmethod
    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames: ...


@dataclass(frozen=True)
class Flip(Step):
    """Left becomes right."""

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        return _each(frames, lambda frame: cv2.flip(frame, 1))


@dataclass(frozen=True)
class Pose(Step):
    """Shift, scale and rotation in one resampling; what lies outside the frame is mirrored at its border.

    Attributes:
        shift: along either side, as a share of it.
        scale: 1 keeps the size.
        degrees: counter-clockwise, about the centre.
    """

    shift: Range = (-0.06, 0.06)
    scale: Range = (0.9, 1.1)
    degrees: Range = (-10.0, 10.0)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        height, width = frames.shape[1:3]
        centre = ((width - 1) / 2, (height - 1) / 2)
        to_target = cv2.getRotationMatrix2D(centre, rng.uniform(*self.degrees), rng.uniform(*self.scale))
        to_target[:, 2] += rng.uniform(*self.shift, size=2) * (width, height)
        return _each(
            frames,
            lambda frame: cv2.warpAffine(
                frame, to_target, (width, height), flags=SHARP, borderMode=cv2.BORDER_REFLECT_101
            ),
        )


@dataclass(frozen=True)
class Elastic(Step):
    """A smooth random field of displacements (Simard et al. 2003, 10.1109/ICDAR.2003.1227801).

    Attributes:
        amplitude: largest displacement along either axis, as a share of the shorter side.
        knots: of the field along each axis; it is cubic in between.
    """

    amplitude: Range = (0.005, 0.015)
    knots: int = 5

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        height, width = frames.shape[1:3]
        largest = rng.uniform(*self.amplitude) * min(height, width)
        coarse = rng.uniform(-largest, largest, size=(self.knots, self.knots, 2)).astype(np.float32)
        field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(-largest, largest)
        columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
        source = cv2.convertMaps(columns + field[..., 0], rows + field[..., 1], cv2.CV_16SC2)
        return _each(frames, lambda frame: cv2.remap(frame, *source, SHARP, borderMode=cv2.BORDER_REFLECT_101))


@dataclass(frozen=True)
class Tone(Step):
    """Contrast about the clip's mean, brightness, gamma: ``v -> 255 (b (m + c (v - m)) / 255) ** g``.

    Attributes:
        contrast: factor c.
        brightness: factor b.
        gamma: exponent g; above 1 darkens.
    """

    contrast: Range = (0.8, 1.2)
    brightness: Range = (0.8, 1.2)
    gamma: Range = (0.8, 1.25)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        contrast, brightness, gamma = (rng.uniform(*drawn) for drawn in (self.contrast, self.brightness, self.gamma))
        mean = np.mean(cv2.mean(_tall(frames))[:3])
        lit = brightness * (mean + contrast * (np.arange(256) - mean)) / 255
        return _look_up(frames, np.rint(255 * lit.clip(0, 1) ** gamma).astype(np.uint8))


@dataclass(frozen=True)
class Chroma(Step):
    """Scales and turns the colour-difference plane; luma stays, and so does grey.

    Attributes:
        saturation: 0 is grey, 1 keeps it.
        degrees: of hue, in the plane of blue and red difference.
    """

    saturation: Range = (0.8, 1.2)
    degrees: Range = (-10.0, 10.0)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        turn = rng.uniform(*self.saturation) * np.exp(1j * np.deg2rad(rng.uniform(*self.degrees)))
        plane = np.array([(1, 0, 0), (0, turn.real, -turn.imag), (0, turn.imag, turn.real)])
        return cv2.transform(_tall(frames), np.linalg.inv(TO_YCC) @ plane @ TO_YCC).reshape(frames.shape)


@dataclass(frozen=True)
class Clahe(Step):
    """Contrast-limited adaptive histogram equalisation of luma (Zuiderveld 1994, 10.1016/B978-0-12-336156-1.50061-6).

    Attributes:
        limit: a bin of a tile's histogram holds at most so many times the mean bin.
        tile: least side of a tile, pixels. With fewer pixels than grey levels in a tile, OpenCV's result jumps in
            brightness by up to 100 levels.
    """

    limit: Range = (1.0, 3.0)
    tile: int = 32

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        rows, columns = (max(1, side // self.tile) for side in frames.shape[1:3])
        clahe = cv2.createCLAHE(rng.uniform(*self.limit), (columns, rows))

        def equalise(frame: Frames) -> Any:
            ycc = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
            ycc[..., 0] = clahe.apply(ycc[..., 0])
            return cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB)

        return _each(frames, equalise)


@dataclass(frozen=True)
class Blur(Step):
    """Gaussian blur.

    Attributes:
        sigma: pixels.
    """

    sigma: Range = (0.4, 1.5)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        sigma = rng.uniform(*self.sigma)
        return _each(frames, lambda frame: cv2.GaussianBlur(frame, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


@dataclass(frozen=True)
class Downscale(Step):
    """Smaller, averaged, and back to size: what a small upload has lost.

    Attributes:
        factor: of the side.
    """

    factor: Range = (0.5, 0.9)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        height, width = frames.shape[1:3]
        factor = rng.uniform(*self.factor)
        small = (max(1, round(width * factor)), max(1, round(height * factor)))

        def change(frame: Frames) -> Any:
            lowered = cv2.resize(frame, small, interpolation=cv2.INTER_AREA)
            return cv2.resize(lowered, (width, height), interpolation=cv2.INTER_LINEAR)

        return _each(frames, change)


@dataclass(frozen=True)
class Posterise(Step):
    """Keeps the upper bits of each value.

    Attributes:
        bits: how many.
    """

    bits: tuple[int, int] = (5, 7)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        bits = int(rng.integers(*self.bits, endpoint=True))
        return frames & np.uint8(256 - (1 << (8 - bits)))


@dataclass(frozen=True)
class Noise(Step):
    """White Gaussian noise, fresh in every value of every frame, rounded to grey levels.

    Attributes:
        sigma: standard deviation, grey levels; up to 40.
    """

    sigma: Range = (2.0, 10.0)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        table = np.rint(rng.uniform(*self.sigma) * NORMAL).astype(np.int8)
        noise = _look_up(np.frombuffer(rng.bytes(frames.size), np.uint8), table)
        return cv2.add(frames.reshape(-1), noise, dtype=cv2.CV_8U).reshape(frames.shape)


@dataclass(frozen=True)
class Jpeg(Step):
    """Compression to JPEG and back.

    Attributes:
        quality: libjpeg's.
    """

    quality: tuple[int, int] = (40, 100)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        quality = int(rng.integers(*self.quality, endpoint=True))

        def compress(frame: Frames) -> Any:
            _, encoded = cv2.imencode(
                ".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
            )
            return cv2.cvtColor(cv2.imdecode(encoded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

        return _each(frames, compress)


@dataclass(frozen=True)
class Boxes(Step):
    """Grey boxes at the same places in all frames (DeVries and Taylor 2017, arXiv 1708.04552).

    Attributes:
        number: of boxes.
        side: of a box, as a share of the frame's.
    """

    number: tuple[int, int] = (1, 3)
    side: Range = (0.1, 0.25)

    def _change(self, frames: Frames, rng: np.random.Generator) -> Frames:
        size = np.array(frames.shape[1:3])
        covered = frames.copy()
        for _ in range(rng.integers(*self.number, endpoint=True)):
            sides = np.rint(rng.uniform(*self.side, size=2) * size).astype(int)
            top, left = rng.integers(0, size - sides, endpoint=True)
            covered[:, top : top + sides[0], left : left + sides[1]] = GREY
        return covered


def _each(frames: Frames, change: Callable[[Frames], Any]) -> Frames:
    return np.stack([change(frame) for frame in frames])


def _tall(frames: Frames) -> Frames:
    """All frames as one picture, one below the other."""
    return frames.reshape(-1, *frames.shape[2:])


def _look_up(values: Frames, table: NDArray[Any]) -> NDArray[Any]:
    return cv2.LUT(values.reshape(-1), table).reshape(values.shape)

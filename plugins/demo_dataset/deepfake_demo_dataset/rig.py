"""How does a face at rest become a face in a pose? The map from every pixel of a frame back to the resting face."""

from __future__ import annotations

import numpy as np

from deepfake_demo_dataset.look import Look, Slit
from deepfake_demo_dataset.motion import Pose
from deepfake_demo_dataset.portrait import HEIGHT, WIDTH, Image, grid, smoothstep

_BODY_FOLLOWS = 0.3
"""Share of the head's motion that the shoulders take."""

_REACH = 16
"""How far a feature can move away from its resting place, pixels."""


class Rig:
    """Moves one person's look.

    Lids and lips slide over what is behind them, as they do in life: an eye is covered, not squeezed.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._grid = grid()
        chin = look.landmarks[152]
        self._pivot = np.array([chin[0], chin[1]])
        rows = np.arange(HEIGHT, dtype=np.float32)
        self._follow = 1 - (1 - _BODY_FOLLOWS) * smoothstep((rows - chin[1] - 6) / (HEIGHT - chin[1] - 6))
        self._modes = _modes(look, self._follow)
        self._mouth_height = float((look.mouth.lower - look.mouth.upper).max())

    def place(self, pose: Pose) -> tuple[Image, Image | None]:
        """Where each pixel of the frame comes from.

        Returns:
            The map ``[H, W, 2]`` into the resting look, and the gain ``[H, W]`` that darkens an opened mouth, or None
            if it is not open.
        """
        weights = np.array([pose.turn[0], pose.turn[1], pose.smile, pose.brow], np.float32)
        place = (weights @ self._modes).reshape(HEIGHT, WIDTH, 2)
        cos, sin = np.cos(pose.roll) / pose.scale, np.sin(pose.roll) / pose.scale
        # Inverse of: scale and roll about the chin, then shift. Minus the pixel's own place, weighted by row.
        linear = np.array([[cos, sin], [-sin, cos]])
        constant = self._pivot - linear @ (self._pivot + pose.shift)
        linear -= np.eye(2)
        x, y = self._grid[0, :, 0], self._grid[:, 0, 1]
        for axis in (0, 1):
            by_row = (self._follow * (linear[axis, 1] * y + constant[axis])).astype(np.float32)
            slope = (self._follow * linear[axis, 0]).astype(np.float32)
            place[:, :, axis] += slope[:, None] * x + by_row[:, None]
        place += self._grid
        for eye in self._look.eyes:
            self._blink(place, eye, pose.blink)
        return place, self._speak(place, pose.jaw)

    def _blink(self, place: Image, eye: Slit, closed: float) -> None:
        if closed < 0.01:
            return
        patch = _patch(place, eye.left, eye.right, eye.upper.min() - 18, eye.lower.max())
        column, row = _columns(patch), patch[:, :, 1]
        upper, lower = eye.upper[column], eye.lower[column]
        crease = upper - 12
        lid = upper + np.float32(closed) * (lower - upper)
        under = (row > crease) & (row < lid)
        patch[:, :, 1] = np.where(under, crease + (row - crease) * (upper - crease) / (lid - crease), row)

    def _speak(self, place: Image, jaw: float) -> Image | None:
        """Lower lip, chin and jaw move down by ``jaw`` times the mouth's resting height."""
        if abs(jaw) < 0.01:
            return None
        mouth = self._look.mouth
        chin = float(self._look.landmarks[152, 1])
        half = (mouth.right - mouth.left) / 2
        patch = _patch(place, mouth.left - half, mouth.right + half, mouth.upper.min(), chin + 34)
        column, row = _columns(patch), patch[:, :, 1]
        lip = mouth.lower[column]
        drop = np.float32(jaw * self._mouth_height)
        lens = (mouth.lower - mouth.upper)[column] / self._mouth_height
        edge = lip + drop * lens
        away = np.abs(patch[:, :, 0] - (mouth.left + half)) / half
        spread = smoothstep((2.0 - away) / 1.0) * smoothstep((chin + 30 - row) / 30)
        follow = lens + (1 - lens) * smoothstep((row - edge) / 18)
        moved = np.where(row >= edge, row - drop * follow * spread, np.minimum(row, np.maximum(lip - 0.5, row.min())))
        gap = None
        if drop > 0:
            depth = smoothstep((row - lip + 1) / 2.5) * (row < edge) * smoothstep(6 * lens)
            gap = np.ones((HEIGHT, WIDTH), np.float32)
            _patch(gap, mouth.left - half, mouth.right + half, mouth.upper.min(), chin + 34)[:] = 1 - 0.8 * depth
        patch[:, :, 1] = moved
        return gap


def _patch(image: Image, left: float, right: float, top: float, bottom: float) -> Image:
    """View of the part of the frame where a feature can be."""
    rows = slice(max(int(top) - _REACH, 0), min(int(bottom) + _REACH, HEIGHT))
    return image[rows, max(int(left) - _REACH, 0) : min(int(right) + _REACH, WIDTH)]


def _columns(patch: Image) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    return np.clip(np.round(patch[:, :, 0]), 0, WIDTH - 1).astype(np.intp)


def _modes(look: Look, follow: Image) -> Image:
    """Displacement fields of yaw, pitch, smile and brows, ``[4, H * W * 2]``."""
    x, y = np.moveaxis(grid(), -1, 0)
    mark = look.landmarks

    def around(index: int, wide: float, tall: float) -> Image:
        return np.asarray(np.exp(-0.5 * (((x - mark[index, 0]) / wide) ** 2 + ((y - mark[index, 1]) / tall) ** 2)))

    depth = (0.7 * around(195, 62, 85) + 0.3 * around(1, 15, 22)) * follow[:, None]
    modes = np.zeros((4, HEIGHT, WIDTH, 2), np.float32)
    modes[0, :, :, 0] = -depth
    modes[1, :, :, 1] = -depth
    corners = sorted((61, 291), key=lambda index: mark[index, 0])
    for side, corner in zip((-1, 1), corners, strict=True):
        modes[2, :, :, 0] -= 0.8 * side * around(corner, 16, 14)
        modes[2, :, :, 1] += around(corner, 16, 14)
    for brow in (105, 334):
        modes[3, :, :, 1] += around(brow, 28, 10)
    return modes.reshape(4, -1)

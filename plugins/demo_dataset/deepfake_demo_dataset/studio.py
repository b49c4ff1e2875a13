"""How is a person filmed? From pose, blood, light and sensor to the frames of one take."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from deepfake_demo_dataset.look import bake
from deepfake_demo_dataset.motion import Pose, perform, wander
from deepfake_demo_dataset.people import person
from deepfake_demo_dataset.portrait import HEIGHT, WIDTH, Image
from deepfake_demo_dataset.pulse import Pulse, beat
from deepfake_demo_dataset.rig import Rig
from deepfake_demo_dataset.seeds import rng

_NOISE_MARGIN = 96

Window = tuple[slice, slice]
"""A part of the frame: rows, columns."""

WHOLE: Window = (slice(None), slice(None))


@dataclass(frozen=True)
class Take:
    """What is decided before the camera runs. A real clip and the fake made of it share one take.

    Attributes:
        who: name of the person.
        seed: name that all chance in this take derives from.
        fps: frames per second.
        seconds: length.
        bpm: heart rate aimed at, beats per minute.
        strength: of the pulse, peak to peak in green at the forehead, share of brightness.
        liveliness: of the head, 0-1.
        talks: share of time spent talking, 0-1.
        noise: of the sensor at mid grey, grey levels.
        softness: of the lens, Gaussian sigma in pixels.
        crf: quality of the H.264 encoding (lower is better).
    """

    who: str
    seed: str
    fps: Fraction
    seconds: float
    bpm: float
    strength: float
    liveliness: float
    talks: float
    noise: float
    softness: float
    crf: int

    @property
    def times(self) -> NDArray[np.float64]:
        """Of the frames, ``[T]``, s."""
        return np.arange(round(self.seconds * self.fps)) / float(self.fps)

    @property
    def pulse(self) -> Pulse:
        """What the heart does."""
        return beat(self.seed, self.times, self.bpm)


class Studio:
    """Films one take, frame by frame in order.

    Attributes:
        take: what is filmed.
        look: the person at rest.
        rig: moves the person.
        times: of the frames, ``[T]``, s.
        motion: what the person does.
        pulse: what the heart does.
    """

    def __init__(self, take: Take) -> None:
        import cv2

        who = person(take.who)
        self.take = take
        self.look = bake(who)
        self.rig = Rig(self.look)
        self.times = take.times
        self.motion = perform(
            take.seed, self.times, liveliness=take.liveliness, talks=take.talks, mouth_rest=who.mouth_rest
        )
        self.pulse = take.pulse
        random = rng(take.seed, "camera")
        drift = 0.01 * wander(random, self.times, 4.0)[:, 0] + 0.0015 * wander(random, self.times, 0.7)[:, 0]
        self._exposure = 1 + drift
        grain = random.standard_normal((HEIGHT + _NOISE_MARGIN, WIDTH + _NOISE_MARGIN, 3)).astype(np.float32)
        self._grain = cv2.GaussianBlur(grain, (0, 0), 0.5)
        self._grain /= self._grain.std()
        self._grain_at = random.integers(0, _NOISE_MARGIN, (len(self.times), 2))
        self._blood = np.concatenate([self.look.blood, np.zeros((2, HEIGHT, WIDTH, 1), np.float32)], axis=-1)
        self._blood = self._blood.reshape(2, -1)

    def shoot(self, frame: int) -> Image:
        """One frame as the sensor sees it, ``[H, W, 3]``, 0-255, not yet rounded."""
        wave = np.array([self.pulse.early[frame], self.pulse.late[frame]]) * self.take.strength
        texture = self.look.texture + (wave.astype(np.float32) @ self._blood).reshape(HEIGHT, WIDTH, 4)
        layer = self.project(texture, self.motion.at(frame))
        scene = self.look.room * (1 - layer[:, :, 3:]) + layer[:, :, :3]
        return self.sense(self.lit(scene, frame), frame)

    def project(self, texture: Image, pose: Pose, window: Window = WHOLE) -> Image:
        """Brings a resting texture ``[H, W, 4]`` (colour times coverage, coverage) into a pose, inside ``window``."""
        import cv2

        place, gap = self.rig.place(pose)
        layer = cv2.remap(texture, place[window], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if gap is not None:
            layer[:, :, :3] *= gap[window][:, :, None]
        return np.asarray(layer, np.float32)

    def lit(self, image: Image, frame: int, window: Window = WHOLE) -> Image:
        """The part ``window`` of a frame under the light of the scene in this frame."""
        return image * (self.look.light[window] * np.float32(self._exposure[frame]))

    def sense(self, scene: Image, frame: int) -> Image:
        """Through lens and sensor: softness, then noise that grows with the square root of brightness."""
        import cv2

        if self.take.softness > 0:
            scene = cv2.GaussianBlur(scene, (0, 0), self.take.softness)
        return np.clip(scene + self.grain(scene, frame), 0, 255)

    def grain(self, scene: Image, frame: int, window: Window = WHOLE) -> Image:
        """The sensor's noise in this frame for a scene of this brightness, which fills ``window``."""
        top, left = self._grain_at[frame]
        noise = self._grain[top : top + HEIGHT, left : left + WIDTH][window]
        return noise * np.sqrt(np.clip(scene, 8, 255) * np.float32(self.take.noise**2 / 128))

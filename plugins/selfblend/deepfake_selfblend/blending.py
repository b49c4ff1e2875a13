"""How does a real face become a pseudo-fake? It is blended with a slightly changed copy of itself.

Self-blended images (Shiohara & Yamasaki, CVPR 2022, arXiv:2204.08376). Base and source are the same face. One of them
may change in colour, sharpness and resolution; the source is a little out of place, and may be the face of another
frame. The base may have been compressed before, as footage was that a new face is put into: around the face, a forged
video bears one compression more than on it. The real of the pair is the base after that compression or before it, so that
neither a clean face nor a compressed one tells the two apart, only the two beside each other. What surrounds the head may
be out of focus in both. A mask about landmarks says where the source shows. So there is all that a face swap leaves
behind (a border, and statistics that differ on its two sides) and nothing of a particular forger.

Everything is drawn once and holds for all frames of a clip, as in the output of one program.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_nn.augment.steps import SHARP, TO_YCC
from deepfake_selfblend.masks import WAVES, Outline, mask_of
from deepfake_selfblend.settings import BlendSettings

Picture = NDArray[np.uint8]

RGB_SHIFT = 20.0
"""Largest shift of a channel, grey levels; published."""

TONE = 0.1
"""Largest change of contrast, of brightness (share of mid-grey) and of saturation."""

HUE_DEG = 4.0

SHARPEN = 0.8
"""Largest share of the difference to a blurred picture that is added or taken away."""

HEAD = (1.25, 1.45)
"""Width and height of the head, hair included, as multiples of the landmarks'."""

DEFOCUS = (0.004, 0.04)
"""Spread of the blur around a head that is in focus, share of the face's width."""

FOCUS_BORDER = 0.2
"""Soft border of what is in focus, as of a mask."""

ALIKE = 0.025
"""Root mean square distance, as a share of the face's width, within which the landmarks of two frames agree."""

BASE_QUALITY = (20, 90)
"""Of the JPEG that the base was through before the source came into it."""


@dataclass(frozen=True, eq=False)
class Blend:
    """What was drawn for one clip.

    Attributes:
        outline: of the mask.
        strength: of the source where it shows alone.
        move: shift of the source, ``[2]``, share of the face's width and height.
        scale: of the source.
        tone: colours of what is changed, ``[3, 4]``: a matrix and an offset in grey levels.
        sharpen: share of the difference to a blurred picture that is added; negative softens.
        sharpen_sigma: of that blur, pixels.
        on_base: whether tone, sharpness and resolution are those of the base rather than of the source.
        resolution: scale at which that side was made.
        smooth: whether it was scaled up by linear rather than by cubic interpolation.
        base_quality: of the JPEG that the base was through before; None without.
        pristine_real: whether the real of the pair is the base before that JPEG rather than after it.
        defocus: spread of the blur around the head, share of the face's width; None where all is as it was.
        other_frame: where in the clip the source's frame lies, 0 to 1; None for the frame itself.
    """

    outline: Outline
    strength: float
    move: NDArray[np.float64]
    scale: float
    tone: NDArray[np.float64]
    sharpen: float
    sharpen_sigma: float
    on_base: bool
    resolution: float
    smooth: bool
    base_quality: int | None
    pristine_real: bool
    defocus: float | None
    other_frame: float | None

    @property
    def on_source(self) -> Blend:
        """The same, with the base's colours, sharpness, resolution and focus as they were."""
        return replace(self, on_base=False, defocus=None)


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a picture: ``pixels [H, W, 3] uint8 RGB``, and its FaceMesh ``points [468, 2]``, pixels."""

    pixels: Picture
    points: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Blended:
    """A pseudo-fake and what it is made of, all ``[H, W, 3] uint8 RGB`` but the mask, ``[H, W] uint8``.

    Attributes:
        real: the real picture of the pair: the base, or what it was before its compression.
        fake: equal to the base where the mask is 0.
        source: what shows through the mask; equal to the base outside of the landmarks' bounding box.
        mask: share of the source, the blend's strength included; 255 is all of it.
    """

    real: Picture
    fake: Picture
    source: Picture
    mask: NDArray[np.uint8]


def draw(settings: BlendSettings, rng: np.random.Generator) -> Blend:
    """What one clip's pseudo-fake is made by."""
    # How strongly colours differ is drawn first, so that pairs whose two sides hardly differ are as frequent as any.
    vivid = settings.colour * rng.random()
    waves = np.column_stack(
        [rng.uniform(0, settings.mask_deformation / WAVES, WAVES), rng.uniform(0, 2 * np.pi, WAVES)]
    )
    smaller = rng.random() < settings.resolution
    least = np.log(settings.resolution_from)
    return Blend(
        outline=Outline(settings.masks[rng.integers(len(settings.masks))], waves, rng.uniform(*settings.blur)),
        strength=settings.strengths[rng.integers(len(settings.strengths))],
        move=rng.uniform(-settings.shift, settings.shift, 2),
        scale=1 + rng.uniform(-settings.zoom, settings.zoom),
        tone=_tone(vivid, rng),
        sharpen=rng.uniform(-SHARPEN, SHARPEN) if rng.random() < settings.sharpness else 0.0,
        sharpen_sigma=rng.uniform(0.5, 1.5),
        on_base=bool(rng.random() < 0.5),
        resolution=float(np.exp(rng.uniform(least, 0))) if smaller else 1.0,
        smooth=bool(rng.random() < 0.5),
        base_quality=int(rng.integers(*BASE_QUALITY, endpoint=True))
        if rng.random() < settings.base_compression
        else None,
        pristine_real=bool(rng.random() < settings.pristine_real),
        defocus=float(np.exp(rng.uniform(*np.log(DEFOCUS)))) if rng.random() < settings.defocus else None,
        other_frame=rng.random() if rng.random() < settings.other_frame else None,
    )


def _tone(vivid: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A change of colours, ``[3, 4]``; 0 changes nothing, 1 has the published ranges."""
    contrast, saturation = 1 + vivid * rng.uniform(-TONE, TONE, 2)
    turn = saturation * np.exp(1j * np.deg2rad(vivid * rng.uniform(-HUE_DEG, HUE_DEG)))
    plane = np.array([(1, 0, 0), (0, turn.real, -turn.imag), (0, turn.imag, turn.real)])
    matrix = contrast * np.linalg.inv(TO_YCC) @ plane @ TO_YCC
    offset = 128 * (1 - contrast) + vivid * (128 * rng.uniform(-TONE, TONE) + rng.uniform(-RGB_SHIFT, RGB_SHIFT, 3))
    return np.column_stack([matrix, offset])


def blended(face: Face, other: Face, blend: Blend) -> Blended:
    """A pseudo-fake of ``face``.

    Args:
        face: the base.
        other: the source, before it is changed: the same face, or that of another frame.
        blend: what was drawn.
    """
    if blend.defocus is not None:
        focused = _defocused(face, blend.defocus)
        face, other = focused, focused if other is face else _defocused(other, blend.defocus)
    height, width = face.pixels.shape[:2]
    (left, top), (right, bottom) = _bounds(face.points, width, height)
    inner = np.s_[top:bottom, left:right]
    source = _placed(face, other if _alike(face, other) else face, blend, (left, top, right, bottom))
    before = _changed(face.pixels, blend) if blend.on_base else face.pixels
    source = source if blend.on_base else _changed(source, blend)
    base = before if blend.base_quality is None else jpeg(before, blend.base_quality)
    origin = np.array([left, top], np.float32)
    mask = np.zeros((height, width), np.uint8)
    whole = mask_of(face.points - origin, blend.outline, width=right - left, height=bottom - top)
    mask[inner] = cv2.convertScaleAbs(whole, alpha=blend.strength)
    share = (mask[inner].astype(np.float32) / 255)[..., None]
    below = base[inner].astype(np.float32)
    fake, beside = base.copy(), base.copy()
    fake[inner] = np.rint(below + share * (source - below)).astype(np.uint8)
    beside[inner] = source
    return Blended(before if blend.pristine_real else base, fake, beside, mask)


def _bounds(points: NDArray[np.float32], width: int, height: int) -> NDArray[np.intp]:
    """Whole pixels about the points, within the picture, ``[[left, top], [right, bottom]]``; two of them at least."""
    low = np.clip(np.floor(points.min(axis=0)), 0, (width - 2, height - 2))
    high = np.clip(np.ceil(points.max(axis=0)) + 1, low + 2, (width, height))
    return np.array([low, high]).astype(np.intp)


def _placed(face: Face, other: Face, blend: Blend, box: tuple[int, int, int, int]) -> Picture:
    """The source's pixels where the base has the box, a little out of place."""
    left, top, right, bottom = box
    turn, middle, centre = _similarity(other, face)
    if other is face and blend.scale == 1 and not blend.move.any():
        return face.pixels[top:bottom, left:right].copy()
    turn *= blend.scale
    first = centre + complex(*(blend.move * np.ptp(face.points, axis=0))) - complex(left, top) - turn * middle
    # Positions count from the outer corner of a pixel, OpenCV's from its middle.
    first += (turn - 1) * (0.5 + 0.5j)
    matrix = np.array([[turn.real, -turn.imag, first.real], [turn.imag, turn.real, first.imag]])
    moved = cv2.warpAffine(
        other.pixels, matrix, (right - left, bottom - top), flags=SHARP, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, np.uint8)


def _defocused(face: Face, spread: float) -> Face:
    """The head as it is, before a background that is out of focus."""
    height, width = face.pixels.shape[:2]
    middle = face.points.mean(axis=0)
    head = mask_of(
        (face.points - middle) * np.float32(HEAD) + middle,
        Outline("face", np.zeros((WAVES, 2)), FOCUS_BORDER),
        width=width,
        height=height,
    )
    sigma = spread * float(np.ptp(face.points[:, 0]))
    behind = cv2.GaussianBlur(face.pixels, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    share = (head.astype(np.float32) / 255)[..., None]
    return replace(face, pixels=np.rint(behind + share * (face.pixels - behind.astype(np.float32))).astype(np.uint8))


def _similarity(seen: Face, target: Face) -> tuple[complex, complex, complex]:
    """What takes the points of one face to those of another by least squares: a factor (turn and scale) and both centres."""
    one, other = (face.points.astype(np.float64) @ (1, 1j) for face in (seen, target))
    spread = one - one.mean()
    return complex(np.vdot(spread, other) / np.vdot(spread, spread).real), complex(one.mean()), complex(other.mean())


def _alike(face: Face, other: Face) -> bool:
    """Whether the other shows the head from about the same side: elsewhere lies background where the face should be."""
    turn, middle, centre = _similarity(other, face)
    gap = (other.points @ (1, 1j) - middle) * turn - (face.points @ (1, 1j) - centre)
    return bool(np.sqrt(np.mean(np.abs(gap) ** 2)) <= ALIKE * np.ptp(face.points[:, 0]))


def _rendered(picture: Picture, blend: Blend) -> Picture:
    """As a camera or a generator with fewer pixels makes it."""
    if blend.resolution == 1:
        return picture
    height, width = picture.shape[:2]
    small = (max(2, round(width * blend.resolution)), max(2, round(height * blend.resolution)))
    lowered = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    up = cv2.INTER_LINEAR if blend.smooth else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(lowered, (width, height), interpolation=up), np.uint8)


def _changed(picture: Picture, blend: Blend) -> Picture:
    """Colour, pixels and sharpness of one side."""
    changed = _rendered(cv2.transform(picture, blend.tone), blend)
    if blend.sharpen:
        soft = cv2.GaussianBlur(changed, (0, 0), blend.sharpen_sigma, borderType=cv2.BORDER_REFLECT_101)
        changed = cv2.addWeighted(changed, 1 + blend.sharpen, soft, -blend.sharpen, 0)
    return np.asarray(changed, np.uint8)


def jpeg(picture: Picture, quality: int) -> Picture:
    """Compressed and back."""
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1], np.uint8)

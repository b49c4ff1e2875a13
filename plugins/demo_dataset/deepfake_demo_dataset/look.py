"""What does a person look like at rest? Everything that a frame needs and that doesn't change over a clip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from deepfake_demo_dataset import portrait as source
from deepfake_demo_dataset.people import Person, Shape
from deepfake_demo_dataset.portrait import HEIGHT, WIDTH, Image, Points, grid, smoothstep
from deepfake_demo_dataset.pulse import SIGNATURE
from deepfake_demo_dataset.seeds import rng


@dataclass(frozen=True)
class Slit:
    """An opening in the face (eye or mouth): its edges by column.

    Attributes:
        left, right: columns of the corners.
        upper, lower: row of each edge, for every column of the frame, ``[W]``.
    """

    left: float
    right: float
    upper: Image
    lower: Image


@dataclass(frozen=True)
class Look:
    """A person at rest, in the person's own frame.

    Attributes:
        texture: colour times coverage (0-255) and coverage (0-1) of head and clothes, ``[H, W, 4]``.
        skin: mask of living skin, ``[H, W]``, 0-1.
        inner: mask of the inner face (what a face swap replaces), ``[H, W]``, 0-1, hard.
        blood: change of colour per unit of the early and of the late pulse wave, ``[2, H, W, 3]``.
        eyes, mouth: the openings.
        landmarks: FaceMesh points, ``[468, 2]``.
        room: background, ``[H, W, 3]``.
        light: gain of the scene's light, ``[H, W, 3]``.
        mirrored: whether all of this was mirrored at the end.
    """

    texture: Image
    skin: Image
    inner: Image
    blood: Image
    eyes: tuple[Slit, Slit]
    mouth: Slit
    landmarks: Points
    room: Image
    light: Image
    mirrored: bool


@lru_cache(maxsize=1)
def _portrait() -> source.Portrait:
    return source.load()


def bake(who: Person) -> Look:
    """Draws ``who`` once."""
    import cv2

    portrait = _portrait()
    shape = Shape(who, portrait)
    landmarks = shape.from_neutral(portrait.landmarks).astype(np.float64)
    place = cv2.transform(shape.to_neutral(grid()), portrait.to_portrait).astype(np.float32)
    rgb = cv2.remap(_defringed(portrait), place, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    head, skin, hair = np.moveaxis(cv2.remap(portrait.regions, place, None, cv2.INTER_LINEAR), -1, 0)
    head = smoothstep((head - 0.35) / 0.6) * _haircut(who, landmarks)
    skin = np.maximum(skin, 1 - hair)
    rgb = np.clip(rgb + 0.5 * (rgb - cv2.GaussianBlur(rgb, (0, 0), 1.4)), 0, 255)

    eyes = tuple(_slit(landmarks, *curves) for curves in (source.RIGHT_EYE, source.LEFT_EYE))
    mouth = _slit(landmarks, *source.INNER_LIPS)
    openings = np.maximum.reduce([_inside(slit) for slit in (*eyes, mouth)])
    rgb = _painted(who, rgb, skin * (1 - openings), hair, landmarks)
    bare = cv2.erode((skin > 0.6).astype(np.float32), np.ones((5, 5), np.uint8))
    inner = _inner_face(landmarks) * bare
    texture = _dressed(who, rgb, head, landmarks)
    alive = skin * (1 - openings) * head * (1 - 0.75 * who.beard * _beard(landmarks))
    look = Look(
        texture=texture,
        skin=alive,
        inner=inner,
        blood=_blood(texture[:, :, :3], alive, landmarks),
        eyes=(eyes[0], eyes[1]),
        mouth=mouth,
        landmarks=landmarks,
        room=_room(who),
        light=_light(who),
        mirrored=who.mirrored,
    )
    return _mirror(look) if who.mirrored else look


def _defringed(portrait: source.Portrait) -> Image:
    """The portrait with the head's own colours drawn out over its edge, so that no old background shines through."""
    import cv2

    core = cv2.erode((portrait.regions[:, :, 0] > 0.97).astype(np.float32), np.ones((5, 5), np.uint8))
    weight = cv2.GaussianBlur(core, (0, 0), 2.5)[:, :, None]
    drawn_out = cv2.GaussianBlur(portrait.rgb * core[:, :, None], (0, 0), 2.5) / np.maximum(weight, 1e-3)
    keep = cv2.GaussianBlur(core, (0, 0), 0.8)[:, :, None]
    return np.asarray(portrait.rgb * keep + drawn_out * (1 - keep), np.float32)


def _slit(landmarks: Points, upper: tuple[int, ...], lower: tuple[int, ...]) -> Slit:
    columns = np.arange(WIDTH)
    edges = []
    for curve in (upper, lower):
        points = landmarks[list(curve)]
        points = points[np.argsort(points[:, 0])]
        edges.append(np.interp(columns, points[:, 0], points[:, 1]).astype(np.float32))
    corners = landmarks[[upper[0], upper[-1]], 0]
    return Slit(float(corners.min()), float(corners.max()), edges[0], np.maximum(*edges))


def _inside(slit: Slit) -> Image:
    """Soft mask of an opening, ``[H, W]``."""
    x, y = np.moveaxis(grid(), -1, 0)
    depth = np.minimum(y - slit.upper, slit.lower - y)
    along = np.minimum(x - slit.left, slit.right - x)
    return smoothstep(np.minimum(depth, along) / 2 + 0.5)


def _polygon(points: Points, blur: float) -> Image:
    import cv2

    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 1.0, lineType=cv2.LINE_8, shift=4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), np.float32)


def _haircut(who: Person, landmarks: Points) -> Image:
    """What is left of the head, ``[H, W]``: short hair ends at an uneven ellipse about the face; no ears stand off."""
    import cv2

    if who.cut is None:
        return np.ones((HEIGHT, WIDTH), np.float32)
    x, y = np.moveaxis(grid(), -1, 0)
    left, right = landmarks[234, 0], landmarks[454, 0]
    brow = landmarks[[105, 334], 1].mean()
    rough = cv2.GaussianBlur(rng(who.name, "cut").standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.5)
    wide = (right - left) / 2 + who.cut
    tall = np.where(y < brow, 62 + 1.6 * who.cut, 190)
    radius = np.hypot((x - (left + right) / 2) / wide, (y - brow) / tall) + 0.05 * rough
    sideburn = smoothstep((landmarks[1, 1] - 6 - y + 8 * rough) / 8)
    jaw = landmarks[[172, 397]]
    neck = np.minimum((y - jaw[:, 1].mean() + 8) / 6, (np.ptp(jaw[:, 0]) / 2 - np.abs(x - jaw[:, 0].mean())) / 4 + 1)
    oval = _polygon(landmarks[list(source.OVAL[4:33])], 1.0)
    return np.maximum.reduce([smoothstep((1 - radius) * wide / 2.5 + 0.5) * sideburn, smoothstep(neck), oval])


def _inner_face(landmarks: Points) -> Image:
    """From above the brows to above the chin's edge: the oval, drawn in."""
    oval = landmarks[list(source.OVAL)]
    middle = oval.mean(axis=0)
    return _polygon(middle + (oval - middle) * (0.92, 0.94), 0.8)


def _beard(landmarks: Points) -> Image:
    import cv2

    nose, mouth = landmarks[2], landmarks[list(source.OUTER_LIPS)]
    oval = landmarks[list(source.OVAL[8:29])]
    area = _polygon(
        np.vstack([oval, [[nose[0] - 30, nose[1] + 7], [nose[0], nose[1] + 4], [nose[0] + 30, nose[1] + 7]]]), 4
    )
    return np.asarray(area * (1 - cv2.GaussianBlur(_polygon(mouth, 0.7), (0, 0), 1.0)), np.float32)


def _painted(who: Person, rgb: Image, skin: Image, hair: Image, landmarks: Points) -> Image:
    """Skin, hair, brows, lips and beard in the person's colours."""
    import cv2

    random = rng(who.name, "paint")
    out = rgb.copy()

    face = skin * _inner_face(landmarks)
    mean = (rgb * face[:, :, None]).sum(axis=(0, 1)) / face.sum()
    contrast = 1.0 + 0.1 * (1 - who.skin[1] / 190)
    tinted = np.float32(who.skin) * 0.9 * (np.maximum(rgb, 1) / mean) ** np.float32(contrast)
    pores = random.standard_normal((HEIGHT, WIDTH)).astype(np.float32)
    pores = cv2.GaussianBlur(pores, (0, 0), 0.7) - cv2.GaussianBlur(pores, (0, 0), 2.2)
    blotches = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 7)
    tinted *= 1 + 0.05 * pores[:, :, None] + 0.3 * blotches
    out += (tinted - out) * skin[:, :, None]

    luma = cv2.cvtColor(rgb / 255, cv2.COLOR_RGB2GRAY)
    level = (luma / max(float((luma * hair).sum() / hair.sum()), 1e-3)) ** np.float32(0.85)
    tone = np.float32(who.hair) * 0.8 * np.minimum(level, 1 + 0.35 * np.tanh((level - 1) / 0.35))[:, :, None]
    out += (tone - out) * hair[:, :, None]

    brows = np.maximum.reduce([_polygon(landmarks[list(brow)], 1.6) for brow in source.BROWS])
    strokes = 0.75 + 0.5 * cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 0.8)
    out += (np.float32(who.hair) * 0.6 - out) * (np.clip(strokes, 0, 1) * brows * (0.2 + 0.5 * who.brow) * (1 - hair))[
        :, :, None
    ]
    lips = _polygon(landmarks[list(source.OUTER_LIPS)], 1.2) * skin
    out *= 1 - (lips * who.lip)[:, :, None] * np.float32([0.06, 0.24, 0.2])
    stubble = _beard(landmarks) * np.clip(0.85 + 0.5 * pores, 0, 1.2) * who.beard * skin
    out += (np.float32(who.hair) * 0.6 - out) * np.clip(stubble, 0, 0.9)[:, :, None]
    return np.clip(out, 0, 255)


def _dressed(who: Person, rgb: Image, head: Image, landmarks: Points) -> Image:
    """Head on shoulders: long hair behind, collar before the neck. Colour times coverage, and coverage."""
    import cv2

    random = rng(who.name, "clothes")
    chin = landmarks[152]
    low = chin[1] + 11
    half = (landmarks[397, 0] - landmarks[172, 0]) / 2
    drop = 6 * random.uniform()
    right = [(half * 0.62, low), (half * 0.8, low - 4), (half * 1.02, low + 3), (half * 1.6, low + 16 + drop)]
    right += [(half * 2.4, low + 25 + drop), (WIDTH / 2 + 20, low + 40 + drop), (WIDTH / 2 + 20, HEIGHT + 20)]
    outline = [(chin[0] + x, y) for x, y in right] + [(chin[0] - x, y) for x, y in reversed(right)]
    garment = _polygon(np.array([*outline, (chin[0] - half * 0.3, low + 4), (chin[0] + half * 0.3, low + 4)]), 1.0)
    y = grid()[:, :, 1]
    weave = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 0.9)
    fold = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 9, sigmaY=16)
    shade = 0.75 + 0.25 * smoothstep((y - low) / 26) + 0.06 * weave + 1.6 * fold
    cloth = np.float32(who.shirt) * shade[:, :, None]

    shadow = smoothstep((y - chin[1]) / 10) * head
    layer, cover = rgb * (1 - 0.16 * shadow[:, :, None]) * head[:, :, None], head
    if who.long_hair:
        strands = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.1, sigmaY=18)
        width = landmarks[454, 0] - landmarks[234, 0]
        fall = _polygon(
            np.array([(chin[0] + s * k * width, y) for s, k, y in (
                (-1, 0.55, 110), (-1, 0.68, 190), (-1, 0.66, 262), (-1, 0.5, 300), (1, 0.5, 300),
                (1, 0.66, 262), (1, 0.68, 190), (1, 0.55, 110))]), 2.0,
        )  # fmt: skip
        behind = np.float32(who.hair) * (0.62 + 1.6 * strands)[:, :, None]
        layer, cover = layer + behind * (fall * (1 - cover))[:, :, None], cover + fall * (1 - cover)
    layer = layer * (1 - garment[:, :, None]) + cloth * garment[:, :, None]
    cover = cover * (1 - garment) + garment
    return np.dstack([np.clip(layer, 0, 255), cover]).astype(np.float32)


def _blood(rgb: Image, alive: Image, landmarks: Points) -> Image:
    """Change of colour per unit of pulse, forehead and cheeks before jaw: ``[2, H, W, 3]``."""
    x, y = np.moveaxis(grid(), -1, 0)
    strength = np.full((HEIGHT, WIDTH), 0.4, np.float32)
    spots = [(10, 34, 1.0), (151, 34, 1.0), (50, 22, 1.0), (280, 22, 1.0), (1, 14, 0.55), (199, 16, 0.7)]
    for index, size, peak in spots:
        near = np.exp(-0.5 * ((x - landmarks[index, 0]) ** 2 + (y - landmarks[index, 1]) ** 2) / size**2)
        strength += (peak - strength) * near
    late = smoothstep((y - landmarks[1, 1]) / 50)
    signature = np.float32(SIGNATURE / SIGNATURE[1])
    # More blood absorbs more light, hence the minus.
    change = -rgb * (alive * strength)[:, :, None] * signature
    return np.stack([change * (1 - late)[:, :, None], change * late[:, :, None]]).astype(np.float32)


def _room(who: Person) -> Image:
    """A wall with a few things out of focus."""
    import cv2

    random = rng(who.name, "room")
    x, y = np.moveaxis(grid(), -1, 0)
    wall = (
        np.float32(who.wall)
        * (0.85 + 0.3 * (random.uniform(-1, 1) * x / WIDTH + random.uniform(0, 1) * (1 - y / HEIGHT)))[:, :, None]
    )
    for _ in range(random.integers(4, 9)):
        corner = random.uniform((-40, -40), (WIDTH, HEIGHT))
        far = corner + random.uniform(20, 120, 2)
        colour = np.clip(np.float32(who.wall) * random.uniform(0.55, 1.2) + random.normal(0, 13, 3), 10, 245)
        cv2.rectangle(
            wall, np.round(corner).astype(int).tolist(), np.round(far).astype(int).tolist(), colour.tolist(), -1
        )
    wall = cv2.GaussianBlur(wall, (0, 0), float(random.uniform(3, 9)))
    plaster = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH, 1)).astype(np.float32), (0, 0), 1.2)
    return np.asarray(np.clip(wall + 4 * plaster[:, :, None], 4, 250), np.float32)


def _light(who: Person) -> Image:
    x, y = np.moveaxis(grid(), -1, 0)
    angle, strength = who.light
    slope = ((x - WIDTH / 2) * np.cos(angle) + (y - HEIGHT / 2) * 0.6 * np.sin(angle)) / (WIDTH / 2)
    tint = 1 + 0.06 * who.warmth * np.float32([1, 0.1, -1])
    return np.asarray((1 + strength * slope)[:, :, None] * tint, np.float32)


def _mirror(look: Look) -> Look:
    def slit(one: Slit) -> Slit:
        return Slit(WIDTH - 1 - one.right, WIDTH - 1 - one.left, one.upper[::-1].copy(), one.lower[::-1].copy())

    return Look(
        texture=look.texture[:, ::-1].copy(),
        skin=look.skin[:, ::-1].copy(),
        inner=look.inner[:, ::-1].copy(),
        blood=look.blood[:, :, ::-1].copy(),
        eyes=(slit(look.eyes[1]), slit(look.eyes[0])),
        mouth=slit(look.mouth),
        landmarks=(WIDTH - 1, 0) + look.landmarks * (-1, 1),
        room=look.room[:, ::-1].copy(),
        light=look.light[:, ::-1].copy(),
        mirrored=True,
    )

"""A mask lies inside the face, is never empty, and is as soft as it was asked to be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from deepfake_selfblend.masks import PARTS, WAVES, Outline, mask_of

WIDE = 0.2


def outline(part: str, *, push: float = 0.0, blur: float = 0.02, seed: int = 0) -> Outline:
    rng = np.random.default_rng(seed)
    waves = np.column_stack([np.full(WAVES, push / WAVES), rng.uniform(0, 2 * np.pi, WAVES)])
    return Outline(part, waves, blur)


def masked(face, drawn: Outline):
    height, width = face.pixels.shape[:2]
    return mask_of(face.points, drawn, width=width, height=height)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("blur", [0.0, 0.02, WIDE])
def test_it_lies_in_the_hull_and_shows_the_source(faces, part, blur):
    for seed, face in enumerate(faces):
        mask = masked(face, outline(part, push=0.3, blur=blur, seed=seed))
        hull = cv2.convexHull(face.points)
        ys, xs = np.nonzero(mask)
        distance = [
            cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in zip(xs[::7], ys[::7], strict=True)
        ]
        assert min(distance) > -1.5, "a pixel on the border counts"
        assert mask.max() >= 250


def test_parts_are_where_their_names_say(faces):
    face = faces[0]
    heights = {}
    for part in PARTS:
        mask = masked(face, outline(part))
        heights[part] = float((np.arange(len(mask)) @ mask.sum(axis=1)) / mask.sum())
    assert heights["eyes"] < heights["eyes_nose"] < heights["features"] < heights["lower"] < heights["mouth"]
    assert (masked(face, outline("brows_down")) > 0).sum() < (masked(face, outline("face")) > 0).sum()


def test_blur_widens_the_border_inwards(faces):
    def border(blur: float) -> int:
        mask = masked(faces[0], outline("face", blur=blur))
        return int(((mask > 0) & (mask < 255)).sum())

    hard, soft = masked(faces[0], outline("face", blur=0.0)), masked(faces[0], outline("face", blur=WIDE))
    assert border(0.0) < border(0.05) < border(WIDE)
    assert (soft <= hard).all()


def test_waves_deform(faces):
    plain, pushed = (masked(faces[0], outline("features", push=push)) for push in (0.0, 0.12))
    overlap = np.minimum(plain, pushed).sum() / np.maximum(plain, pushed).sum()
    assert 0.6 < overlap < 0.99

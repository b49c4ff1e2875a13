"""A pseudo-fake is the real face outside of its mask, and inside a copy that was changed as drawn."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from deepfake_selfblend.blending import Face, blended, draw, jpeg
from deepfake_selfblend.plugin import stream
from deepfake_selfblend.settings import BlendSettings

VARIED = (
    stream.presets["paper"]
    .part(BlendSettings)
    .model_copy(update={"base_compression": 0.5, "pristine_real": 0.0, "defocus": 0.5, "other_frame": 0.3})
)
"""With what was added to it, but that each pair's real is the base."""


def drawn(settings: BlendSettings, seed: int = 0):
    return draw(settings, np.random.default_rng(seed))


def sharpness(picture, mask) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F)[mask > 0].var())


def test_outside_of_the_mask_it_is_the_base(faces):
    for seed in range(40):
        face = faces[seed % len(faces)]
        made = blended(face, face, drawn(VARIED, seed))
        outside = made.mask == 0
        assert np.array_equal(made.fake[outside], made.real[outside])
        assert 0.01 < (~outside).mean() < 0.6
        assert not np.array_equal(made.fake, made.real)


def test_footage_that_was_compressed_gets_a_face_that_was_not(faces, nothing):
    settings = nothing.model_copy(update={"base_compression": 1.0, "pristine_real": 0.0, "masks": ("face",)})
    made = blended(faces[0], faces[0], replace(drawn(settings), base_quality=30))
    inside, outside = made.mask == 255, made.mask == 0
    assert np.array_equal(made.real, jpeg(faces[0].pixels, 30))
    assert np.array_equal(made.fake[inside], faces[0].pixels[inside])
    assert np.array_equal(made.fake[outside], made.real[outside])


def test_the_real_of_a_pair_may_be_the_base_before_its_compression(faces, nothing):
    """The pseudo-fake stays the same; so neither a clean face nor a compressed one tells it from reals."""
    settings = nothing.model_copy(update={"base_compression": 1.0, "pristine_real": 0.5})
    found = {blend.pristine_real: blend for blend in (drawn(settings, seed) for seed in range(20))}
    after, before = (blended(faces[0], faces[0], replace(found[False], pristine_real=kind)) for kind in (False, True))
    assert np.array_equal(before.real, faces[0].pixels)
    assert np.array_equal(after.real, jpeg(faces[0].pixels, found[False].base_quality))
    assert np.array_equal(before.fake, after.fake)
    assert set(found) == {False, True}


def test_a_background_out_of_focus_leaves_the_face(faces, nothing):
    """And is there in both of the pair, so that it tells nothing; a pseudo-fake to be measured by has the video's own."""
    blend = drawn(nothing.model_copy(update={"defocus": 1.0, "masks": ("features",)}))
    made = blended(faces[0], faces[0], replace(blend, defocus=0.04))
    inside = made.mask == 255
    assert np.array_equal(made.fake, made.real)
    assert np.array_equal(made.real[inside], faces[0].pixels[inside])
    corner = np.zeros_like(made.mask)
    corner[:30, :30] = 1
    assert sharpness(made.real, corner) < 0.5 * sharpness(faces[0].pixels, corner)
    assert np.array_equal(blended(faces[0], faces[0], blend.on_source).fake, faces[0].pixels)


def test_an_unchanged_source_gives_the_same_face(faces, nothing):
    for seed, face in enumerate(faces):
        made = blended(face, face, drawn(nothing, seed))
        assert np.array_equal(made.fake, face.pixels)
        assert np.array_equal(made.real, face.pixels)
        assert made.mask.any()


def test_it_is_the_formula(faces):
    for seed in range(10):
        made = blended(faces[0], faces[0], drawn(VARIED, seed))
        share = made.mask[..., None] / 255.0
        np.testing.assert_allclose(made.fake, share * made.source + (1 - share) * made.real, atol=0.51)


def test_the_same_draw_makes_the_same(faces):
    one, other = (blended(faces[0], faces[0], drawn(VARIED, 5)).fake for _ in range(2))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, blended(faces[0], faces[0], drawn(VARIED, 6)).fake)


def test_the_input_stays(faces):
    before = faces[0].pixels.copy()
    for seed in range(6):
        blended(faces[0], faces[0], drawn(VARIED, seed))
    assert np.array_equal(faces[0].pixels, before)


def test_a_source_from_fewer_pixels_is_softer(faces, nothing):
    settings = nothing.model_copy(
        update={"resolution": 1.0, "resolution_from": 0.3, "strengths": (1.0,), "masks": ("face",)}
    )
    made = blended(faces[0], faces[0], replace(drawn(settings).on_source, resolution=0.4))
    assert sharpness(made.fake, made.mask) < 0.7 * sharpness(made.real, made.mask)


def test_colour_changes_either_side(faces, nothing):
    settings = nothing.model_copy(update={"colour": 1.0})
    sides = {}
    for seed in range(20):
        blend = drawn(settings, seed)
        made = blended(faces[0], faces[0], blend)
        sides[blend.on_base] = np.array_equal(made.real, faces[0].pixels)
    assert sides == {False: True, True: False}
    made = blended(faces[0], faces[0], drawn(settings, 3).on_source)
    assert np.array_equal(made.real, faces[0].pixels)


def test_misalignment_is_as_drawn(faces, nothing):
    """A source moved by whole pixels is the picture, moved."""
    face = faces[0]
    size = np.ptp(face.points, axis=0)
    blend = replace(drawn(nothing), move=np.array([3, -2]) / size)
    made = blended(face, face, blend)
    inside = cv2.erode(made.mask, np.ones((9, 9))) > 0
    np.testing.assert_allclose(made.source[inside], np.roll(face.pixels, (-2, 3), axis=(0, 1))[inside], atol=2)


def test_another_frame_is_laid_upon_the_landmarks(faces, nothing):
    """The same face filmed turned and larger comes back to where it was."""
    face = faces[0]
    height, width = face.pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 8, 1.1)
    points = face.points @ turn[:, :2].T + turn[:, 2]
    # Positions count from a pixel's outer corner; OpenCV's matrix moves the middles.
    points += 0.5 * (1 - turn[:, :2].sum(axis=1))
    other = Face(cv2.warpAffine(face.pixels, turn, (width, height), flags=cv2.INTER_CUBIC), points.astype(np.float32))
    made = blended(face, other, drawn(nothing))
    inside = made.mask > 0
    assert np.abs(made.source[inside].astype(float) - face.pixels[inside]).mean() < 2.5


def test_a_face_from_another_side_is_no_source(faces, nothing):
    """Landmarks that no turn and scale bring together would let the background into the face."""
    face = faces[0]
    points = face.points.copy()
    points[:, 0] = points[:, 0].mean() + 0.6 * (points[:, 0] - points[:, 0].mean())
    other = Face(np.zeros_like(face.pixels), points)
    assert np.array_equal(blended(face, other, drawn(nothing)).fake, face.pixels)


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_small_and_cut_off_faces_are_blended(faces, scale):
    face = faces[0]
    side = max(8, round(len(face.pixels) * scale))
    small = Face(cv2.resize(face.pixels, (side, side)), face.points * side / len(face.pixels) + side * 0.3)
    for seed in range(10):
        made = blended(small, small, drawn(VARIED, seed))
        assert made.fake.shape == small.pixels.shape

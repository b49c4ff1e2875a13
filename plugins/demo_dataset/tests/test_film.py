"""Are frames the same in every run, and does a forgery change the face and nothing else?"""

from __future__ import annotations

import numpy as np
import pytest

from deepfake_demo_dataset.clips import FORGERIES, REAL_METHOD, Clip, cast
from deepfake_demo_dataset.film import frames
from deepfake_demo_dataset.portrait import HEIGHT, WIDTH


def first_of(method: str) -> Clip:
    return next(clip for clip in cast() if clip.method == method)


def real_of(fake: Clip) -> Clip:
    return next(clip for clip in cast() if clip.method == REAL_METHOD and clip.take == fake.take)


@pytest.mark.parametrize("method", (REAL_METHOD, *FORGERIES))
def test_one_second_rendered_twice_is_equal_byte_for_byte(method: str) -> None:
    clip = first_of(method)
    once, again = (b"".join(image.tobytes() for (image,) in frames([clip], seconds=1)) for _ in range(2))
    assert once == again
    assert len(once) == round(clip.take.fps) * HEIGHT * WIDTH * 3


@pytest.mark.parametrize("method", FORGERIES)
def test_a_forgery_differs_from_its_footage_in_the_face_only(method: str) -> None:
    fake = first_of(method)
    real = real_of(fake)
    corner = np.zeros((HEIGHT, WIDTH), bool)
    corner[:30] = corner[-30:] = True
    corner[:, :20] = corner[:, -20:] = True
    for filmed, forged in frames([real, fake], seconds=0.4):
        assert filmed.dtype == forged.dtype == np.uint8
        different = (filmed != forged).any(axis=-1)
        assert not different[corner].any()
        assert 0.03 < different.mean() < 0.6


def test_filming_a_fake_together_with_its_real_changes_neither() -> None:
    fake = first_of("faceswap")
    real = real_of(fake)
    together = list(frames([real, fake], seconds=0.2))
    for place, clip in enumerate((real, fake)):
        alone = [image for (image,) in frames([clip], seconds=0.2)]
        assert all(np.array_equal(image, both[place]) for image, both in zip(alone, together, strict=True))

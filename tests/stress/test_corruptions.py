"""Each corruption against a closed form or another implementation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from deepfake_core.data.video import Frame
from deepfake_core.stress import corruptions
from tests.stress.films import photograph, psnr


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 4])
def test_blur_is_opencvs(sigma):
    rgb = photograph()
    theirs = cv2.GaussianBlur(rgb, (0, 0), sigma)
    assert np.abs(corruptions.blurred(rgb, sigma).astype(int) - theirs).max() <= 1, "theirs rounds in between"


def test_shrinking_averages_blocks_and_keeps_what_is_even():
    flat = np.full((10, 14, 3), 77, np.uint8)
    assert (corruptions.shrunk(flat, 0.3) == 77).all()
    rgb = photograph()
    small = rgb.reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    up = cv2.resize(np.rint(small).astype(np.uint8), (64, 48), interpolation=cv2.INTER_CUBIC)
    # The two cubic kernels differ in one coefficient: -0.5 and -0.75.
    assert psnr(corruptions.shrunk(rgb, 0.5), up) > 34
    assert (corruptions.shrunk(rgb, 1.0) == rgb).all()
    assert corruptions.shrunk(rgb[:5, :3], 0.1).shape == (5, 3, 3)


def test_noise_has_the_deviation_that_is_asked_for_and_no_more_where_there_is_room():
    grey = np.full((200, 200, 3), 128, np.uint8)
    for sigma in (5, 10, 20):
        off = corruptions.noisy(grey, sigma, np.random.default_rng(1)).astype(float) - 128
        assert abs(off.mean()) < 0.2
        # Rounding adds the variance of a uniform step, 1/12.
        assert off.std() == pytest.approx(np.sqrt(sigma**2 + 1 / 12), rel=0.01)
    again = [corruptions.noisy(grey, 5, np.random.default_rng(1)) for _ in range(2)]
    assert (again[0] == again[1]).all()
    assert corruptions.noisy(np.zeros_like(grey), 20, np.random.default_rng(1)).max() < 130, "no value wraps around"


def test_light_is_a_factor_up_to_white():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert (corruptions.lit(ramp, 0.6) == np.rint(np.float32(0.6) * np.arange(256))[None, :, None]).all()
    assert (corruptions.lit(ramp, 2)[0, :, 0] == np.minimum(2 * np.arange(256), 255)).all()


def test_jpeg_is_opencvs_at_the_same_quality():
    rgb = photograph()
    for quality in (75, 25):
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
        _, buffer = cv2.imencode(".jpg", rgb[..., ::-1], settings)
        theirs = cv2.imdecode(buffer, cv2.IMREAD_COLOR)[..., ::-1]
        assert psnr(corruptions.jpeg(rgb, quality), theirs) > 45


@pytest.mark.parametrize(
    ("corrupt", "levels"),
    [
        (corruptions.jpeg, (75, 50, 25)),
        (corruptions.shrunk, (0.75, 0.5, 0.25)),
        (corruptions.blurred, (1, 2, 4)),
        (lambda rgb, sigma: corruptions.noisy(rgb, sigma, np.random.default_rng(0)), (5, 10, 20)),
        (corruptions.lit, (0.8, 0.6, 0.4)),
        (corruptions.lit, (1.25, 1.5, 2)),
    ],
    ids=["jpeg", "shrunk", "blurred", "noisy", "darker", "brighter"],
)
def test_stronger_levels_lose_more_and_the_frame_itself_is_left_alone(corrupt, levels):
    rgb = photograph()
    before = rgb.copy()
    kept = [psnr(corrupt(rgb, level), rgb) for level in levels]
    assert kept[0] > kept[1] > kept[2]
    assert (rgb == before).all()
    assert corrupt(rgb, levels[0]).dtype == np.uint8 and corrupt(rgb, levels[0]).shape == rgb.shape


def test_frames_that_stay_keep_their_times_and_the_first_stays():
    frames = [Frame(k / 25, np.full((2, 2, 3), k % 256, np.uint8)) for k in range(1000)]
    for share in (0.1, 0.5):
        left = list(corruptions.thinned(frames, share, np.random.default_rng(3)))
        assert left[0] is frames[0] and {id(frame) for frame in left} <= {id(frame) for frame in frames}
        assert [frame.time_s for frame in left] == sorted(frame.time_s for frame in left)
        # Four standard deviations of a binomial count.
        assert abs(len(left) - 1000 * (1 - share)) < 4 * np.sqrt(1000 * share * (1 - share))

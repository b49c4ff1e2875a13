from __future__ import annotations

import io
import pickle
import random
import tracemalloc

import cv2
import numpy as np
import pytest
import torch

from deepfake_nn.augment import RECIPES, Recipe, Stage, recipe, steps

TRAINING = ["standard", "strong"]
ALL_STEPS = [
    steps.Flip(),
    steps.Pose(),
    steps.Elastic(),
    steps.Tone(),
    steps.Chroma(),
    steps.Clahe(),
    steps.Blur(),
    steps.Downscale(),
    steps.Posterise(),
    steps.Noise(),
    steps.Jpeg(),
    steps.Boxes(),
]
named = pytest.mark.parametrize("step", ALL_STEPS, ids=lambda step: type(step).__name__.lower())


def picture(height: int = 48, width: int = 48, *, seed: int = 0) -> np.ndarray:
    """Smooth colours that reach neither black nor white, ``[H, W, 3] uint8``."""
    coarse = np.random.default_rng(seed).uniform(60, 190, (6, 6, 3)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).round().astype(np.uint8)


def film(count: int = 3, height: int = 48, width: int = 48) -> torch.Tensor:
    return torch.from_numpy(np.stack([picture(height, width, seed=i) for i in range(count)])).permute(0, 3, 1, 2)


def change(step: steps.Step, *frames: np.ndarray, seed: int = 0) -> np.ndarray:
    return step(np.stack(frames), np.random.default_rng(seed))


class TestRecipe:
    @pytest.mark.parametrize("name", TRAINING)
    def test_the_seed_alone_decides(self, name):
        clip, vary = film(), recipe(name)
        drawn = [vary(clip, (7, 0, i)) for i in range(30)]
        again = [pickle.loads(pickle.dumps(vary))(clip, (7, 0, i)) for i in reversed(range(30))]
        assert all(torch.equal(a, b) for a, b in zip(drawn, reversed(again), strict=True))
        assert len({one.numpy().tobytes() for one in drawn}) >= 28
        assert torch.equal(vary(clip, 5), vary(clip, [5]))

    @pytest.mark.parametrize("name", RECIPES)
    @pytest.mark.parametrize(("count", "height", "width"), [(1, 32, 32), (4, 40, 40), (2, 31, 53)])
    def test_shape_and_type_stay_and_the_clip_is_left_as_it_is(self, name, count, height, width):
        clip = film(count, height, width)
        for given in (clip, clip.contiguous()):
            before = given.clone()
            for seed in range(25):
                varied = recipe(name)(given, seed)
                assert (varied.shape, varied.dtype) == (given.shape, torch.uint8)
            assert torch.equal(given, before)

    def test_none_changes_nothing(self):
        clip = film()
        assert all(recipe("none")(clip, seed) is clip for seed in range(5))

    def test_layout_in_memory_does_not_matter(self):
        clip = film()
        for seed in range(10):
            assert torch.equal(recipe("strong")(clip, seed), recipe("strong")(clip.contiguous(), seed))

    @pytest.mark.parametrize("name", TRAINING)
    def test_equal_frames_stay_equal_but_for_noise(self, name):
        clip = film(1).expand(4, -1, -1, -1)
        silent = tuple(stage for stage in RECIPES[name].stages if not isinstance(stage.step, steps.Noise))
        assert len(silent) == len(RECIPES[name].stages) - 1
        for seed in range(40):
            varied = Recipe(silent)(clip, seed)
            assert (varied == varied[:1]).all()

    @pytest.mark.parametrize("name", TRAINING)
    def test_no_global_generator_is_read_or_moved(self, name):
        def draws() -> tuple[object, ...]:
            return torch.rand(1).item(), np.random.rand(), random.random(), cv2.randu(np.zeros((1, 4)), 0, 1).tolist()  # noqa: NPY002

        def seed_all(seed: int) -> None:
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            cv2.setRNGSeed(seed)

        clip = film()
        seed_all(1)
        expected = draws()
        seed_all(1)
        varied = [recipe(name)(clip, seed) for seed in range(20)]
        assert draws() == expected
        assert all(torch.equal(recipe(name)(clip, seed), one) for seed, one in enumerate(varied))

    @pytest.mark.parametrize(("name", "share"), [("standard", 0.3445), ("strong", 0.290824)])
    def test_about_a_third_of_the_clips_is_free_of_damage(self, name, share):
        """The share in closed form, and counted: damage steps alone, on noise that none of them leaves as it was."""
        damage = tuple(stage for stage in RECIPES[name].stages if stage.damage)
        spared = RECIPES[name].spared
        untouched = spared + (1 - spared) * np.prod([1 - stage.chance for stage in damage])
        assert untouched == pytest.approx(share, abs=1e-9)
        clip = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 16, 16), np.uint8))
        draws = 2000
        counted = np.mean([Recipe(damage, spared)(clip, seed) is clip for seed in range(draws)])
        assert counted == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / draws))

    def test_a_step_falls_on_its_share_of_the_clips(self):
        vary, clip, draws = Recipe((Stage(steps.Flip(), 0.3),)), film(1, 16, 16), 2000
        flipped = np.mean([vary(clip, (seed, 9)) is not clip for seed in range(draws)])
        assert flipped == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / draws))

    def test_the_recipes_hold_the_published_kinds(self):
        kinds = {name: {type(stage.step) for stage in RECIPES[name].stages} for name in RECIPES}
        assert kinds["none"] == set()
        assert kinds["strong"] == {type(step) for step in ALL_STEPS}
        assert kinds["strong"] - kinds["standard"] == {steps.Elastic, steps.Clahe, steps.Downscale, steps.Posterise}

    @named
    def test_memory_is_a_few_clips(self, step):
        clip = film(8, 160, 160)
        vary = Recipe((Stage(step, 1.0),))
        vary(clip, 0)
        tracemalloc.start()
        vary(clip, 0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3.5 * clip.numel()

    @pytest.mark.parametrize(
        "clip", [torch.zeros(2, 3, 8, 8), torch.zeros((3, 8, 8), dtype=torch.uint8), film().permute(0, 2, 3, 1)]
    )
    def test_anything_but_a_uint8_clip_is_refused(self, clip):
        with pytest.raises(ValueError, match=r"\[T, 3, H, W\]"):
            recipe("standard")(clip, 0)

    def test_an_unknown_name_lists_the_known_ones(self):
        with pytest.raises(ValueError, match="none, standard, strong"):
            recipe("weak")


@named
class TestEveryStep:
    def test_it_changes_new_frames_only(self, step):
        frames = np.stack([picture(40, 56, seed=i) for i in range(2)])
        before = frames.copy()
        changed = step(frames, np.random.default_rng(0))
        assert (changed.shape, changed.dtype) == (frames.shape, np.uint8)
        assert not np.array_equal(changed, frames)
        np.testing.assert_array_equal(frames, before)

    def test_extremes_neither_wrap_nor_fail(self, step):
        """Black and white halves: a value that wraps around would turn up far from both its neighbours."""
        halves = np.zeros((32, 32, 3), np.uint8)
        halves[16:] = 255
        for seed in range(10):
            changed = change(step, halves, seed=seed).astype(int)
            if isinstance(step, steps.Boxes):
                continue
            assert np.mean(changed[0, :8] > 100) < 0.15 and np.mean(changed[0, 24:] < 155) < 0.15


class TestGeometry:
    def test_flip_is_left_to_right(self):
        np.testing.assert_array_equal(change(steps.Flip(), picture())[0], picture()[:, ::-1])

    def test_standing_still_is_exact(self):
        still = steps.Pose(shift=(0, 0), scale=(1, 1), degrees=(0, 0))
        np.testing.assert_array_equal(change(still, picture())[0], picture())

    @pytest.mark.parametrize(
        ("shift", "scale", "degrees"), [(0.0, 1.0, 10.0), (0.0, 1.1, 0.0), (0.05, 1.0, 0.0), (-0.04, 0.9, -7.0)]
    )
    def test_a_dot_goes_where_trigonometry_says(self, shift, scale, degrees):
        height, width = 101, 141
        rows, columns = np.indices((height, width))
        start = np.array([100.0, 35.0])
        dot = 250 * np.exp(-((columns - start[0]) ** 2 + (rows - start[1]) ** 2) / (2 * 2.0**2))
        frame = np.repeat(np.rint(dot).astype(np.uint8)[..., None], 3, axis=2)
        pose = steps.Pose(shift=(shift, shift), scale=(scale, scale), degrees=(degrees, degrees))
        moved = change(pose, frame)[0, ..., 1].astype(float)
        found = np.array([(moved * columns).sum(), (moved * rows).sum()]) / moved.sum()
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        # Counter-clockwise as one sees it: y points down.
        turn = np.deg2rad(-degrees)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        expected = centre + scale * rotation @ (start - centre) + shift * np.array([width, height])
        np.testing.assert_allclose(found, expected, atol=0.1)

    def test_elastic_moves_pixels_smoothly_and_within_its_amplitude(self):
        side, amplitude = 100, 0.04
        ramp = np.tile(np.arange(side, dtype=np.uint8) * 2, (side, 1))
        frame = np.stack([ramp, ramp.T, ramp], axis=2)
        inner = slice(5, -5)
        for seed in range(10):
            bent = change(steps.Elastic(amplitude=(amplitude, amplitude)), frame, seed=seed)[0].astype(float)
            moved = ((bent - frame) / 2)[inner, inner]
            assert np.abs(moved).max() <= amplitude * side + 0.3
            assert np.abs(moved[..., :2]).max(axis=(0, 1)).min() > 1
            assert np.abs(np.diff(moved, axis=0)).max() <= 1 and np.abs(np.diff(moved, axis=1)).max() <= 1

    def test_boxes_are_grey_and_at_the_same_places_in_all_frames(self):
        frames = np.stack([np.full((80, 120, 3), level, np.uint8) for level in (10, 200)])
        for seed in range(20):
            covered = change(steps.Boxes(number=(1, 3), side=(0.1, 0.25)), *frames, seed=seed)
            hidden = (covered != frames).any(axis=3)
            np.testing.assert_array_equal(hidden[0], hidden[1])
            assert (covered[hidden] == 128).all()
            assert 8 * 12 <= hidden[0].sum() <= 3 * 20 * 30
        one = change(steps.Boxes(number=(1, 1), side=(0.25, 0.25)), *frames)[0, ..., 0] == 128
        assert one.sum() == 20 * 30 and one.any(axis=0).sum() == 30


class TestColour:
    def test_tone_is_its_formula(self):
        frame = picture()
        tone = steps.Tone(contrast=(1.3, 1.3), brightness=(0.9, 0.9), gamma=(1.2, 1.2))
        mean = frame.mean()
        expected = 255 * (0.9 * (mean + 1.3 * (frame - mean)) / 255).clip(0, 1) ** 1.2
        np.testing.assert_allclose(change(tone, frame)[0], expected, atol=0.51)

    def test_contrast_turns_about_the_mean_of_the_clip_not_of_the_frame(self):
        """Else a clip in which the light changes would be evened out."""
        dark, bright = np.full((8, 8, 3), 50, np.uint8), np.full((8, 8, 3), 150, np.uint8)
        tone = steps.Tone(contrast=(0.5, 0.5), brightness=(1, 1), gamma=(1, 1))
        assert change(tone, dark, bright)[:, 0, 0, 0].tolist() == [75, 125]

    def test_chroma_leaves_luma_and_grey(self):
        grey = np.repeat(picture()[..., :1], 3, axis=2)
        muted = picture() // 2 + 64
        for seed in range(5):
            np.testing.assert_allclose(change(steps.Chroma(), grey, seed=seed)[0], grey, atol=1)
            luma = change(steps.Chroma(), muted, seed=seed)[0] @ (0.299, 0.587, 0.114)
            np.testing.assert_allclose(luma, muted @ (0.299, 0.587, 0.114), atol=1)

    def test_chroma_scales_and_turns_the_colour_differences(self):
        frame = picture() // 2 + 64
        turned = change(steps.Chroma(saturation=(0.8, 0.8), degrees=(20, 20)), frame)[0]

        def differences(rgb: np.ndarray) -> np.ndarray:
            luma = rgb @ (0.299, 0.587, 0.114)
            return (rgb[..., 2] - luma) / 1.772 + 1j * (rgb[..., 0] - luma) / 1.402

        expected = differences(frame) * 0.8 * np.exp(1j * np.deg2rad(20))
        np.testing.assert_allclose(differences(turned), expected, atol=1)

    @pytest.mark.parametrize("side", [24, 64, 96, 224])
    def test_clahe_lifts_contrast_and_leaves_brightness_and_colour(self, side):
        frame = np.rint(118 + (picture(side, side) - 125.0) * 0.15).astype(np.uint8)
        lifted = change(steps.Clahe(limit=(3, 3)), frame)[0]
        luma, before = lifted @ steps.TO_YCC[0], frame @ steps.TO_YCC[0]
        assert luma.std() > 1.5 * before.std()
        assert luma.mean() == pytest.approx(before.mean(), abs=15)
        for axis in (1, 2):
            np.testing.assert_allclose(lifted @ steps.TO_YCC[axis], frame @ steps.TO_YCC[axis], atol=2)

    @pytest.mark.parametrize("bits", [1, 5, 8])
    def test_posterise_keeps_the_upper_bits(self, bits):
        step = 2 ** (8 - bits)
        np.testing.assert_array_equal(change(steps.Posterise((bits, bits)), picture())[0], picture() // step * step)


class TestDamage:
    @pytest.mark.parametrize("sigma", [0.7, 1.5])
    def test_blur_spreads_a_dot_by_its_sigma(self, sigma):
        dot = np.zeros((31, 31, 3), np.uint8)
        dot[15, 15] = 255
        spread = change(steps.Blur((sigma, sigma)), dot)[0, 15, :, 0].astype(float)
        expected = np.exp(-((np.arange(31) - 15) ** 2) / (2 * sigma**2))
        np.testing.assert_allclose(spread / spread.max(), expected, atol=0.05)

    def test_noise_is_white_gaussian_and_fresh_in_each_frame(self):
        sigma = 8.0
        grey = np.full((120, 120, 3), 128, np.uint8)
        noise = change(steps.Noise((sigma, sigma)), grey, grey).astype(float) - 128
        assert noise.mean() == pytest.approx(0, abs=0.15)
        assert noise.std() == pytest.approx(sigma, rel=0.02)
        assert np.mean(np.abs(noise) < sigma) == pytest.approx(0.6827, abs=0.04)
        fresh = [(noise[0], noise[1]), (noise[..., 0], noise[..., 1]), (noise[:, :, 1:], noise[:, :, :-1])]
        assert all(abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.02 for a, b in fresh)

    @pytest.mark.parametrize("quality", [40, 75, 95])
    def test_jpeg_does_what_another_encoder_does(self, quality):
        image = pytest.importorskip("PIL.Image")
        frame = np.rint(picture(64, 64) + np.random.default_rng(0).normal(0, 12, (64, 64, 3))).clip(0, 255)
        frame = frame.astype(np.uint8)
        file = io.BytesIO()
        image.fromarray(frame).save(file, "JPEG", quality=quality)
        theirs = np.asarray(image.open(file), float)
        ours = change(steps.Jpeg((quality, quality)), frame)[0]
        lost = np.abs(theirs - frame).mean()
        assert np.abs(ours - theirs).mean() < 0.25 * lost
        assert np.abs(ours - frame.astype(float)).mean() == pytest.approx(lost, rel=0.1)

    @pytest.mark.parametrize("factor", [0.5, 0.6])
    def test_downscale_loses_fine_stripes_only(self, factor):
        smaller = steps.Downscale((factor, factor))
        stripes = np.repeat(np.tile(np.uint8([40, 200]), (64, 32))[..., None], 3, axis=2)
        assert change(smaller, stripes)[0, 8:-8, 8:-8].std() < 0.25 * stripes.std()
        ramp = np.repeat(np.tile(np.arange(64, dtype=np.uint8) * 3, (64, 1))[..., None], 3, axis=2)
        np.testing.assert_allclose(change(smaller, ramp)[0, :, 4:-4], ramp[:, 4:-4], atol=1)

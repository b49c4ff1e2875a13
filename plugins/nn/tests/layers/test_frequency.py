from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from scipy.signal import correlate2d
from torch.nn import functional as F

from deepfake_nn.layers import DctStatistics, FrequencyBranch, ResidualStatistics

LUMA = np.array([0.299, 0.587, 0.114])
SECOND_X, SECOND_Y, SQUARE_5 = 2, 3, 7


def noise(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*size, generator=torch.Generator().manual_seed(seed))


def a_face(seed: int = 0, side: int = 64) -> torch.Tensor:
    """Shading with a little sensor noise, in steps of 8 bits."""
    shading = F.interpolate(noise(2, 3, 5, 5, seed=seed), size=(side, side), mode="bicubic")
    grain = 0.02 * torch.randn(shading.shape, generator=torch.Generator().manual_seed(seed))
    return ((shading + grain).clamp(0, 1) * 255).round() / 255


def grey(luma: torch.Tensor) -> torch.Tensor:
    """``[H, W]`` to ``[1, 3, H, W]``."""
    return luma.expand(1, 3, *luma.shape)


def facts(rgb: torch.Tensor) -> torch.Tensor:
    """``[8 kernels, 5 facts]`` of one frame."""
    return ResidualStatistics()(rgb)[0].unflatten(0, (8, 5))


class TestDct:
    @pytest.mark.parametrize(
        "frames", [noise(2, 3, 64, 64), a_face(1), a_face(2).double()], ids=["noise", "face", "f64"]
    )
    def test_equals_scipys(self, frames):
        luma = np.einsum("c,nchw->nhw", LUMA, frames.double().numpy())
        blocks = np.log(np.abs(dctn(luma, axes=(1, 2), norm="ortho")) + 1e-6).reshape(-1, 8, 8, 8, 8)
        level, spread = blocks.mean(axis=(2, 4)).reshape(-1, 64), blocks.std(axis=(2, 4)).reshape(-1, 64)
        np.testing.assert_allclose(DctStatistics()(frames), np.hstack([level, spread]), rtol=0, atol=1e-3)

    def test_is_exact_in_the_median(self):
        """A few coefficients that happen to be nearly zero account for most of the tolerance above."""
        luma = np.einsum("c,nchw->nhw", LUMA, a_face(1).double().numpy())
        blocks = np.log(np.abs(dctn(luma, axes=(1, 2), norm="ortho")) + 1e-6).reshape(-1, 8, 8, 8, 8)
        errors = np.abs(DctStatistics()(a_face(1))[:, :64].numpy() - blocks.mean(axis=(2, 4)).reshape(-1, 64))
        assert np.median(errors) < 1e-5

    @pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 60), (40, 9), (63, 63)])
    def test_a_cosine_shows_in_its_own_block_only(self, row, column):
        at = torch.arange(64) + 0.5
        luma = 0.5 + 0.4 * torch.outer(
            torch.cos(math.pi * row * at / 64), torch.cos(math.pi * column * at / 64)
        )  # a basis image of the DCT
        plain = DctStatistics()(grey(torch.full((64, 64), 0.5)))[0, :64]
        raised = DctStatistics()(grey(luma))[0, :64] - plain
        assert raised.argmax() == 8 * (row // 8) + column // 8

    def test_one_colour_has_a_mean_and_nothing_else(self):
        level, spread = DctStatistics()(torch.full((1, 3, 64, 64), 0.7))[0].chunk(2)
        floor = math.log(1e-6)
        torch.testing.assert_close(level[1:], torch.full((63,), floor), rtol=0, atol=1e-4)
        assert spread[1:].max() < 1e-4
        # The first of 64 coefficients is 64 times the mean: ln 44.8.
        assert level[0].item() == pytest.approx((math.log(64 * 0.7) + 63 * floor) / 64, abs=1e-4)

    def test_scaling_down_folds_nothing_back(self):
        """Noise of more than 64 cycles per frame is too fine for 64 pixels; picking every fourth makes it coarse."""
        spectrum = torch.fft.rfft2(noise(256, 256) - 0.5)
        cycles = torch.hypot(torch.fft.fftfreq(256)[:, None], torch.fft.rfftfreq(256)[None, :]) * 256
        luma = (0.5 + torch.fft.irfft2(spectrum * (cycles > 64))).clamp(0, 1)
        scaled = DctStatistics()(grey(luma))[0, :64]
        picked = DctStatistics()(grey(luma[::4, ::4]))[0, :64]
        assert ((scaled - picked)[1:] < -math.log(10)).all()

    def test_is_differentiable(self):
        frames = a_face(3, side=8)[:1].double().requires_grad_()
        statistics = DctStatistics()
        direction = torch.randn(128, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        (gradient,) = torch.autograd.grad((statistics(frames)[0] * direction).sum(), frames)
        step = 1e-8 * torch.randn(frames.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            change = ((statistics(frames + step) - statistics(frames - step))[0] * direction).sum()
        assert (gradient * 2 * step).sum().item() == pytest.approx(change.item(), rel=1e-3)

    def test_gradients_of_one_colour_are_finite(self):
        frames = torch.full((1, 3, 64, 64), 0.5, requires_grad=True)
        DctStatistics()(frames).sum().backward()
        assert frames.grad.isfinite().all()


class TestResiduals:
    def test_white_noise_gives_the_known_numbers(self):
        """Deviation s in, s out, a normal distribution; correlations are those of the kernel with itself, shifted."""
        s = 0.05
        luma = 0.5 + s * torch.randn(600, 600, generator=torch.Generator().manual_seed(0))
        level, tails, flatness, right, below = facts(grey(luma)).T
        torch.testing.assert_close(level, torch.full((8,), math.log(s * math.sqrt(2 / math.pi))), rtol=0, atol=0.03)
        torch.testing.assert_close(tails, torch.full((8,), 0.2258), rtol=0, atol=0.01)
        # E ln|z| - ln E|z|; the floor of 1e-4 lifts it by about 0.01 at this level.
        torch.testing.assert_close(flatness, torch.full((8,), -0.409), rtol=0, atol=0.02)
        first, second, third = [-1, 1], [1, -2, 1], [-1, 3, -3, 1]
        square_3 = np.outer(second, second)
        square_5 = np.array(
            [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]
        )
        rows = [np.atleast_2d(k) for k in (first, second, third)]
        kernels = [k for row in rows for k in (row, row.T)] + [-square_3, square_5]
        for k, (kernel, to_right, to_below) in enumerate(zip(kernels, right, below, strict=True)):
            itself = np.pad(correlate2d(kernel, kernel) / (kernel**2).sum(), 1)
            y, x = itself.shape[0] // 2, itself.shape[1] // 2
            assert to_right.item() == pytest.approx(itself[y, x + 1], abs=0.02), k
            assert to_below.item() == pytest.approx(itself[y + 1, x], abs=0.02), k

    def test_a_ramp_leaves_nothing_but_its_slope(self):
        """Differences of first order see the slope; all others see straight lines as nothing."""
        luma = torch.linspace(0.2, 0.8, 65)[None, :].expand(65, 65)
        level = facts(grey(luma))[:, 0].exp() - 1e-4
        slope = 0.6 / 64 / math.sqrt(2)
        torch.testing.assert_close(level, torch.tensor([slope, 0, 0, 0, 0, 0, 0, 0]), rtol=1e-3, atol=1e-6)

    def test_one_colour_is_all_floor(self):
        level, tails, flatness, right, below = facts(torch.full((1, 3, 20, 20), 0.5)).T
        torch.testing.assert_close(level, torch.full((8,), math.log(1e-4)), rtol=1e-3, atol=0)
        for rest in (tails, flatness, right, below):
            assert rest.abs().max() < 1e-2

    def test_smoothing_takes_the_grain_and_ties_neighbours(self):
        sharp = a_face(4, side=128)
        smooth = F.avg_pool2d(sharp, 3, stride=1)
        before, after = facts(sharp[:1]), facts(smooth[:1])
        assert (after[:, 0] < before[:, 0] - 0.5).all()
        assert after[SECOND_X, 3] > before[SECOND_X, 3] + 0.1
        assert after[SECOND_Y, 4] > before[SECOND_Y, 4] + 0.1

    def test_outliers_show_as_tails_and_pasted_smoothness_as_flatness(self):
        luma = 0.5 + 0.02 * torch.randn(128, 128, generator=torch.Generator().manual_seed(5))
        spots, patched = luma.clone(), luma.clone()
        spots[::16, ::16] = 1.0
        patched[32:96, 32:96] = 0.5
        plain = facts(grey(luma))
        assert (facts(grey(spots))[:, 1] > plain[:, 1] + 0.1).all()
        assert (facts(grey(patched))[:, 2] < plain[:, 2] - 0.3).all()

    def test_turning_a_face_on_its_side_swaps_rows_and_columns(self):
        face = a_face(6)[:1]
        turned = facts(face.transpose(2, 3))
        swapped = facts(face)[[1, 0, 3, 2, 5, 4, 6, 7]][:, [0, 1, 2, 4, 3]]
        torch.testing.assert_close(turned, swapped, rtol=1e-4, atol=1e-5)

    def test_is_differentiable(self):
        for frames in (a_face(7), torch.full((1, 3, 16, 16), 0.5)):
            frames = frames.clone().requires_grad_()
            ResidualStatistics()(frames).sum().backward()
            assert frames.grad.isfinite().all()

    def test_frames_smaller_than_the_kernels_are_refused(self):
        assert ResidualStatistics()(noise(1, 3, 6, 6)).isfinite().all()
        with pytest.raises(ValueError, match="6 x 6"):
            ResidualStatistics()(noise(1, 3, 5, 9))


@pytest.mark.parametrize("front", [DctStatistics(), ResidualStatistics()], ids=["dct", "residuals"])
class TestFronts:
    def test_rows_don_t_depend_on_each_other(self, front):
        frames = a_face(8)
        together = front(frames)
        assert together.shape == (2, front.out_features)
        torch.testing.assert_close(front(frames[1:]), together[1:], rtol=0, atol=1e-3)

    def test_autocast_and_half_precision_are_computed_in_float32(self, front):
        frames = a_face(9).bfloat16()
        with torch.autocast("cpu", torch.bfloat16):
            inside = front(frames)
        assert inside.dtype == torch.float32
        assert torch.equal(inside, front(frames.float()))

    def test_holds_no_weights_and_no_state(self, front):
        assert not list(front.parameters()) and not front.state_dict()

    @pytest.mark.parametrize(
        ("frames", "match"),
        [
            (noise(2, 3, 8, 8) * 4 - 2, "unnormalised"),
            (noise(2, 3, 8, 8) * 255, "unnormalised"),
            ((noise(2, 3, 8, 8) * 255).byte(), "not float"),
            (noise(2, 1, 8, 8), "not float"),
            (noise(3, 8, 8), "not float"),
        ],
    )
    def test_other_input_is_refused(self, front, frames, match):
        with pytest.raises(ValueError, match=match):
            front(frames)


class TestBranch:
    @pytest.mark.parametrize(("residuals", "statistics"), [(False, 128), (True, 168)])
    def test_shapes(self, residuals, statistics):
        branch = FrequencyBranch(12, residuals=residuals)
        assert branch(a_face(0)).shape == (2, branch.out_features) == (2, 12)
        assert branch.perceptron[1].in_features == statistics

    def test_the_perceptron_gets_every_number_standardised(self):
        branch, frames = FrequencyBranch(4, residuals=True), torch.cat([a_face(seed) for seed in range(6)])
        seen = []
        branch.perceptron[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        branch(frames)
        torch.testing.assert_close(seen[0].mean(dim=0), torch.zeros(168), rtol=0, atol=1e-3)
        assert ((seen[0].std(dim=0, correction=0) > 0.2) & (seen[0].std(dim=0, correction=0) < 1.001)).all()

    def test_learns_to_tell_a_smoothed_face_from_its_original(self):
        """Ten faces to learn from, ten new ones to tell apart."""
        torch.manual_seed(0)
        branch, readout = FrequencyBranch(16, residuals=True), torch.nn.Linear(16, 1)
        sharp = torch.cat([a_face(seed, side=66) for seed in range(10)])
        frames = torch.cat([sharp[:, :, 1:-1, 1:-1], F.avg_pool2d(sharp, 3, stride=1)])
        target = torch.arange(2).repeat_interleave(len(sharp)).float()
        learn, unseen = torch.arange(len(frames)) % len(sharp) < 10, torch.arange(len(frames)) % len(sharp) >= 10
        optimiser = torch.optim.AdamW([*branch.parameters(), *readout.parameters()], lr=1e-3)
        for _ in range(30):
            optimiser.zero_grad()
            F.binary_cross_entropy_with_logits(readout(branch(frames[learn]))[:, 0], target[learn]).backward()
            optimiser.step()
        branch.eval()
        assert ((readout(branch(frames[unseen]))[:, 0] > 0) == (target[unseen] > 0.5)).all()

    def test_autocast_trains_every_weight(self):
        branch = FrequencyBranch(8, residuals=True)
        with torch.autocast("cpu", torch.bfloat16):
            branch(a_face(0)).float().square().sum().backward()
        for name, weight in branch.named_parameters():
            assert weight.grad is not None and weight.grad.isfinite().all(), name

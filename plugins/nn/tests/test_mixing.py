from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_nn.mixing import ClipMixer

SEEDS = st.integers(0, 2**31)
KINDS = {"mixup": ClipMixer(mixup_alpha=1.0), "cutmix": ClipMixer(cutmix_alpha=1.0)}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def coloured(values: list[float], frames: int = 4, side: int = 12) -> torch.Tensor:
    """Each clip of one value, so that a pixel says whose it is."""
    return torch.tensor(values)[:, None, None, None, None].expand(-1, frames, 3, side, side).clone()


def real_first(*lengths: int, frames: int = 4) -> torch.Tensor:
    return torch.arange(frames) < torch.tensor(lengths)[:, None]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, lengths=st.lists(st.integers(1, 4), min_size=2, max_size=2))
def test_the_label_is_the_partners_share_of_real_pixels(kind, seed, lengths):
    """A black real clip and a white fake one: the mean over real frames is the probability to be learned."""
    mask = real_first(*lengths)
    clips, same_mask, target = KINDS[kind](coloured([0.0, 1.0]), mask, torch.tensor([0.0, 1.0]), seeded(seed))
    assert same_mask is mask
    for clip, real, label in zip(clips, mask, target, strict=True):
        assert clip[real].mean().item() == pytest.approx(label.item(), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_all_frames_of_a_clip_are_mixed_alike(kind, seed):
    clips, _, _ = KINDS[kind](coloured([0.0, 0.4, 1.0]), real_first(4, 4, 4), torch.zeros(3), seeded(seed))
    for frame in range(4):
        assert torch.equal(clips[:, frame], clips[:, 0])
    assert torch.equal(clips[:, :, 0], clips[:, :, 1])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_cutmix_pastes_one_rectangle(seed):
    clips, _, _ = KINDS["cutmix"](coloured([0.0, 1.0]), real_first(4, 4), torch.zeros(2), seeded(seed))
    box = clips[0, 0, 0]
    assert set(box.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(box, torch.outer(box.amax(dim=1), box.amax(dim=0)))
    rows = box.amax(dim=1).nonzero()[:, 0]
    assert len(rows) == 0 or len(rows) == rows[-1] - rows[0] + 1
    assert torch.equal(clips[1, 0, 0], 1 - box)


def test_the_box_has_the_drawn_area_before_the_border_cuts_it():
    """Strengths close to 1/2: a side of 100 pixels times the root of 1/2."""
    mixer = ClipMixer(cutmix_alpha=1e6)
    clips, mask = coloured([0.0, 1.0], frames=1, side=100), real_first(1, 1, frames=1)
    boxes = [mixer(clips, mask, torch.zeros(2), seeded(seed))[0][0, 0, 0] for seed in range(40)]
    assert max(box.amax(dim=1).sum().item() for box in boxes) == pytest.approx(70.7, abs=1)
    assert max(box.amax(dim=0).sum().item() for box in boxes) == pytest.approx(70.7, abs=1)
    assert min(box.sum().item() for box in boxes) < 0.4 * 100**2


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_mixup_is_a_weighted_mean_with_one_weight(seed):
    clips = torch.rand(2, 3, 3, 5, 5, generator=seeded(1))
    mixed, _, target = KINDS["mixup"](clips, real_first(3, 3, frames=3), torch.tensor([0.0, 1.0]), seeded(seed))
    share = target[0]
    torch.testing.assert_close(mixed[0], (1 - share) * clips[0] + share * clips[1], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(mixed[1], (1 - share) * clips[1] + share * clips[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_frames_that_the_partner_lacks_stay_and_padding_doesn_t_leak(kind):
    clips, mask = coloured([0.0, 1.0]), real_first(4, 2)
    clips[~mask] = torch.nan
    changed = 0
    for seed in range(20):
        mixed, _, target = KINDS[kind](clips, mask, torch.tensor([0.0, 1.0]), seeded(seed))
        assert (mixed[0, 2:] == 0).all()
        assert mixed[mask].isfinite().all() and mixed[~mask].isnan().all()
        assert target[0] <= 0.5
        changed += int((mixed[0, :2] > 0).any())
    assert changed > 10


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_its_own_partner(seed):
    """Clip k holds 4^k, targets 0: what is added to a clip names its partner."""
    values = [1.0, 4.0, 16.0, 64.0]
    mixer = ClipMixer(mixup_alpha=1.0)
    mixed, _, _ = mixer(coloured(values), real_first(4, 4, 4, 4), torch.zeros(4), seeded(seed))
    assert all(mixed[k].unique().item() != values[k] for k in range(4))


def test_strengths_follow_their_beta_distribution():
    """Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1))."""
    clips, mask, target = coloured([0.0, 1.0], frames=1, side=1), real_first(1, 1, frames=1), torch.tensor([0.0, 1.0])
    for alpha in (0.2, 1.0):
        mixer, generator = ClipMixer(mixup_alpha=alpha), seeded(0)
        shares = torch.stack([mixer(clips, mask, target, generator)[2][0] for _ in range(1500)])
        assert shares.mean().item() == pytest.approx(0.5, abs=0.04)
        assert shares.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_probability_and_choice_are_kept_to():
    clips, mask, target = coloured([0.0, 1.0], frames=1, side=8), real_first(1, 1, frames=1), torch.tensor([0.0, 1.0])
    mixer, generator = ClipMixer(mixup_alpha=1.0, cutmix_alpha=1.0, probability=0.4), seeded(0)
    seen = {"as it was": 0, "blended": 0, "pasted": 0}
    for _ in range(1000):
        mixed, _, _ = mixer(clips, mask, target, generator)
        inner = ((mixed > 0) & (mixed < 1)).any()
        seen["as it was" if mixed is clips else "blended" if inner else "pasted"] += 1
    assert seen["as it was"] == pytest.approx(600, abs=60)
    assert seen["blended"] == pytest.approx(200, abs=50)


@pytest.mark.parametrize("mixer", [ClipMixer(), ClipMixer(mixup_alpha=1.0, probability=0.0)])
def test_mixing_can_be_left_out(mixer):
    clips, mask, target = coloured([0.0, 1.0]), real_first(4, 4), torch.tensor([0.0, 1.0])
    assert mixer(clips, mask, target, seeded(0)) == (clips, mask, target)


def test_a_batch_of_one_stays_as_it_is():
    clips, mask, target = coloured([0.5]), real_first(3), torch.tensor([1.0])
    assert KINDS["mixup"](clips, mask, target, seeded(0)) == (clips, mask, target)


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_decides_and_the_input_isn_t_touched(kind):
    clips, mask, target = torch.rand(3, 4, 3, 9, 9), real_first(4, 3, 2), torch.tensor([0.0, 1.0, 1.0])
    before = clips.clone()
    first, again, other = (KINDS[kind](clips, mask, target, seeded(seed)) for seed in (5, 5, 6))
    assert torch.equal(clips, before) and target.tolist() == [0, 1, 1]
    assert torch.equal(first[0], again[0]) and torch.equal(first[2], again[2])
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_clips_are_mixed(kind):
    clips, _, target = KINDS[kind](
        coloured([0.0, 1.0]).bfloat16(), real_first(4, 4), torch.tensor([0.0, 1.0]), seeded(0)
    )
    assert clips.dtype == torch.bfloat16 and target.dtype == torch.float32
    assert clips[0].float().mean().item() == pytest.approx(target[0].item(), abs=4e-3)


@pytest.mark.parametrize("wrong", [{"mixup_alpha": -1.0}, {"cutmix_alpha": -0.1}, {"probability": 1.1}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        ClipMixer(**wrong)

"""Real and pseudo-fake of a pair differ in the blend and in nothing else, and come side by side."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from deepfake_core import Extracted
from deepfake_faces.crops import FaceCrops
from deepfake_nn.clips import Draw, load, read_clip
from deepfake_selfblend.meshes import MESH, load_meshes
from deepfake_selfblend.pairs import PairSet


@pytest.fixture
def reals(portraits):
    return [video for video in portraits if video.label == 0]


def plain(settings, nothing, **other):
    """Settings whose pseudo-fakes are the real face."""
    return settings.model_copy(update={**nothing.model_dump(), "compression": 0.0, **other})


def test_both_are_augmented_alike(reals, clips, quick, nothing):
    pairs = PairSet(reals, clips, plain(quick, nothing), augmentation="strong")
    for seed in range(12):
        (real, no), (fake, yes) = pairs.samples(Draw(seed % len(reals), 3, 0.4, seed))
        assert (no, yes) == (0, 1)
        assert torch.equal(real, fake)


def test_both_are_compressed_alike(reals, clips, quick, nothing):
    draw = Draw(0, 2, 0.5, 9)
    (real, _), (fake, _) = PairSet(reals, clips, plain(quick, nothing, compression=1.0)).samples(draw)
    (before, _), _ = PairSet(reals, clips, plain(quick, nothing)).samples(draw)
    assert torch.equal(real, fake)
    assert not torch.equal(real, before)


@pytest.mark.parametrize("upright", [None, 0.0])
def test_the_real_is_what_is_scored(reals, clips, quick, nothing, upright):
    settings = plain(quick, nothing, upright_above_deg=upright)
    for position, video in enumerate(reals):
        (real, _), _ = PairSet(reals, clips, settings).samples(Draw(position, 4, 0.5, 0))
        assert torch.equal(real, read_clip(FaceCrops.load(clips[video.video_id].path), settings, frames=4))


def test_a_draw_decides_everything(reals, clips, quick):
    pairs = PairSet(reals, clips, quick, augmentation="standard")
    first, again, other = (pairs.samples(Draw(1, 2, 0.5, seed))[1][0] for seed in (2**61 + 4, 2**61 + 4, 2**60 + 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_all_frames_of_a_clip_have_one_blend(reals, clips, quick, nothing):
    """Where colours alone change, they change by the same in every frame."""
    settings = plain(quick, nothing, colour=1.0, strengths=(1.0,), masks=("face",))
    made = PairSet(reals, clips, settings)
    for seed in range(4):
        (real, _), (fake, _) = made.samples(Draw(0, 4, 0.5, seed))
        gap = (fake.float() - real.float())[:, :, 24:36, 26:38].mean(dim=(2, 3))
        assert gap.std(dim=0).max() < 1.5


def test_a_batch_has_pairs_side_by_side(reals, clips, quick):
    pairs = PairSet(reals, clips, quick, augmentation="standard")
    (batch,) = load(pairs, [[Draw(2, 1, 0.1, 5), Draw(0, 1, 0.7, 6)]], workers=1)
    assert batch.target.tolist() == [0, 1, 0, 1]
    assert batch.position.tolist() == [2, 2, 0, 0]
    assert batch.frames.shape == (4, 1, 3, 64, 64)


def test_frames_without_landmarks_have_no_part(reals, clips, quick, tmp_path):
    video = reals[0]
    folder = tmp_path / "clip"
    shutil.copytree(clips[video.video_id].path, folder)
    points = np.array(load_meshes(folder))
    points[np.arange(len(points)) != 4] = np.nan
    np.save(folder / MESH, points)
    settings = quick.model_copy(
        update={"frames": 16, "compression": 0.0, "base_compression": 0.0, "colour": 0.0, "sharpness": 0.0}
    )
    pairs = PairSet([video], {video.video_id: Extracted(video.video_id, folder)}, settings)
    (real, _), (fake, _) = pairs.samples(Draw(0, 16, 0.5, 3))
    crops = FaceCrops.load(folder)
    row = crops.usable(settings)[4]
    seen = crops.read(np.array([row]), size=64, margin=settings.margin, upright_above_deg=None)
    assert np.array_equal(real.permute(0, 2, 3, 1).numpy(), seen)
    assert fake.shape == real.shape

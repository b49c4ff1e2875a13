"""Clips come as they were asked for: complete, padded, in an order that only seed and epoch decide."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
import torch

from deepfake_core import VideoRecord
from deepfake_core.contract.records import Extracted
from deepfake_faces.crops import FaceCrops
from deepfake_faces.settings import ViewSettings
from deepfake_nn.clips import ClipSet, Draw, FrameStages, Loader, Plan, collate, in_order, load, read_clip

VIEW = ViewSettings(sampled_frames=8, frames=8, size=32, margin=0.0)
ALL = FrameStages((), (), 8)


def plan(count: int = 10, batch_size: int = 4, stages: FrameStages = ALL, seed: int = 1) -> Plan:
    return Plan(count, batch_size=batch_size, stages=stages, seed=seed)


def positions(batches) -> list[int]:
    return [draw.position for batch in batches for draw in batch]


def test_an_epoch_has_every_clip_once_in_an_order_of_its_own():
    orders = []
    for epoch in range(3):
        one = plan()
        one.set_epoch(epoch)
        orders.append(positions(one))
        assert sorted(orders[-1]) == list(range(10))
        assert [len(batch) for batch in one] == [4, 4, 2] and len(one) == 3
    assert orders[0] != orders[1] != orders[2]
    again = plan()
    again.set_epoch(1)
    assert positions(again) == orders[1]


def test_weights_draw_with_replacement():
    one = plan(count=4, batch_size=4)
    one.weights = torch.tensor([0.0, 0.0, 0.75, 0.25], dtype=torch.float64)
    drawn = []
    for epoch in range(300):
        one.set_epoch(epoch)
        drawn += positions(one)
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    assert shares[:2].tolist() == [0, 0]
    assert shares[2] == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / len(drawn)))


def test_processes_that_train_together_share_the_epoch(monkeypatch):
    shares = []
    for rank in range(2):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        shares.append(positions(Plan(5, batch_size=2, stages=ALL, seed=1, world=2)))
    assert [len(share) for share in shares] == [3, 3]
    assert set(shares[0]) | set(shares[1]) == set(range(5))


def test_frames_grow_with_the_epochs():
    stages = FrameStages((2, 4), (5, 15), 8)
    assert [stages.at(epoch) for epoch in (0, 4, 5, 14, 15, 39)] == [2, 2, 4, 4, 8, 8]


def test_fewer_frames_are_spread_over_the_clip(crops):
    clip = FaceCrops.load(crops("a", 0, 0))
    whole = read_clip(clip, VIEW, frames=8)
    assert whole.shape == (8, 3, 32, 32) and whole.dtype == torch.uint8
    for phase, expected in ((0.0, [0, 4]), (0.5, [2, 6]), (0.999, [3, 7])):
        assert torch.equal(read_clip(clip, VIEW, frames=2, phase=phase), whole[expected])


def test_a_batch_is_padded_to_its_longest_clip():
    items = [(torch.full((n, 3, 4, 4), n, dtype=torch.uint8), n % 2) for n in (1, 3, 2)]
    batch = collate(items, [7, 0, 4])
    assert batch.frames.shape == (3, 3, 3, 4, 4)
    assert batch.mask.tolist() == [[True, False, False], [True, True, True], [True, True, False]]
    assert batch.frames[batch.mask].float().mean(dim=(1, 2, 3)).tolist() == [1, 3, 3, 3, 2, 2]
    assert not batch.frames[~batch.mask].any()
    assert batch.target.tolist() == [1, 1, 0]
    assert batch.position.tolist() == [7, 0, 4]


@pytest.fixture
def clips(stripes) -> ClipSet:
    fold, extracted = stripes
    return ClipSet(fold.train, extracted, VIEW, augmentation="standard")


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_don_t_depend_on_the_threads_that_load_them(clips, workers):
    one = plan(count=len(clips))
    for alone, threaded in zip(load(clips, one, workers=0), load(clips, one, workers=workers), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(alone, threaded, strict=True))


def test_few_batches_are_in_memory(clips, monkeypatch):
    read = []
    monkeypatch.setattr(ClipSet, "__getitem__", lambda self, draw: read.append(draw) or (torch.zeros(1, 3, 4, 4), 0))
    batches = load(clips, ([Draw(n, 8)] for n in itertools.count()), workers=2)
    for _ in range(5):
        next(batches)
    assert 5 <= len(read) <= 5 + 2 * 2
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("load")]


def test_a_clip_that_can_t_be_read_stops_the_loading(tmp_path):
    video = VideoRecord("gone", tmp_path / "gone.mp4", 0)
    lost = ClipSet([video], {"gone": Extracted("gone", tmp_path / "lost")}, VIEW)
    with pytest.raises(FileNotFoundError, match="lost"):
        list(load(lost, in_order(1, 8), workers=1))


def test_an_interrupted_epoch_goes_on_with_the_next_batch(clips):
    whole = list(Loader(clips, plan(count=len(clips)), workers=1))
    first = Loader(clips, plan(count=len(clips)), workers=1)
    batches = iter(first)
    next(batches)
    state = first.state_dict()
    batches.close()

    second = Loader(clips, plan(count=len(clips)), workers=1)
    second.load_state_dict(state)
    rest = list(second)
    assert len(second) == len(whole) == len(rest) + 1
    assert all(torch.equal(a.frames, b.frames) for a, b in zip(whole[1:], rest, strict=True))
    assert len(list(second)) == len(whole), "the epoch after is whole again"


def test_samples_of_one_clip_stand_side_by_side(stripes):
    class Twice(ClipSet):
        def samples(self, draw):
            frames, label = self[draw]
            return (frames, label), (255 - frames, 1 - label)

    fold, extracted = stripes
    (batch,) = load(Twice(fold.train, extracted, VIEW), [[Draw(3, 2), Draw(0, 5)]], workers=1)
    assert batch.position.tolist() == [3, 3, 0, 0]
    assert batch.target.tolist() == [1, 0, 0, 1]
    assert batch.mask.sum(dim=1).tolist() == [2, 2, 5, 5]
    assert torch.equal(batch.frames[2], 255 - batch.frames[3])

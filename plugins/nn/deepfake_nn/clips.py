"""How do cached face crops become batches, without a data set in memory?"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake_core import Clips, VideoRecord
from deepfake_faces.crops import FaceCrops
from deepfake_faces.settings import ViewSettings
from deepfake_nn.augment import RecipeName, recipe


class Draw(NamedTuple):
    """One clip as a batch asks for it.

    Attributes:
        position: of the clip in its set.
        frames: at most so many.
        phase: which ones, if the clip has more: see ``read_clip``.
        seed: of its augmentation.
    """

    position: int
    frames: int
    phase: float = 0.5
    seed: int = 0


class Batch(NamedTuple):
    """Clips side by side.

    Attributes:
        frames: ``[B, T, 3, H, W] uint8``, zero where a clip has fewer frames.
        mask: ``[B, T] bool``, True for a real frame; these come first.
        target: P(fake), ``[B] float32``.
        position: of each clip in its set, ``[B] int64``.
    """

    frames: torch.Tensor
    mask: torch.Tensor
    target: torch.Tensor
    position: torch.Tensor


def read_clip(crops: FaceCrops, view: ViewSettings, *, frames: int, track: int = 0, phase: float = 0.5) -> torch.Tensor:
    """A clip's faces as the network sees them.

    Args:
        crops: of one video.
        view: gates, size, margin, alignment.
        frames: at most so many, one from each of so many equal stretches of those that pass the gates.
        track: which face.
        phase: where in its stretch a frame is taken, 0 to 1.

    Returns:
        ``[T, 3, size, size] uint8``, channels last in memory.
    """
    rows = spread(crops.usable(view, track), frames, phase)
    pixels = crops.read(rows, size=view.size, margin=view.margin, upright_above_deg=view.upright_above_deg)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def spread(rows: NDArray[np.intp], frames: int, phase: float) -> NDArray[np.intp]:
    """At most ``frames`` of the rows: one from each of so many equal stretches, ``phase`` (0 to 1) of the way through it."""
    if len(rows) <= frames:
        return rows
    return rows[((np.arange(frames) + phase) * len(rows) / frames).astype(int)]


Sample = tuple[torch.Tensor, int]
"""A clip as the network sees it, ``[T, 3, H, W] uint8``, and its label."""


class ClipSet:
    """Labelled clips, read and augmented when asked for.

    A subclass may make several samples of a clip; they come in one batch.

    Args:
        videos: labelled.
        clips: their extractions.
        view: how the network sees a face.
        augmentation: name of a recipe.
    """

    def __init__(
        self, videos: Sequence[VideoRecord], clips: Clips, view: ViewSettings, *, augmentation: RecipeName = "none"
    ) -> None:
        self.labels = tuple(int(video.label or 0) for video in videos)
        self._folders = tuple(clips[video.video_id].path for video in videos)
        self._view = view
        self._augment = recipe(augmentation)

    def __len__(self) -> int:
        return len(self.labels)

    def samples(self, draw: Draw) -> Sequence[Sample]:
        """What a batch gets of a clip: here the clip itself."""
        return (self[draw],)

    def __getitem__(self, draw: Draw) -> Sample:
        folder = self._folders[draw.position]
        assert folder is not None  # clips that have none aren't handed to a stream
        frames = read_clip(FaceCrops.load(folder), self._view, frames=draw.frames, phase=draw.phase)
        return self._augment(frames, draw.seed), self.labels[draw.position]


def collate(items: Sequence[Sample], positions: Sequence[int]) -> Batch:
    """Pads clips ``[T, 3, H, W]``, which come with their labels, to the longest of them."""
    # By NumPy: loading threads that use PyTorch's operators have each a pool of threads, in the way of the training's.
    clips = [frames.permute(0, 2, 3, 1).numpy() for frames, _ in items]
    _, height, width, channels = clips[0].shape
    frames = np.zeros((len(clips), max(len(clip) for clip in clips), height, width, channels), np.uint8)
    mask = np.zeros(frames.shape[:2], bool)
    for row, clip in enumerate(clips):
        frames[row, : len(clip)] = clip
        mask[row, : len(clip)] = True
    target = np.array([label for _, label in items], np.float32)
    return Batch(
        torch.from_numpy(frames).permute(0, 1, 4, 2, 3),
        torch.from_numpy(mask),
        torch.from_numpy(target),
        torch.from_numpy(np.array(positions, np.int64)),
    )


@dataclass(frozen=True)
class FrameStages:
    """Frames per clip by epoch: few at first, when the network learns the coarse, more later."""

    frames: tuple[int, ...]
    until: tuple[int, ...]
    full: int

    def at(self, epoch: int) -> int:
        """Frames per clip in ``epoch``."""
        return next((n for n, end in zip(self.frames, self.until, strict=True) if epoch < end), self.full)


class Plan:
    """Which clips come in which batch of which epoch: a pure function of seed, epoch and weights.

    So neither the number of loading processes nor an interruption changes what is trained on. ``weights`` draws
    clips with replacement; without, every clip comes once.

    Args:
        count: clips in the set.
        batch_size: clips per batch.
        stages: frames per clip.
        seed: of everything drawn.
        world: how many processes train together; each gets its share of every epoch's clips.
    """

    def __init__(self, count: int, *, batch_size: int, stages: FrameStages, seed: int, world: int = 1) -> None:
        self.count, self.batch_size, self.stages, self.seed, self.world = count, batch_size, stages, seed, world
        self.epoch = 0
        self.start = 0
        self.weights: torch.Tensor | None = None

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch's first batch."""
        self.epoch = epoch

    def __len__(self) -> int:
        share = -(-self.count // self.world)
        return -(-share // self.batch_size)

    def __iter__(self) -> Iterator[list[Draw]]:
        random = torch.Generator().manual_seed(seed_of(self.seed, self.epoch))
        if self.weights is None:
            order = torch.randperm(self.count, generator=random)
        else:
            order = torch.multinomial(self.weights, self.count, replacement=True, generator=random)
        seeds = torch.randint(2**62, (self.count,), generator=random)
        phases = torch.rand(self.count, generator=random)
        # Every process takes as many, or they would wait for each other: the first come twice where it doesn't divide.
        rank = torch.distributed.get_rank() if self.world > 1 else 0
        share = torch.arange(rank, self.world * -(-self.count // self.world), self.world) % self.count
        frames = self.stages.at(self.epoch)
        draws = [Draw(int(order[i]), frames, float(phases[i]), int(seeds[i])) for i in share]
        batches = [draws[i : i + self.batch_size] for i in range(0, len(draws), self.batch_size)]
        yield from batches[self.start :]


class Loader:
    """The training batches; one that is interrupted within an epoch goes on there.

    Lightning keeps ``state_dict`` in its checkpoints.

    Args:
        clips: the set.
        plan: which clips in which batch.
        workers: loading threads.

    Attributes:
        waited_s: seconds in which a batch was asked for and not there yet, since it was last set to 0.
    """

    def __init__(self, clips: ClipSet, plan: Plan, *, workers: int) -> None:
        self.clips = clips
        self.sampler = plan  # under this name Lightning tells it the epoch
        self.waited_s = 0.0
        self._workers = workers
        self._given = 0

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        self._given = self.sampler.start
        batches = load(self.clips, self.sampler, workers=self._workers)
        asked = perf_counter()
        for batch in batches:
            self.sampler.start = 0
            self._given += 1
            self.waited_s += perf_counter() - asked
            yield batch
            asked = perf_counter()

    def state_dict(self) -> dict[str, Any]:
        """How many batches of the epoch were given."""
        return {"given": self._given % len(self)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The next epoch starts there."""
        self.sampler.start = state["given"]


def load(clips: ClipSet, batches: Iterable[Sequence[Draw]], *, workers: int) -> Iterator[Batch]:
    """The batches, each read while those before it are in use.

    By threads: nearly all of the work is done outside of Python's lock, and processes would have to be started anew for
    each fold. At most ``2 * workers`` batches wait in memory.

    Args:
        clips: the set.
        batches: what comes in each.
        workers: loading threads; with 0 a batch is read when it is asked for.
    """
    if workers == 0:
        for draws in batches:
            yield _read(clips, draws)
        return
    todo = iter(batches)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="load", initializer=_alone)

    def submit(draws: Sequence[Draw]) -> Future[Batch]:
        return pool.submit(_read, clips, draws)

    try:
        waiting = deque(submit(draws) for draws in islice(todo, 2 * workers))
        while waiting:
            batch = waiting.popleft().result()
            waiting.extend(submit(draws) for draws in islice(todo, 1))
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)


def _read(clips: ClipSet, draws: Sequence[Draw]) -> Batch:
    made = [(sample, draw.position) for draw in draws for sample in clips.samples(draw)]
    return collate([sample for sample, _ in made], [position for _, position in made])


def _alone() -> None:
    """A thread that loads leaves the other cores to the training."""
    import cv2

    cv2.setNumThreads(1)


def in_order(count: int, frames: int) -> list[list[Draw]]:
    """Every clip once, whole, as it is, alone: so what is measured on one depends on no other."""
    return [[Draw(position, frames)] for position in range(count)]


def seed_of(*numbers: int) -> int:
    """One seed of several."""
    return int(np.random.SeedSequence([number & 0xFFFFFFFF for number in numbers]).generate_state(1, np.uint64)[0] >> 2)

"""How does a fold become a model?"""

from __future__ import annotations

import functools
import logging
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.warnings import PossibleUserWarning
from torch import nn

from deepfake_core import Clips, DeepfakeError, Fold, RunLog, VideoRecord
from deepfake_nn.augment import RecipeName
from deepfake_nn.clips import Batch, ClipSet, FrameStages, Loader, Plan, in_order, load
from deepfake_nn.memory import freed_memory_kept
from deepfake_nn.settings import LearningSettings
from deepfake_nn.training.averaging import Averaging
from deepfake_nn.training.choice import BEST, CARD, Batches, Choice, Finish
from deepfake_nn.training.mining import HardMining
from deepfake_nn.training.module import ClipTraining
from deepfake_nn.training.report import Report
from deepfake_nn.training.resume import CHECKPOINT, Resume

MODEL = "model"

PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


class MakeClips(Protocol):
    """What makes a set of clips."""

    def __call__(
        self, videos: Sequence[VideoRecord], clips: Clips, settings: LearningSettings, /, *, augmentation: RecipeName
    ) -> ClipSet:
        """The set of these videos."""


class OutOfMemory(DeepfakeError):
    """The device's memory is too small for a batch."""


def fit(
    make_network: Callable[[], nn.Module],
    fold: Fold,
    clips: Clips,
    settings: LearningSettings,
    work_dir: Path,
    log: RunLog,
    *,
    stream: str,
    make_auxiliary: Callable[[], nn.Module | None] = lambda: None,
    make_clips: MakeClips = ClipSet,
) -> Path:
    """Trains a fold's network, and goes on where an interrupted call of the same fold stopped.

    Args:
        make_network: called once the seeds are set.
        fold: train and stop videos.
        clips: their extractions.
        settings: how to train.
        work_dir: keeps the last checkpoint and the best epoch's weights while training goes on.
        log: gets the metrics of each epoch and the learning curves.
        stream: what errors call it.
        make_auxiliary: makes the auxiliary loss, as ``TorchStream.auxiliary`` describes it; called after ``make_network``.
        make_clips: makes the sets of clips that are trained on and judged by, as ``TorchStream.clip_set`` describes it.

    Returns:
        the model's folder, with ``weights.safetensors`` and ``model.json``.

    Raises:
        TrainingDiverged: the loss is no number.
        TimeBudgetSpent: ``max_minutes`` are over.
        OutOfMemory: a batch doesn't fit.
    """
    model = work_dir / MODEL
    if not (model / CARD).exists():
        name = f"{stream}, {'refit' if fold.index is None else f'fold {fold.index}'}"
        with _plain_errors(name, settings), _quiet(), _deterministic(), freed_memory_kept():
            _train(make_network, make_auxiliary, make_clips, fold, clips, settings, work_dir, log, name)
    for left in (CHECKPOINT, BEST):
        (work_dir / left).unlink(missing_ok=True)
    return model


def _train(
    make_network: Callable[[], nn.Module],
    make_auxiliary: Callable[[], nn.Module | None],
    make_clips: MakeClips,
    fold: Fold,
    clips: Clips,
    settings: LearningSettings,
    work_dir: Path,
    log: RunLog,
    name: str,
) -> None:
    pl.seed_everything(fold.seed, workers=False, verbose=False)
    network = make_network()
    train = make_clips(fold.train, clips, settings, augmentation=settings.augmentation)
    loader = Loader(train, _plan(train, settings, fold.seed), workers=settings.loader_workers)
    training = ClipTraining(
        network,
        settings,
        alpha=settings.focal_alpha or 1 - sum(train.labels) / len(train),
        steps_per_epoch=-(-len(loader) // settings.accumulate),
        seed=fold.seed,
        name=name,
        auxiliary=make_auxiliary(),
    )
    trainer = pl.Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        strategy=settings.strategy,
        precision=PRECISIONS[settings.precision],
        max_epochs=settings.epochs,
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=settings.clip_norm or None,
        deterministic="warn",
        use_distributed_sampler=False,
        callbacks=_callbacks(make_clips, fold, clips, settings, work_dir, log, loader, name),
        default_root_dir=work_dir,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stderr.isatty(),
    )
    checkpoint = work_dir / CHECKPOINT
    trainer.fit(training, loader, ckpt_path=checkpoint if checkpoint.exists() else None)


def _plan(train: ClipSet, settings: LearningSettings, seed: int) -> Plan:
    stages = FrameStages(settings.progressive_frames, settings.progressive_epochs, settings.frames)
    return Plan(len(train), batch_size=settings.batch_size, stages=stages, seed=seed, world=settings.devices)


def _callbacks(
    make_clips: MakeClips,
    fold: Fold,
    clips: Clips,
    settings: LearningSettings,
    work_dir: Path,
    log: RunLog,
    loader: Loader,
    name: str,
) -> list[pl.Callback]:
    """In the order in which an epoch's end needs them."""
    train = functools.partial(_batches, make_clips, fold.train, clips, settings)
    stop: Batches | None = functools.partial(_batches, make_clips, fold.stop, clips, settings) if fold.stop else None
    averaging = Averaging(settings.swa_from) if settings.swa_from is not None else None
    choice = Choice(
        work_dir,
        work_dir / MODEL,
        stop=stop,
        train=train,
        averaging=averaging,
        patience=settings.patience,
        monitor=settings.monitor,
    )
    callbacks: list[pl.Callback] = [averaging] if averaging else []
    if settings.mining_from is not None:
        callbacks.append(
            HardMining(
                loader.sampler, train, loader.clips.labels, start=settings.mining_from, every=settings.mining_every
            )
        )
    resume = Resume(
        work_dir,
        every_s=60 * settings.checkpoint_minutes,
        budget_s=60 * settings.max_minutes or None,
        name=name,
    )
    return [*callbacks, choice, Report(log, loader, choice), Finish(choice), resume]


def _batches(
    make_clips: MakeClips, videos: Sequence[VideoRecord], clips: Clips, settings: LearningSettings
) -> Iterator[Batch]:
    """The clips as they are, in order."""
    still = make_clips(videos, clips, settings, augmentation="none")
    return load(still, in_order(len(still), settings.frames), workers=settings.loader_workers)


@contextmanager
def _plain_errors(name: str, settings: LearningSettings) -> Iterator[None]:
    """Lightning's ways turned into everyone's: Ctrl-C stays Ctrl-C."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from error
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            f"{name}: {settings.batch_size} clips of {settings.frames} frames at {settings.size} px don't fit in the "
            "device's memory.",
            hint="halve batch_size and double accumulate (the result hardly changes), or set precision=bf16.",
        ) from error


@contextmanager
def _deterministic() -> Iterator[None]:
    """What Lightning switches on for a training ends with it; and nothing is spent on memory that nobody reads.

    By default PyTorch's deterministic mode fills each new tensor before an operator overwrites it.
    """
    mode, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = filled
        torch.use_deterministic_algorithms(mode, warn_only=warns)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out what Lightning says of the machine and advertises, and warnings that concern its authors."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=PossibleUserWarning)
            warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
            warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*before.*optimizer.step.*")
            yield
    finally:
        logger.setLevel(level)

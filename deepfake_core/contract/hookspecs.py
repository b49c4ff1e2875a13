"""Every hook there is: who calls it, when, and what it must return.

A hook is *addressed*: the core calls it on the one plugin that was asked for, so an implementation never
needs to check a name. A plugin in the group ``deepfake_core.wrappers`` (``hookimpl(wrapper=True)``) sees every
call. Take only the parameters you use; give none a default.
"""

# pluggy reads these functions' signatures, not their bodies.
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from deepfake_core.contract.records import (
        Clips,
        DatasetInfo,
        Extracted,
        Fold,
        FoldModel,
        FusedModel,
        FuserInfo,
        Panel,
        Predictions,
        RunLog,
        StreamInfo,
        VideoRecord,
    )
    from deepfake_core.contract.settings import Settings
    from deepfake_core.data.store import Store

PROJECT = "deepfake"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class StreamHooks:
    """What a stream implements: from videos to out-of-fold scores."""

    @hookspec(firstresult=True)
    def stream_info(self) -> StreamInfo:
        """Name, settings class, presets and embedding size. Called at load; must be quick and import nothing heavy."""

    @hookspec(firstresult=True)
    def extract(self, video: VideoRecord, settings: Settings, store: Store) -> Extracted:
        """Turns one video into the stream's input and keeps it in the store.

        Called once per video, in any process and order; ``video`` carries no label. A video that can't be used
        raises a ``VideoError``: its row keeps the error's status. Keep results with ``store.video_entry``, so that
        a second call returns at once. Only a stream that announces ``real_only`` is asked for pseudo-fakes
        (``video.pseudo``); their file is that of the real video, so they need an extractor name of their own in the store.
        """

    @hookspec(firstresult=True)
    def train_fold(self, fold: Fold, clips: Clips, settings: Settings, work_dir: Path, log: RunLog) -> FoldModel:
        """Trains one model on ``fold.train`` and returns its folder, inside ``work_dir``.

        ``clips`` holds the usable train and stop videos and no others. ``work_dir`` may hold what an interrupted
        call of the same fold left there: resume from it or start over. Write safe formats only (nothing that
        unpickles). The same arguments must give the same model, byte for byte on one machine.
        """

    @hookspec(firstresult=True)
    def predict_oof(self, model: FoldModel, clips: Clips, settings: Settings) -> Predictions:
        """Scores ``clips`` with ``model``: P(fake), and an embedding where the stream has one.

        Called for a fold's held-out videos, with the refit model, and for videos never seen before. Labels never
        reach it. One clip alone must score as it does among others. NaN means that the model abstains.
        """

    @hookspec(firstresult=True)
    def illustrate(self, model: FoldModel, clip: Extracted, settings: Settings) -> Sequence[Panel]:
        """Draws what the stream saw in one clip, and what its score rests on. Optional: without it a report has no pictures.

        ``clip`` has status ``ok``. Figures are matplotlib's, made without pyplot.
        """


class FuserHooks:
    """What a fuser implements: from the out-of-fold table to one score per video."""

    @hookspec(firstresult=True)
    def fuser_info(self) -> FuserInfo:
        """Name, settings class, presets and needs. Called at load; must be quick and import nothing heavy."""

    @hookspec(firstresult=True)
    def fuse(self, oof: pd.DataFrame, settings: Settings, work_dir: Path, seed: int) -> FusedModel:
        """Learns from a joined out-of-fold table and returns the model's folder, inside ``work_dir``.

        ``oof`` has the columns ``tables.JOINED``, a score column ``{stream}_p`` for each stream and, if the fuser asks
        for embeddings, ``{stream}_f00 …``. It holds only the rows that this model may learn from: the core does the
        cross-fitting. A score can be NaN where the stream abstained; each row has one at least. Both classes are there.
        Write safe formats only; the same arguments must give the same model.
        """

    @hookspec(firstresult=True)
    def predict_fused(self, model: FusedModel, table: pd.DataFrame, settings: Settings) -> NDArray[np.float64]:
        """P(fake) ``[N]`` for each row of ``table``, in [0, 1].

        ``table`` has ``video_id``, and score and embedding columns as ``oof``; nothing that tells a label. One row alone
        must score as it does among others.
        """

    @hookspec(firstresult=True)
    def explain(self, model: FusedModel, table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
        """What each column adds to the score of each row of ``table``, which is as for ``predict_fused``.

        Rows as ``table``, with its index; a column for each score and embedding column that the model uses, under its
        name; cells ``float64``, finite also where a stream abstained. They add up: the sum over a row's columns orders
        rows as ``predict_fused`` does. The fuser chooses the unit (log odds, P(fake)) and the point from which it counts,
        and documents both. One row alone must be explained as among others.
        """


class DatasetHooks:
    """What a data set implements: from a folder to index rows."""

    @hookspec(firstresult=True)
    def dataset_info(self) -> DatasetInfo:
        """Name and summary. Called at load; must be quick and import nothing heavy."""

    @hookspec(firstresult=True)
    def index_dataset(self, root: Path, limits: Mapping[str, int], settings: Settings) -> Iterable[VideoRecord]:
        """Lists the videos under ``root`` with label, method, identities and official split.

        ``limits`` caps the number of videos by method. A data set that makes its own videos makes them here,
        under ``root``, unless they are there already.
        """


OPTIONAL = frozenset({"illustrate"})
"""Hooks that a plugin may leave out."""

HOOKS: Mapping[str, type] = {"streams": StreamHooks, "fusers": FuserHooks, "datasets": DatasetHooks}
"""The hooks of each kind of plugin; the kind is the tail of its entry-point group."""

"""Which records cross the border between the core and a plugin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deepfake_core.contract.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

API_VERSION = 1
"""Version of the hook contract. A plugin states the one it was written for in its info record."""

OLDEST_API_VERSION = 1
"""The oldest version that is still accepted; what changes between versions is in docs/plugin_hooks.md."""

STATUS_OK = "ok"

BEST = "best"
"""Instead of a fuser's name: the best of all that are installed, chosen inside each fold."""

REAL, FAKE = 0, 1
"""The two labels. ``p`` always is P(fake)."""

Quality = Mapping[str, float | int | str | bool | None]
"""What a stream measured about a video's fitness, as flat JSON values. Two keys mean something to the core:
``detail`` (why a status isn't ``ok``) and ``content_hash`` (a perceptual hash of the face track)."""


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"plugin name {name!r}: use lower-case letters, digits and underscores")


@dataclass(frozen=True)
class VideoRecord:
    """One row of the master index.

    Attributes:
        video_id: unique in the index, ``{dataset}__{method}__{stem}``-like.
        path: absolute path of the file.
        label: 0 real, 1 fake; None where the core hides it.
        dataset: where the video comes from.
        method: how it was forged, ``real`` for real ones.
        identities: all people involved, the one whose footage it is first; two for a face swap.
        split: the data set's own split, if it has one.
        sha256: of the file's content, if the index states it.
        pseudo: not the video at ``path`` but a pseudo-fake of it, which the stream makes itself: how a stream that learns
            from real videos alone is measured where there is no fake.
    """

    video_id: str
    path: Path
    label: int | None = None
    dataset: str = ""
    method: str = ""
    identities: tuple[str, ...] = ()
    split: str | None = None
    sha256: str | None = None
    pseudo: bool = False

    def unlabelled(self) -> VideoRecord:
        """The same video without anything that tells its label, but for ``pseudo``: what ``extract`` gets to see."""
        return replace(self, label=None, dataset="", method="", identities=(), split=None)


@dataclass(frozen=True)
class Fold:
    """What one model may learn from.

    Attributes:
        index: number of the held-out fold; None for the refit on everything.
        train: labelled videos to fit on.
        stop: labelled videos for early stopping, thresholds and the like; shares no person with ``train``.
        seed: for everything random in this fold.
    """

    index: int | None
    train: tuple[VideoRecord, ...]
    stop: tuple[VideoRecord, ...]
    seed: int


@dataclass(frozen=True)
class Extracted:
    """What a stream made of one video.

    Attributes:
        video_id: of the video.
        path: folder in the store that holds the stream's input; None unless ``status`` is ``ok``.
        status: ``ok``, or why the video can't be scored.
        quality: measured facts about the video's fitness.
    """

    video_id: str
    path: Path | None
    status: str = STATUS_OK
    quality: Quality = field(default_factory=dict)


Clips = Mapping[str, Extracted]
"""Extracted videos by ``video_id``, only those with status ``ok``. A clip is a folder: its pixels are read when
a plugin opens it, and nothing else of the data set is in memory."""


@dataclass(frozen=True)
class FoldModel:
    """A trained model: a folder with files in safe formats only (nothing that unpickles)."""

    dir: Path


@dataclass(frozen=True)
class FusedModel:
    """A trained fuser: a folder with files in safe formats only (nothing that unpickles)."""

    dir: Path


@dataclass(frozen=True)
class Predictions:
    """Scores of videos by one model.

    Attributes:
        video_id: ids, in the order of the rows.
        p: P(fake), ``[N] float64`` in [0, 1]; NaN where the model abstains.
        embedding: ``[N, D] float32``, or None for a score-only stream.
        facts: per row, what belongs to the score, e.g. which face it is of; joins the video's quality. None for nothing.
    """

    video_id: tuple[str, ...]
    p: NDArray[np.float64]
    embedding: NDArray[np.float32] | None = None
    facts: tuple[Quality, ...] | None = None


@dataclass(frozen=True)
class Panel:
    """A figure of what a stream saw in one video, for the report on it.

    Attributes:
        title: a few words.
        caption: what the reader sees, in plain words.
        figure: to be drawn at the width of a page; the core saves and closes it.
    """

    title: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class StreamInfo:
    """What a stream says about itself.

    Attributes:
        name: the entry-point name.
        settings: the class of its settings.
        presets: settings by preset name; ``paper`` and ``demo`` are expected, the first is the default.
        summary: one line for ``plugins list``.
        embedding_size: width D of its embedding, 0 for a score-only stream.
        export_name: file name of the seed-style prediction CSV, e.g. ``rppg_predictions.csv``.
        export_column: name of its score column, e.g. ``P_rPPG``.
        export_fold: whether that CSV carries the fold.
        code_version: raise it when the same settings train another model, so that kept fold models aren't reused.
        parallel_folds: whether folds may train side by side in processes; False where one fold uses all cores.
        real_only: whether it can learn from real videos alone. Its ``extract`` then makes a pseudo-fake of the real video
            when asked for one (``VideoRecord.pseudo``), always the same.
        api_version: contract version the plugin was written for; the first, where it states none.
    """

    name: str
    settings: type[Settings]
    presets: Mapping[str, Settings]
    summary: str = ""
    embedding_size: int = 0
    export_name: str | None = None
    export_column: str = "P"
    export_fold: bool = False
    code_version: int = 1
    parallel_folds: bool = False
    real_only: bool = False
    api_version: int = 1

    def __post_init__(self) -> None:
        _check_name(self.name)


@dataclass(frozen=True)
class FuserInfo:
    """What a fuser says about itself.

    Attributes:
        name: the entry-point name.
        settings: the class of its settings.
        presets: settings by preset name; the first is the default.
        summary: one line for ``plugins list``.
        needs_embeddings: whether it gets embedding columns besides scores.
        code_version: raise it when the same settings learn something else.
        api_version: contract version the plugin was written for; the first, where it states none.
    """

    name: str
    settings: type[Settings]
    presets: Mapping[str, Settings]
    summary: str = ""
    needs_embeddings: bool = False
    code_version: int = 1
    api_version: int = 1

    def __post_init__(self) -> None:
        _check_name(self.name)


@dataclass(frozen=True)
class Ensemble:
    """Streams that are used together under one name; what an entry point in ``deepfake_core.ensembles`` names.

    Attributes:
        streams: their entry-point names.
        summary: one line for ``plugins list``.
        fuser: what fuses them unless the user asks for another: the name of one, or ``best``.
    """

    streams: tuple[str, ...]
    summary: str = ""
    fuser: str = BEST


@dataclass(frozen=True)
class DatasetInfo:
    """What a data set says about itself.

    Attributes:
        name: the entry-point name.
        settings: the class of its settings, all with defaults.
        summary: one line for ``plugins list``.
        self_made: True when the plugin makes its videos itself, so that its name alone is a valid ``index``.
        api_version: contract version the plugin was written for; the first, where it states none.
    """

    name: str
    settings: type[Settings] = Settings
    summary: str = ""
    self_made: bool = False
    api_version: int = 1

    def __post_init__(self) -> None:
        _check_name(self.name)


class RunLog(Protocol):
    """Where a plugin reports from inside ``train_fold``. The core decides where it goes."""

    def metric(self, name: str, value: float, step: int = 0) -> None:
        """Records one number, e.g. a loss after epoch ``step``."""

    def artifact(self, path: Path) -> None:
        """Keeps a copy of a file."""

    def figure(self, name: str, figure: Figure) -> None:
        """Keeps a matplotlib figure as ``name`` (``*.png``)."""

"""Whether what a plugin returned keeps the contract. Used at run time and by the conformance kit alike."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract.errors import HookFailed
from deepfake_core.contract.records import (
    FAKE,
    REAL,
    STATUS_OK,
    Clips,
    Extracted,
    FoldModel,
    FusedModel,
    Panel,
    Predictions,
    Quality,
    VideoRecord,
)
from deepfake_core.contract.tables import listed, stream_of

if TYPE_CHECKING:
    import pandas as pd

UNSAFE_SUFFIXES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth", ".npy_pickle"})
"""File types that unpickle when loaded; a model folder holds none of them."""


_PICKLED = frozenset(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
_NUMPY = b"\x93NUMPY"
# As much of a file as its kind shows in: NumPy's header says that an array is one of objects, and is shorter.
_HEADER = 256


def unpickling(folder: Path) -> list[str]:
    """Names of the files below ``folder`` that unpickle when loaded, told by suffix or content; also inside archives."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and _unpickles(path))


def _unpickles(path: Path) -> bool:
    if path.suffix.lower() in UNSAFE_SUFFIXES:
        return True
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(_pickled(archive.open(name).read(_HEADER)) for name in archive.namelist())
    with path.open("rb") as file:
        return _pickled(file.read(_HEADER))


def _pickled(start: bytes) -> bool:
    return start[:2] in _PICKLED or (start.startswith(_NUMPY) and b"'|O'" in start)


def _broken(plugin: str, hook: str, what: str) -> HookFailed:
    return HookFailed(
        f"plugin {plugin!r} broke the contract of {hook}: {what}",
        hint="this is a fault of the plugin: report it to its authors; deepfake_core.testing has checks for it.",
    )


def check_extracted(plugin: str, video: VideoRecord, extracted: Extracted) -> None:
    """The record is about the video asked for, and its folder exists if it is ok.

    Raises:
        HookFailed: it is not so.
    """
    if not isinstance(extracted, Extracted):
        raise _broken(plugin, "extract", f"returned {type(extracted).__name__}, not Extracted.")
    if extracted.video_id != video.video_id:
        raise _broken(plugin, "extract", f"asked for {video.video_id!r}, got {extracted.video_id!r}.")
    if (extracted.status == STATUS_OK) != (extracted.path is not None):
        raise _broken(plugin, "extract", f"{video.video_id!r}: status {extracted.status!r} with path {extracted.path}.")
    if extracted.path is not None and not extracted.path.is_dir():
        raise _broken(plugin, "extract", f"{video.video_id!r}: {extracted.path} is no folder.")
    if not isinstance(extracted.quality, Mapping):
        raise _broken(plugin, "extract", f"{video.video_id!r}: quality is {type(extracted.quality).__name__}.")
    _check_flat(plugin, "extract", f"{video.video_id!r}: quality", extracted.quality)


def check_kept(plugin: str, extracted: Extracted, store: Path) -> None:
    """What was extracted lies in the store, where it lasts as long as what is learned from it.

    Raises:
        HookFailed: it is not so.
    """
    if extracted.path is not None and not extracted.path.resolve().is_relative_to(store.resolve()):
        raise _broken(
            plugin, "extract", f"{extracted.video_id!r}: the folder {extracted.path} is not inside the store {store}."
        )


def _check_flat(plugin: str, hook: str, what: str, facts: Quality) -> None:
    for key, value in facts.items():
        if not isinstance(value, float | int | str | bool | None):
            raise _broken(plugin, hook, f"{what}[{key!r}] is a {type(value).__name__}.")


def check_model(plugin: str, hook: str, model: FoldModel | FusedModel, work_dir: Path) -> None:
    """The model's folder exists inside ``work_dir`` and holds no file that unpickles.

    Raises:
        HookFailed: it is not so.
    """
    if not isinstance(model, FoldModel | FusedModel):
        raise _broken(plugin, hook, f"returned {type(model).__name__}, no model.")
    if not model.dir.is_dir() or not model.dir.resolve().is_relative_to(work_dir.resolve()):
        raise _broken(plugin, hook, f"the model's folder {model.dir} is not inside {work_dir}.")
    unsafe = unpickling(model.dir)
    if unsafe:
        raise _broken(plugin, hook, f"the model's folder holds files that unpickle: {listed(unsafe)}.")


def check_predictions(plugin: str, clips: Clips, predictions: Predictions, embedding_size: int) -> None:
    """Every clip has one score, in [0, 1] or NaN, and an embedding of the announced width.

    Raises:
        HookFailed: it is not so.
    """
    hook = "predict_oof"
    if not isinstance(predictions, Predictions):
        raise _broken(plugin, hook, f"returned {type(predictions).__name__}, not Predictions.")
    ids, p = predictions.video_id, predictions.p
    if sorted(ids) != sorted(clips):
        wrong = sorted(set(ids) ^ set(clips)) or sorted({i for i in ids if list(ids).count(i) > 1})
        raise _broken(plugin, hook, f"missing, unasked or repeated video_id: {listed(wrong)}.")
    if not isinstance(p, np.ndarray) or p.shape != (len(ids),) or p.dtype != np.float64:
        raise _broken(plugin, hook, f"p has {_shape(p)}; wanted ({len(ids)},) float64.")
    outside = [i for i, value in zip(ids, p, strict=True) if not (np.isnan(value) or 0.0 <= value <= 1.0)]
    if outside:
        raise _broken(plugin, hook, f"p lies outside [0, 1] for {listed(outside)}.")
    if predictions.facts is not None:
        if len(predictions.facts) != len(ids):
            raise _broken(plugin, hook, f"{len(predictions.facts)} facts came for {len(ids)} scores.")
        for video_id, facts in zip(ids, predictions.facts, strict=True):
            _check_flat(plugin, hook, f"{video_id!r}: facts", facts)
    if embedding_size == 0:
        if predictions.embedding is not None:
            raise _broken(plugin, hook, "an embedding came from a stream that announced none.")
        return
    if predictions.embedding is None:
        raise _broken(plugin, hook, f"no embedding; stream_info announces {embedding_size} columns.")
    embedding = predictions.embedding
    if not isinstance(embedding, np.ndarray) or embedding.shape != (len(ids), embedding_size):
        raise _broken(plugin, hook, f"embedding has {_shape(embedding)}; wanted ({len(ids)}, {embedding_size}).")


def _shape(values: object) -> str:
    return f"shape {values.shape} and type {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__


def check_speaks(plugin: str, where: str, predictions: Predictions) -> None:
    """Of the videos that a fold held out, one at least has a score.

    Raises:
        HookFailed: every score is NaN.
    """
    if len(predictions.p) and np.isnan(predictions.p).all():
        raise HookFailed(
            f"plugin {plugin!r} abstained on all {len(predictions.p)} held-out videos of {where}: every score is NaN.",
            hint="look at the reports of its training; a video that can't be used should end with a status in extract.",
        )


def check_fused(plugin: str, rows: int, p: object) -> None:
    """Every row has one score in [0, 1].

    Raises:
        HookFailed: it is not so.
    """
    hook = "predict_fused"
    if not isinstance(p, np.ndarray) or p.shape != (rows,) or p.dtype != np.float64:
        raise _broken(plugin, hook, f"p has {_shape(p)}; wanted ({rows},) float64.")
    wrong = int((~((p >= 0) & (p <= 1))).sum())
    if wrong:
        raise _broken(plugin, hook, f"{wrong} of {rows} scores are NaN or lie outside [0, 1].")


def check_explanation(plugin: str, table: pd.DataFrame, explanation: object) -> None:
    """Every row is explained by finite numbers, in score and embedding columns of ``table``.

    Raises:
        HookFailed: it is not so.
    """
    import pandas as pd

    hook = "explain"
    if not isinstance(explanation, pd.DataFrame):
        raise _broken(plugin, hook, f"returned {type(explanation).__name__}, not a DataFrame.")
    if not explanation.index.equals(table.index):
        raise _broken(plugin, hook, f"{len(explanation)} rows came for {len(table)}, or under another index.")
    names = list(explanation.columns)
    strange = [name for name in names if name not in table or stream_of(str(name)) is None]
    if strange or not names or len(set(names)) < len(names):
        what = f"no score or embedding column of the table: {listed(strange)}" if strange else "none, or one twice"
        raise _broken(plugin, hook, f"wrong columns: {what}.")
    other = [name for name in names if explanation[name].dtype != np.float64]
    if other:
        raise _broken(plugin, hook, f"not float64: {listed(other)}.")
    wrong = [name for name in names if not np.isfinite(explanation[name].to_numpy()).all()]
    if wrong:
        raise _broken(plugin, hook, f"not finite: {listed(wrong)}.")


def check_panels(plugin: str, panels: Sequence[Panel]) -> None:
    """Each is a panel with words and a figure.

    Raises:
        HookFailed: it is not so.
    """
    from matplotlib.figure import Figure

    if not isinstance(panels, Sequence):
        raise _broken(plugin, "illustrate", f"returned {type(panels).__name__}, not a sequence of panels.")
    for panel in panels:
        if not isinstance(panel, Panel) or not isinstance(panel.figure, Figure):
            raise _broken(plugin, "illustrate", f"returned {panel!r}, not a Panel with a matplotlib figure.")
        if not panel.title or not panel.caption:
            raise _broken(plugin, "illustrate", "a panel lacks its title or its caption.")


def check_records(plugin: str, videos: Sequence[VideoRecord]) -> None:
    """Each is a record of its own, with a label, a data set, a method, people, and an absolute path.

    Raises:
        HookFailed: it is not so.
    """
    hook = "index_dataset"
    strange = sorted({type(video).__name__ for video in videos if not isinstance(video, VideoRecord)})
    if strange:
        raise _broken(plugin, hook, f"listed {listed(strange)}, not VideoRecord.")
    faults = {
        "label is neither 0 nor 1": [v for v in videos if v.label not in (REAL, FAKE)],
        "no data set or no method": [v for v in videos if not v.dataset or not v.method],
        "identities are no tuple of names": [v for v in videos if not _names(v.identities)],
        "path is no absolute Path": [v for v in videos if not isinstance(v.path, Path) or not v.path.is_absolute()],
    }
    for what, found in faults.items():
        if found:
            raise _broken(plugin, hook, f"{what}: {listed([video.video_id for video in found])}.")
    repeated = [video_id for video_id, count in Counter(video.video_id for video in videos).items() if count > 1]
    if repeated:
        raise _broken(plugin, hook, f"video_id comes more than once: {listed(repeated)}.")


def _names(identities: object) -> bool:
    return isinstance(identities, tuple) and bool(identities) and all(isinstance(i, str) and i for i in identities)

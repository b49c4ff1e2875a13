"""The out-of-fold table: one row per video of the index, scored by the one model that saw nobody in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract import tables
from deepfake_core.contract.records import Extracted, Predictions, Quality
from deepfake_core.data.folds import Folds
from deepfake_core.data.index import Index

if TYPE_CHECKING:
    import pandas as pd


def assemble(
    stream: str,
    index: Index,
    folds: Folds,
    extracted: Mapping[str, Extracted],
    predictions: Iterable[Predictions],
    embedding_size: int,
) -> pd.DataFrame:
    """Puts fold predictions together, in the order of the index.

    A video without a score keeps its row, with its status and NaN.

    Args:
        stream: name for the ``stream`` column.
        index: all videos.
        folds: which fold held which video out.
        extracted: status and quality by ``video_id``; covers the index.
        predictions: those of each fold; their facts join the quality.
        embedding_size: number of embedding columns.

    Returns:
        Table in the schema ``tables.OOF``, then ``f000 …``.

    Raises:
        InvalidTable: a row lacks a label, a group, a status.
    """
    import pandas as pd

    ids = [video.video_id for video in index.videos]
    row_of = {video_id: row for row, video_id in enumerate(ids)}
    p = np.full(len(ids), np.nan)
    embedding = np.full((len(ids), embedding_size), np.nan, dtype=np.float32)
    quality = [dict(extracted[video_id].quality) for video_id in ids]
    for part in predictions:
        rows = [row_of[video_id] for video_id in part.video_id]
        p[rows] = part.p
        if part.embedding is not None:
            embedding[rows] = part.embedding
        for row, facts in zip(rows, part.facts or (), strict=False):
            quality[row].update(facts)
    table = pd.DataFrame(
        {
            "video_id": ids,
            "label": np.array([video.label for video in index.videos], dtype=np.int64),
            "dataset": [video.dataset for video in index.videos],
            "method": [video.method for video in index.videos],
            "identity": [video.identities[0] for video in index.videos],
            "group": [folds.group[video_id] for video_id in ids],
            "fold": np.array([folds.fold[video_id] for video_id in ids], dtype=np.int64),
            "stream": stream,
            "p": p,
            "status": [extracted[video_id].status for video_id in ids],
            "quality": [quality_text(facts) for facts in quality],
        }
    )
    columns = pd.DataFrame(embedding, columns=tables.embedding_columns(embedding_size))
    tables.OOF.check(table, stream)
    return pd.concat([table, columns], axis=1)


def quality_text(quality: Quality) -> str:
    """A video's quality as one JSON text with sorted keys."""
    return json.dumps(dict(quality), sort_keys=True)


def write_oof(table: pd.DataFrame, path: Path) -> None:
    """Writes ``oof.parquet``; equal tables give equal bytes."""
    table.to_parquet(path, index=False)

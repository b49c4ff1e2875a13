"""Which table does a second layer read, and how do its videos lie to each other?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.contract import tables

if TYPE_CHECKING:
    import pandas as pd

    from deepfake_core.fusion.crossfit import Rows
    from deepfake_core.fusion.joining import Joined

PEOPLE = ("video_id", "label", "fold", "identity")

MOST_MAPPED = 2000
"""Videos on a map: more would be a blot, and take minutes."""


def meta_features(joined: Joined) -> pd.DataFrame:
    """One row per video of the index: who it is, then each stream's score and embedding, NaN where it abstained.

    Columns ``video_id, label, fold, identity``, then per stream ``{stream}_p, {stream}_f00 …``.
    """
    return joined.table[[*PEOPLE, *tables.input_columns(joined.table)]]


def video_map(rows: Rows, seed: int) -> pd.DataFrame | None:
    """The videos in the plane, neighbours in scores and embeddings near to each other (t-SNE).

    van der Maaten & Hinton 2008, JMLR 9:2579. Columns are standardised; where a stream abstained, its mean stands.

    Args:
        rows: the videos; of more than 2,000, as many are drawn.
        seed: of the map and of the draw.

    Returns:
        ``video_id, label, dataset, method, fold, x, y``; None without any embedding.
    """
    from sklearn.manifold import TSNE

    names = tables.input_columns(rows.table)
    if names == tables.score_columns(rows.table):
        return None
    table = rows.table
    if len(table) > MOST_MAPPED:
        table = table.iloc[np.sort(np.random.default_rng(seed).choice(len(table), MOST_MAPPED, replace=False))]
    inputs = table[names].to_numpy(np.float64)
    inputs = inputs[:, ~np.isnan(inputs).all(axis=0)]
    inputs -= np.nanmean(inputs, axis=0)
    scales = np.nanstd(inputs, axis=0)
    inputs = np.nan_to_num(inputs / np.where(scales > 0, scales, 1.0))
    # Published advice is 5 to 50 neighbours, far fewer than there are videos.
    places = TSNE(perplexity=min(30.0, (len(table) - 1) / 3), init="pca", random_state=seed).fit_transform(inputs)
    kept = table[["video_id", "label", "dataset", "method", "fold"]].reset_index(drop=True)
    return kept.assign(x=places[:, 0], y=places[:, 1])

"""How do predictions that something else made become an out-of-fold table of this index?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from deepfake_core.contract import tables
from deepfake_core.contract.errors import InvalidTable
from deepfake_core.contract.records import STATUS_OK, Extracted, Predictions
from deepfake_core.data.folds import Folds
from deepfake_core.data.foreign import ForeignPredictions, Matching, match, read_predictions
from deepfake_core.data.index import Index
from deepfake_core.data.oof import assemble

if TYPE_CHECKING:
    import pandas as pd

Match = Literal["exact", "stem"]
"""Whether ids must be the index's, or may be the ends of them: ``id3_0001.mp4`` for ``Celeb_real__id3_0001.mp4``."""

NOT_SCORED = "not_scored"


def read_oof(name: str, path: Path, index: Index, folds: Folds, how: Match) -> pd.DataFrame:
    """A prediction CSV of anybody, one score column in it, as the table of a stream.

    Args:
        name: of the stream.
        path: of the CSV; its columns are recognised by their names.
        index: what it is about.
        folds: which videos are held out together here. What scored the videos may have seen them: nothing tells.
        how: how ids are found in the index.

    Raises:
        InvalidTable: no score column or several; ids that are unknown, ambiguous or repeated; a label that isn't the index's.
    """
    found = read_predictions(path)
    if len(found.scores) != 1:
        raise InvalidTable(
            f"{path}: which score is {name}'s? It has {', '.join(found.scores)}.",
            hint="keep one score column in the file.",
        )
    known = _known(found, index, how)
    table = found.table.assign(video_id=[known[i] for i in found.table["video_id"]])
    repeated = sorted(table["video_id"][table["video_id"].duplicated()].unique())
    if repeated:
        raise InvalidTable(
            f"{path}: {len(repeated)} videos come more than once: {tables.listed(repeated)}.",
            hint="keep one row per video; deepfake audit lists all of them.",
        )
    label = {video.video_id: video.label for video in index.videos}
    wrong = [i for i, y in zip(table["video_id"], table["label"], strict=True) if not np.isnan(y) and y != label[i]]
    if wrong:
        raise InvalidTable(
            f"{path}: the label of {tables.listed(wrong)} isn't that of {index.source}.",
            hint="correct the index or the file: one of them is wrong about these videos.",
        )
    scored = table[table[found.scores[0]].notna()]
    predictions = Predictions(tuple(scored["video_id"]), scored[found.scores[0]].to_numpy(np.float64))
    there = set(predictions.video_id)
    extracted = {i: Extracted(i, None, STATUS_OK if i in there else NOT_SCORED, {"source": path.name}) for i in label}
    return assemble(name, index, folds, extracted, [predictions], 0)


def _known(found: ForeignPredictions, index: Index, how: Match) -> dict[str, str]:
    """The index's id of each id in the file.

    Raises:
        InvalidTable: an id has none, or could be several.
    """
    ids = list(dict.fromkeys(found.table["video_id"]))
    matching: Matching = match(ids, [video.video_id for video in index.videos])
    usable = {one: other for one, other in matching.pairs.items() if how == "stem" or one == other}
    if len(usable) == len(ids):
        return usable
    examples = [one for one in ids if one not in usable]
    alone = not matching.ambiguous and not matching.absent
    raise InvalidTable(
        f"{found.source}: of {len(ids)} ids, {matching.exact} are in {index.source}, {matching.by_stem} match one video by "
        f"their end, {len(matching.ambiguous)} could be several videos, {len(matching.absent)} none: "
        f"{tables.listed(examples)}.",
        hint="--match stem takes the ones that match by their end."
        if alone
        else "write the index's own video_id into the file; drop rows of videos that aren't in the index.",
    )

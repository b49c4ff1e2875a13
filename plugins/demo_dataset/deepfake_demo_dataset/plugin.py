"""The data set ``demo``: renders itself on first use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from deepfake_core import DatasetInfo, VideoRecord, hookimpl


@hookimpl
def dataset_info() -> DatasetInfo:
    """Invented people with a known pulse, and three kinds of forgeries of them."""
    return DatasetInfo(
        name="demo", summary="48 clips of 16 invented people, rendered on first use; no download", self_made=True
    )


@hookimpl
def index_dataset(root: Path, limits: Mapping[str, int]) -> Iterable[VideoRecord]:
    """Renders what isn't under ``root`` yet, and lists all."""
    from deepfake_demo_dataset.clips import DATASET, REAL_METHOD
    from deepfake_demo_dataset.make import make, path_of

    return [
        VideoRecord(
            video_id=clip.video_id,
            path=path_of(root, clip),
            label=int(clip.method != REAL_METHOD),
            dataset=DATASET,
            method=clip.method,
            identities=tuple(f"{DATASET}_{who}" for who in clip.identities),
        )
        for clip in make(root, limits)
    ]

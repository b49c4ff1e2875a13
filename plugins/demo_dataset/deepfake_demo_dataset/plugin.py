"""The data sets ``demo`` and ``demo_others``: they render themselves on first use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deepfake_core import DatasetInfo, VideoRecord, hookimpl


@dataclass(frozen=True)
class DemoDataset:
    """Invented people with a known pulse, and three kinds of forgeries of them.

    Attributes:
        name: of a cast.
        summary: one line for ``plugins list``.
    """

    name: str
    summary: str

    @hookimpl
    def dataset_info(self) -> DatasetInfo:
        """Makes its own videos."""
        return DatasetInfo(name=self.name, summary=self.summary, self_made=True)

    @hookimpl
    def index_dataset(self, root: Path, limits: Mapping[str, int]) -> Iterable[VideoRecord]:
        """Renders what isn't under ``root`` yet, and lists all."""
        from deepfake_demo_dataset.clips import REAL_METHOD
        from deepfake_demo_dataset.make import make, path_of

        return [
            VideoRecord(
                video_id=clip.video_id,
                path=path_of(root, clip),
                label=int(clip.method != REAL_METHOD),
                dataset=self.name,
                method=clip.method,
                identities=tuple(f"{self.name}_{who}" for who in clip.identities),
            )
            for clip in make(root, self.name, limits)
        ]


demo = DemoDataset("demo", "48 clips of 16 invented people, rendered on first use; no download")
demo_others = DemoDataset("demo_others", "48 clips of 16 other people, as demo; for `evaluate` and `stress`")

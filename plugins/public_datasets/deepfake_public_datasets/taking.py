"""Which videos are taken where not all are wanted, and what is said about those that are absent?"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from deepfake_core import Settings

logger = logging.getLogger(__name__)

REAL_METHOD, FAKE_METHOD = "real", "fake"
"""The method of real videos, and that of fakes whose data set doesn't tell it."""


class TakingSettings(Settings):
    """Which videos are taken."""

    sample: Literal["all", "paper"] = Field(
        "all", description="all videos, or as many of each subset as the four-stream system was published with"
    )
    seed: int = Field(42, description="of the draw where not all are taken, by sample or by limits")


def report(dataset: str, root: Path, found: Mapping[str, int], published: Mapping[str, int]) -> None:
    """Says what of a published data set isn't there, and where it was looked for.

    Args:
        dataset: its name.
        root: its folder.
        found: number of videos by subset.
        published: number of videos that the whole subset has.
    """
    absent = [name for name in published if not found.get(name)]
    partial = [
        f"{name} {found[name]:,} of {size:,}" for name, size in published.items() if 0 < found.get(name, 0) < size
    ]
    if absent:
        there = ", ".join(name for name in published if found.get(name))
        logger.warning("%s: %s: found %s; not there: %s.", dataset, root, there, ", ".join(absent))
    if partial:
        logger.warning("%s: %s: not all published videos are there: %s.", dataset, root, ", ".join(partial))

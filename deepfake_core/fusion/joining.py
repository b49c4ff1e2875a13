"""Which scores belong to one video? Joins out-of-fold tables one to one, and counts what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from deepfake_core.contract import tables
from deepfake_core.contract.errors import EXIT_REFUSED, DeepfakeError, InvalidTable, NoUsableVideo, UsageError

if TYPE_CHECKING:
    import pandas as pd

Missing = Literal["drop", "model"]
"""What becomes of a video that a stream abstained on: no fused score, or one from the other streams."""


class CoverageTooLow(DeepfakeError):
    """Too many videos would get no fused score: the gate refuses."""

    exit_code = EXIT_REFUSED


@dataclass(frozen=True)
class Joined:
    """All streams side by side.

    Attributes:
        table: columns ``tables.JOINED``, then per stream ``{stream}_p``, ``{stream}_status``, ``{stream}_f00 …``; one row
            per video of the index, also for those without any score.
        streams: their names.
        missing: what becomes of videos that a stream abstained on.
    """

    table: pd.DataFrame
    streams: tuple[str, ...]
    missing: Missing

    @property
    def complete(self) -> pd.Series:
        """Rows that all streams scored."""
        return self.table[self._scores].notna().all(axis=1)

    @property
    def usable(self) -> pd.Series:
        """Rows that get a fused score."""
        return self.complete if self.missing == "drop" else self.table[self._scores].notna().any(axis=1)

    @property
    def coverage(self) -> dict[str, float]:
        """Share of videos with a score: per stream, of ``all`` streams, and ``fused``."""
        found = {stream: float(self.table[tables.score_column(stream)].notna().mean()) for stream in self.streams}
        return {**found, "all": float(self.complete.mean()), "fused": float(self.usable.mean())}

    @property
    def _scores(self) -> list[str]:
        return [tables.score_column(stream) for stream in self.streams]

    def require_coverage(self, least: float) -> None:
        """The gate.

        Raises:
            CoverageTooLow: a smaller share than ``least`` gets a fused score.
        """
        found = self.coverage
        if found["fused"] >= least:
            return
        each = ", ".join(f"{stream} {found[stream]:.1%}" for stream in self.streams)
        raise CoverageTooLow(
            f"only {found['fused']:.1%} of {len(self.table)} videos would get a fused score, less than {least:.0%}: "
            f"{each}, all of them {found['all']:.1%}.",
            hint="see the statuses in the streams' tables; --missing model fuses what streams there are, "
            "--min-coverage lowers the gate.",
        )


def join(oofs: Mapping[str, pd.DataFrame], missing: Missing = "drop") -> Joined:
    """Joins on ``video_id``.

    Args:
        oofs: out-of-fold table of each stream.
        missing: what becomes of videos that a stream abstained on.

    Raises:
        InvalidTable: a table breaks the schema, repeats a video, or disagrees with another about videos, labels, folds or
            groups; or a score lies outside [0, 1].
        NoUsableVideo: a stream scored nothing at all, or no video has a score of every stream.
        UsageError: no streams.
    """
    if not oofs:
        raise UsageError("there is nothing to join.", hint="name one stream or more.")
    first = next(iter(oofs))
    parts: list[pd.DataFrame] = []
    for stream, oof in oofs.items():
        tables.OOF.check(oof, f"the out-of-fold table of {stream}")
        _check_scores(stream, oof)
        parts.append(_aligned(stream, oof, first, oofs[first]))
    import pandas as pd

    base = oofs[first][tables.JOINED.names].reset_index(drop=True)
    joined = Joined(pd.concat([base, *parts], axis=1), tuple(oofs), missing)
    if not joined.usable.any():
        each = ", ".join(f"{stream} scored {oofs[stream]['p'].notna().sum()}" for stream in oofs)
        raise NoUsableVideo(
            f"no video has a score of every stream; of {len(base)}, {each}.",
            hint="--missing model fuses what streams there are; or leave out the stream that scores other videos.",
        )
    return joined


def _check_scores(stream: str, oof: pd.DataFrame) -> None:
    repeated = sorted(oof["video_id"][oof["video_id"].duplicated()].unique())
    if repeated:
        raise InvalidTable(
            f"the out-of-fold table of {stream} repeats video_id {tables.listed(repeated)}.",
            hint="one row per video is needed: deepfake audit shows where they come from.",
        )
    p = oof["p"].to_numpy(np.float64)
    outside = oof["video_id"][(p < 0) | (p > 1)].tolist()
    if outside:
        raise InvalidTable(
            f"the out-of-fold table of {stream} has scores outside [0, 1] for {tables.listed(outside)}.",
            hint="p must be a probability; map other scores to [0, 1] before they are fused.",
        )
    if np.isnan(p).all():
        statuses = ", ".join(f"{count} {status}" for status, count in oof["status"].value_counts().items())
        raise NoUsableVideo(
            f"{stream} scored none of {len(oof)} videos: {statuses}.",
            hint=f"leave {stream} out of the ensemble, or look at the quality column of its table.",
        )


def _aligned(stream: str, oof: pd.DataFrame, first: str, reference: pd.DataFrame) -> pd.DataFrame:
    """The stream's own columns under their joined names, in the reference's order."""
    strange = sorted(set(oof["video_id"]) ^ set(reference["video_id"]))
    if strange:
        raise InvalidTable(
            f"{stream} and {first} are about different videos: {tables.listed(strange)} are in one table only.",
            hint="run both streams on the same index.",
        )
    rows = oof.set_index("video_id").loc[reference["video_id"]].reset_index()
    for column in ("label", "fold", "group"):
        differs = rows[column].to_numpy() != reference[column].to_numpy()
        if differs.any():
            raise InvalidTable(
                f"{stream} and {first} disagree about the {column} of {tables.listed(list(rows['video_id'][differs]))}.",
                hint="run both streams on the same index and folds.",
            )
    embedding = [name for name in rows if name.startswith("f") and name[1:].isdigit()]
    names = dict(zip(embedding, tables.feature_columns(stream, len(embedding)), strict=True))
    names |= {"p": tables.score_column(stream), "status": f"{stream}_status"}
    return rows[["p", "status", *embedding]].rename(columns=names)

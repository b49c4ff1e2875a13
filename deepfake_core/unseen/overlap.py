"""Has a detector met any of these videos, or of the people in them, when it was made?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepfake_core.contract.errors import EXIT_REFUSED, DeepfakeError
from deepfake_core.contract.tables import listed
from deepfake_core.data.identities import CONTENT_PREFIX, people
from deepfake_core.data.index import Index

if TYPE_CHECKING:
    import pandas as pd


class OverlapFound(DeepfakeError):
    """The detector has met some of the videos or people, or it isn't known whom it has met: the gate refuses."""

    exit_code = EXIT_REFUSED


@dataclass(frozen=True)
class Shared:
    """One thing that a video has in common with the videos that a detector was made from.

    Attributes:
        video_id: in the new index.
        what: ``video_id``, ``person`` or ``content``.
        name: the id, the person, or the sha256.
    """

    video_id: str
    what: str
    name: str


@dataclass(frozen=True)
class Overlap:
    """What an index shares with the one that a detector was made from.

    Attributes:
        shared: everything found, in the order of the new index.
        compared: videos that the detector was made from.
        unhashed: videos of both indexes whose content isn't known, so that it couldn't be compared.
    """

    shared: tuple[Shared, ...]
    compared: int
    unhashed: int

    @property
    def videos(self) -> frozenset[str]:
        """Videos of the new index that share anything."""
        return frozenset(each.video_id for each in self.shared)

    def names(self, what: str) -> list[str]:
        """Ids, people or contents that both have, each once."""
        return list(dict.fromkeys(each.name for each in self.shared if each.what == what))

    def table(self) -> pd.DataFrame:
        """``video_id, what, name``, a row for each thing shared."""
        import pandas as pd

        rows = [(each.video_id, each.what, each.name) for each in self.shared]
        return pd.DataFrame(rows, columns=["video_id", "what", "name"])

    def __str__(self) -> str:
        parts = [
            f"{words}: {listed(found)}"
            for what, words in (("video_id", "video ids"), ("person", "people"))
            if (found := self.names(what))
        ]
        copies = [each.video_id for each in self.shared if each.what == "content"]
        parts += [f"files of equal content: {listed(copies)}"] if copies else []
        return "; ".join(parts) or "nothing"


def between(index: Index, training: Index) -> Overlap:
    """What an index shares with the one that a detector was made from: ids, people, content.

    People are compared by name: who goes by another name there isn't found. Content is compared where both indexes
    state a sha256.
    """
    ids = {video.video_id for video in training.videos}
    known = frozenset().union(*(people(video) for video in training.videos))
    shared = []
    for video in index.videos:
        if video.video_id in ids:
            shared.append(Shared(video.video_id, "video_id", video.video_id))
        for tie in sorted(people(video) & known):
            content = tie.startswith(CONTENT_PREFIX)
            shared.append(Shared(video.video_id, "content" if content else "person", tie.removeprefix(CONTENT_PREFIX)))
    unhashed = sum(not video.sha256 for video in (*index.videos, *training.videos))
    return Overlap(tuple(shared), len(training.videos), unhashed)


def require_none(overlap: Overlap | None, source: str, where: str) -> None:
    """Refuses videos and people that the detector was made from.

    Args:
        overlap: None if it isn't known what the detector was made from.
        source: of the new index, for the message.
        where: the file that lists everything shared.

    Raises:
        OverlapFound: there are some, or nobody knows.
    """
    if overlap is None:
        raise OverlapFound(
            "the index that the detector was made from can't be found, so nobody knows whether it has met these people.",
            hint="point MLFLOW_TRACKING_URI to the store with the run that made it; --allow-overlap evaluates all the same "
            "and records that.",
        )
    if overlap.shared:
        raise OverlapFound(
            f"{source}: {len(overlap.videos)} videos share something with the {overlap.compared} that the detector was "
            f"made from; {overlap}.",
            hint=f"leave them out ({where} lists all of them); --allow-overlap evaluates all the same and records that.",
        )

"""The fused detector: a folder with all its models, loaded once, asked about many videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract import tables
from deepfake_core.contract.errors import FAILURES, BrokenPlugin, UnknownPlugin, UsageError
from deepfake_core.contract.records import STATUS_OK, Extracted, FoldModel, FusedModel, Panel
from deepfake_core.detector import verdict, wording
from deepfake_core.detector.manifest import Manifest, PluginPart, StreamPart
from deepfake_core.detector.scoring import Fusion, MemberRows, Members, member_rows
from deepfake_core.detector.verdict import Band, Opinion, Verdict
from deepfake_core.evaluation.calibration import Calibrator
from deepfake_core.fusion.crossfit import Candidate
from deepfake_core.plugins import Fuser, Stream, load_fuser, load_stream

Loaded = TypeVar("Loaded", Stream, Fuser)

STREAMS_DIR = "streams"
FUSER_DIR = "fuser"

NOT_ASKED = "not_asked"
"""Status of a stream that the caller left out."""

Extracts = Sequence[Mapping[str, Extracted]]
"""For each stream of a detector, the same videos in the same order."""


@dataclass(frozen=True)
class Detector:
    """Streams with their models, a fusion, and how its scores become verdicts."""

    manifest: Manifest
    streams: tuple[Members, ...]
    fusion: Fusion

    @classmethod
    def load(cls, folder: Path) -> Detector:
        """Reads a detector's folder; nothing is unpickled.

        Raises:
            InvalidTable: it holds no detector that this version can read.
            UnknownPlugin, BrokenPlugin: a plugin that it needs isn't installed, or of another major version.
        """
        manifest = Manifest.read(folder)
        members = [_members(part, manifest.members, folder / STREAMS_DIR / part.name) for part in manifest.streams]
        fuser = manifest.fuser
        plugin = _installed(fuser, load_fuser)
        candidate = Candidate(plugin, plugin.info.settings.logged(fuser.settings))
        return cls(manifest, tuple(members), Fusion(candidate, FusedModel(folder / FUSER_DIR)))

    @property
    def names(self) -> tuple[str, ...]:
        """Its streams' names."""
        return tuple(part.name for part in self.manifest.streams)

    @cached_property
    def calibrator(self) -> Calibrator:
        """From mean scores to P(fake)."""
        return Calibrator.from_json(self.manifest.calibrator)

    @cached_property
    def band(self) -> Band:
        """Probabilities that don't decide."""
        return Band(*self.manifest.band)

    def asked(self, names: Sequence[str]) -> frozenset[str]:
        """Those of its streams that are meant; all, if none is named.

        Raises:
            UsageError: it has no such stream.
        """
        strange = sorted(set(names) - set(self.names))
        if strange:
            raise UsageError(
                f"the detector has no stream {', '.join(strange)}.", hint=f"it has {', '.join(self.names)}."
            )
        return frozenset(names or self.names)

    @staticmethod
    def left_out(video_id: str) -> Extracted:
        """What stands for the extraction of a stream that isn't to be used."""
        return Extracted(video_id, None, NOT_ASKED)

    def rows(self, extracts: Extracts) -> MemberRows:
        """What each member says of extracted videos; every model is loaded once.

        Args:
            extracts: of each stream; where it isn't to be used, the status isn't ``ok``.
        """
        return member_rows(self.streams, extracts)

    def judge(self, rows: MemberRows, extracts: Extracts, names: Mapping[str, str]) -> list[Verdict]:
        """Verdicts.

        Args:
            rows: what the members say.
            extracts: of what.
            names: by ``video_id``, what verdicts call a video.
        """
        scores = self.fusion.scores(rows)
        shares = self.fusion.shares(rows, self.names)
        p = {
            name: np.mean([table[tables.score_column(name)] for table in rows.values()], axis=0) for name in self.names
        }
        found = []
        for row, video_id in enumerate(extracts[0]):
            opinions = tuple(
                Opinion(name, _number(p[name][row]), _number(share), clips[video_id].status, clips[video_id].quality)
                for name, share, clips in zip(self.names, shares[:, row], extracts, strict=True)
            )
            found.append(self._verdict(names[video_id], scores[:, row], opinions))
        return found

    def _verdict(self, name: str, members: NDArray[np.float64], opinions: tuple[Opinion, ...]) -> Verdict:
        silent = [each for each in opinions if each.p is None]
        basis = self.manifest.basis
        reasons = [f"{each.stream} {wording.status(each)}" for each in silent]
        if np.isnan(members).any():
            broken = [each for each in opinions if each.status in FAILURES]
            if broken:
                why = f"{broken[0].status}: {broken[0].quality.get('detail', '')}"
                return Verdict.failed(name, why, basis, opinions)
            return Verdict(name, "inconclusive", None, None, None, tuple(reasons), opinions, basis)
        p = float(self.calibrator(members.mean()))
        low, high = verdict.spread(self.calibrator(members), p) or (None, None)
        answer = self.band.answer(p)
        if len(silent) > verdict.MOST_SILENT * len(opinions):
            answer = "inconclusive"
            reasons.append("fewer than half of the streams say anything")
        elif silent and self.manifest.missing == "drop":
            answer = "inconclusive"
            reasons.append("what the others are worth alone wasn't measured (it is with fuse --missing model)")
        return Verdict(name, answer, p, low, high, tuple(reasons), opinions, basis)

    def panels(self, rows: MemberRows, extracts: Extracts, video_id: str) -> list[tuple[str, Panel]]:
        """What its streams saw in one video, by stream; each drawn by the member whose score is nearest to the mean.

        Args:
            rows: what the members say.
            extracts: of what.
            video_id: of the video.
        """
        found = []
        for members, clips in zip(self.streams, extracts, strict=True):
            clip = clips[video_id]
            if clip.status == STATUS_OK:
                stream, place = members.stream, list(clips).index(video_id)
                p = {name: table[tables.score_column(stream.name)].iloc[place] for name, table in rows.items()}
                mean = np.mean(list(p.values()))
                typical = min(p, key=lambda name: abs(p[name] - mean))
                panels = stream.illustrate(members.models[typical], clip, members.settings)
                found += [(stream.name, panel) for panel in panels]
        return found


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _members(part: StreamPart, names: Sequence[str], folder: Path) -> Members:
    plugin = _installed(part, load_stream)
    models = {name: FoldModel(folder / name) for name in names}
    return Members(plugin, plugin.info.settings.logged(part.settings), models)


def _installed(part: PluginPart, load: Callable[[str], Loaded]) -> Loaded:
    """The plugin of a part, of the same major version.

    Raises:
        UnknownPlugin: it isn't installed.
        BrokenPlugin: another major version is.
    """
    command = f"pip install '{part.distribution}=={part.version}'"
    try:
        plugin = load(part.name)
    except UnknownPlugin as error:
        raise UnknownPlugin(
            f"the detector needs the plugin {part.name!r} of {part.distribution} {part.version}, which isn't installed.",
            hint=f"{command}, then load the detector again.",
        ) from error
    here = plugin.listing
    if (here.distribution, _major(here.version)) != (part.distribution, _major(part.version)):
        raise BrokenPlugin(
            f"the detector was made with {part.name!r} of {part.distribution} {part.version}; installed is {here.plugin_id}.",
            hint=f"{command}; or make the detector anew: deepfake run.",
        )
    return plugin


def _major(version: str) -> str:
    return version.split(".")[0]

"""What happens to a video that is handed in at the page? A registered detector judges it, and nothing of it stays."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from deepfake_core.app import length
from deepfake_core.contract.errors import FAILED, HookFailed, VideoError
from deepfake_core.contract.records import Extracted, Panel, VideoRecord
from deepfake_core.data.store import Store
from deepfake_core.detector import page, registry
from deepfake_core.detector.bounded import Examiner
from deepfake_core.detector.detector import Detector, Extracts
from deepfake_core.detector.examining import examined
from deepfake_core.detector.registry import CHALLENGER, CHAMPION, Version
from deepfake_core.detector.scoring import Members
from deepfake_core.detector.verdict import Verdict

Tell = Callable[[float, str], None]
"""Hears how far the work is, from 0 to 1, and what is being done."""

KEPT = 2
"""Detectors that stay loaded: the one in use, and one to compare it with."""

_VIDEO = "video"


class VideoTooLong(VideoError):
    """It lasts longer than the page looks at."""

    status = "too_long"


@dataclass(frozen=True)
class Asked:
    """A detector, and which version of the registered model it is."""

    detector: Detector
    version: Version


@dataclass(frozen=True)
class Looked:
    """What was found in one video.

    Attributes:
        verdict: on it.
        panels: figures with the stream that drew them; empty unless asked for.
    """

    verdict: Verdict
    panels: list[tuple[str, Panel]]


class Desk:
    """Judges videos one at a time; callers see to it that no two ask at once.

    Args:
        name: of the registered model.
        max_seconds: that a video may last, by its header.
        scratch: a folder for whatever is made meanwhile; whoever made it removes it.
        examiner: that opens the videos.
    """

    def __init__(self, name: str, *, max_seconds: float, scratch: Path, examiner: Examiner) -> None:
        self.name = name
        self.max_seconds = max_seconds
        self.uploads = scratch / "uploads"
        self._models = scratch / "models"
        self._work = scratch / "work"
        for folder in (self.uploads, self._models, self._work):
            folder.mkdir()
        self._examiner = examiner
        self._loaded: OrderedDict[int, Detector] = OrderedDict()

    def versions(self) -> list[Version]:
        """All versions there are, the newest first."""
        return registry.versions(self.name)

    def asked(self, number: int) -> Asked:
        """A version, loaded; the last few stay so.

        Raises:
            DeepfakeError: there is no such version, or it can't be loaded here.
        """
        version = registry.version(self.name, str(number))
        if number not in self._loaded:
            folder = self._models / str(number)
            folder.mkdir(exist_ok=True)
            self._loaded[number] = Detector.load(registry.fetch(version.uri, folder))
        self._loaded.move_to_end(number)
        while len(self._loaded) > KEPT:
            oldest, _ = self._loaded.popitem(last=False)
            shutil.rmtree(self._models / str(oldest))
        return Asked(self._loaded[number], version)

    @contextmanager
    def handed_in(self, uploads: Iterable[str]) -> Iterator[list[Path]]:
        """Uploaded files, each once, for as long as they are looked at: on the way out they are removed."""
        paths = list(dict.fromkeys(Path(upload) for upload in uploads))
        try:
            yield paths
        finally:
            for path in paths:
                self._discard(path)

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder for what is made of a video; removed on the way out."""
        with tempfile.TemporaryDirectory(dir=self._work) as folder:
            yield Path(folder)

    def _discard(self, upload: Path) -> None:
        if upload.parent.parent != self.uploads:
            raise ValueError(f"{upload} wasn't uploaded")
        upload.unlink(missing_ok=True)
        with suppress(OSError):  # another file of the same content is still in it
            upload.parent.rmdir()  # its name is a digest of the content

    def look(self, video: Path, asked: Asked, *, illustrated: bool, tell: Tell) -> Looked:
        """Judges a video.

        Args:
            video: an uploaded file; verdicts call it by its bare name.
            asked: who judges it.
            illustrated: draw what the streams saw, too.
            tell: hears how far it is.

        Raises:
            VideoTooLong: by its header; nothing was examined.
            DeepfakeError: the detector can't work here.
        """
        tell(0.0, "reading the header")
        lasts = length.seconds(video)
        if lasts is not None and lasts > self.max_seconds:
            raise VideoTooLong(f"it lasts {lasts:.0f} s, at most {self.max_seconds:.0f} s are looked at")
        detector = asked.detector
        with self.workplace() as folder:
            extracts = self._extracts(video, detector, Store(folder), tell)
            tell(0.7, "joining what the streams say")
            rows = detector.rows(extracts)
            verdict = detector.judge(rows, extracts, {_VIDEO: page.visible(video.name)})[0]
            if not illustrated or verdict.error is not None:
                return Looked(verdict, [])
            tell(0.8, "drawing what the streams saw")
            return Looked(verdict, detector.panels(rows, extracts, _VIDEO))

    def _extracts(self, video: Path, detector: Detector, store: Store, tell: Tell) -> Extracts:
        record = VideoRecord(_VIDEO, video)

        def extract(members: Members) -> Extracted:
            name = members.stream.name
            tell(0.1 + 0.6 * detector.names.index(name) / len(detector.names), f"{name} looks at it")
            try:
                return self._examiner.extract(name, record, members.settings, store)
            except HookFailed as error:
                return Extracted(_VIDEO, None, FAILED, {"detail": error.problem})

        found = examined(detector, _VIDEO, extract, detector.asked(()))
        return [{_VIDEO: _without_folder(clips[_VIDEO], video)} for clips in found]


def _without_folder(item: Extracted, video: Path) -> Extracted:
    """What was said of a file, without where we keep it: that means nothing to whoever handed it in."""
    place = os.fspath(video)
    said = {
        name: value.replace(f"{place}: ", "").replace(place, page.visible(video.name))
        if isinstance(value, str)
        else value
        for name, value in item.quality.items()
    }
    return replace(item, quality=said)


def preferred(versions: Sequence[Version]) -> Version | None:
    """The version that is asked unless another is chosen: the champion, else the challenger, else the newest."""
    for alias in (CHAMPION, CHALLENGER):
        for version in versions:
            if alias in version.aliases:
                return version
    return versions[0] if versions else None

"""Keeps what was computed, so that it is computed once: content-addressed, atomic, locked, resumable.

An entry is a folder whose name is the digest of everything that determines its content. It is built in a
partial folder and renamed when complete, under a lock that the operating system drops when a process dies: a killed
process leaves no half entry, and two processes never build the same one.

Layout: ``entries/<kind>/<ab>/<key>/`` with an ``entry.json``, ``partial/<kind>-<key>/``, ``locks/<kind>-<key>``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from deepfake_core.contract import errors
from deepfake_core.contract.errors import VideoContentChanged, VideoError, VideoMissing
from deepfake_core.contract.records import VideoRecord
from deepfake_core.contract.settings import Settings, digest

logger = logging.getLogger(__name__)

MANIFEST = "entry.json"
Facts = Mapping[str, Any]
"""Flat JSON values that describe an entry, kept in its manifest."""


@dataclass(frozen=True)
class Entry:
    """A finished entry: its folder, and the facts its maker stated."""

    path: Path
    facts: Facts


class Store:
    """A folder of entries. Safe to share between processes, and between machines on a file system with locks.

    Args:
        root: the store's folder; made if absent.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def video_entry(
        self,
        video: VideoRecord,
        *,
        extractor: str,
        version: int,
        settings: Settings,
        make: Callable[[Path], Facts],
    ) -> Entry:
        """The entry that ``extractor`` makes of a video's content; made now unless it is there.

        Args:
            video: whose file's content is part of the key. Two files with equal content share an entry.
            extractor: name of what is extracted; streams that name the same extractor and settings share entries.
            version: of the extractor's code: raise it when the result changes.
            settings: all settings the result depends on, and no others.
            make: fills the folder it is given and returns the entry's facts.

        Raises:
            VideoError: the video can't be used; remembered, so that the next call raises at once.
        """
        key = {
            "content": self.content_digest(video),
            "extractor": extractor,
            "version": version,
            "settings": settings.model_dump(mode="json"),
        }
        return self.entry(extractor, key, make)

    def entry(self, kind: str, key: Facts, make: Callable[[Path], Facts], *, resume: bool = False) -> Entry:
        """The entry of ``key``; made now unless it is there.

        Args:
            kind: folder under which such entries stand.
            key: everything that determines the content, as JSON values.
            make: fills the folder it is given and returns the entry's facts.
            resume: hand ``make`` the folder as an interrupted call left it, instead of an empty one.

        Raises:
            VideoError: raised by ``make``, now or when the entry was first made.
        """
        name = digest([kind, dict(key)])
        folder = self.root / "entries" / kind / name[:2] / name
        found = _read(folder)
        if found is not None:
            return found
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(locks / f"{kind}-{name}"):
            found = _read(folder)
            if found is not None:
                return found
            if folder.exists():
                logger.warning("store: entry %s is damaged and is made again", folder)
                shutil.rmtree(folder)
            partial = self.root / "partial" / f"{kind}-{name}"
            if not resume:
                shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True, exist_ok=True)
            manifest: dict[str, Any] = {"key": dict(key)}
            try:
                manifest["facts"] = dict(make(partial))
            except VideoMissing:
                raise  # the file may come back
            except VideoError as error:
                shutil.rmtree(partial)
                partial.mkdir()
                manifest["failure"] = {"error": type(error).__name__, "detail": error.detail}
            _write_manifest(partial, manifest)
            folder.parent.mkdir(parents=True, exist_ok=True)
            partial.replace(folder)
        made = _read(folder)
        assert made is not None
        return made

    def forget(self, kind: str, key: Facts) -> None:
        """Removes an entry, and what an interrupted call left of it."""
        name = digest([kind, dict(key)])
        for folder in (self.root / "entries" / kind / name[:2] / name, self.root / "partial" / f"{kind}-{name}"):
            if folder.exists():
                shutil.rmtree(folder)

    def content_digest(self, video: VideoRecord) -> str:
        """sha256 of the video file; remembered by path, size and modification time.

        Raises:
            VideoMissing: the file can't be read.
            VideoContentChanged: the index states another sha256.
        """
        try:
            state = video.path.stat()
            fingerprint = digest([str(video.path), state.st_size, state.st_mtime_ns])
            note = self.root / "content" / fingerprint[:2] / fingerprint
            if note.exists():
                content = note.read_text()
            else:
                content = file_sha256(video.path)
                note.parent.mkdir(parents=True, exist_ok=True)
                unfinished = note.with_name(f"{note.name}.{os.getpid()}")
                unfinished.write_text(content)
                unfinished.replace(note)
        except OSError as error:
            raise VideoMissing(f"{video.path}: {error.strerror}") from error
        if video.sha256 and video.sha256 != content:
            raise VideoContentChanged(f"sha256 is {content[:12]}…, the index says {video.sha256[:12]}…")
        return content


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's content.

    Raises:
        OSError: the file can't be read.
    """
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def _read(folder: Path) -> Entry | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        for name, size in manifest["files"].items():
            if (folder / name).stat().st_size != size:
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    failure = manifest.get("failure")
    if failure:
        raise getattr(errors, failure["error"])(failure["detail"])
    return Entry(folder, manifest["facts"])


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest["files"] = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))

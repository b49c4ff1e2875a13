"""Can results be kept? The store's folder, what its file system can do, and the space that is left."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from deepfake_core import workspace
from deepfake_core.doctor.line import Line, ok, problem, warning

LEAST_GB, LITTLE_GB = 1.0, 10.0
"""A run on the demo data set keeps some 0.4 GB; extracted faces of a thousand clips take several."""

_ELSEWHERE = "set DEEPFAKE_HOME to a folder on a local disk that you can write to."


def store(name: str) -> Line:
    """Whether entries can be built as the store builds them: under a lock, then renamed."""
    home = workspace.home()
    folder = existing(home)
    if not writable(folder):
        return problem(name, f"{home} can't be written to", next=_ELSEWHERE)
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=folder) as scratch:
            lacking = [
                what for what, works in (("atomic rename", _renames), ("locks", _locks)) if not works(Path(scratch))
            ]
    except OSError as error:
        return problem(name, f"{home} can't be written to: {error}", next=_ELSEWHERE)
    if lacking:
        return problem(name, f"the file system of {home} lacks {' and '.join(lacking)}", next=_ELSEWHERE)
    return ok(name, f"{home}: writable, renames at once, locks")


def disk(name: str) -> Line:
    """The space left where the store lives."""
    home = workspace.home()
    free = shutil.disk_usage(existing(home)).free / 1e9
    found = f"{free:.1f} GB free at {home}"
    next_step = "delete what can be computed again ($DEEPFAKE_HOME/store), or set DEEPFAKE_HOME to a larger disk."
    if free < LEAST_GB:
        return problem(name, found, next=next_step)
    return warning(name, found, next=next_step) if free < LITTLE_GB else ok(name, found)


def existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    path = path.absolute()
    return next(each for each in (path, *path.parents) if each.exists())


def writable(folder: Path) -> bool:
    """Whether files can be made in a folder, without making any."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _renames(scratch: Path) -> bool:
    """Whether a full folder can be moved, and a file put in another's place."""
    built, old = scratch / "built", scratch / "file"
    try:
        built.mkdir()
        (built / "new").write_text("new")
        old.write_text("old")
        built.rename(scratch / "entry")
        (scratch / "entry" / "new").replace(old)
        return old.read_text() == "new" and not built.exists()
    except OSError:
        return False


def _locks(scratch: Path) -> bool:
    """Whether a lock keeps a second taker out, and lets it in afterwards."""
    from filelock import FileLock, Timeout

    path = scratch / "lock"
    second = FileLock(path)
    try:
        with FileLock(path):
            try:
                second.acquire(timeout=0)
            except Timeout:
                kept_out = True
            else:
                kept_out = False
        second.acquire(timeout=0)
        second.release()
    except (OSError, NotImplementedError, Timeout):
        return False
    return kept_out

"""Which folders and videos lie under a root, and what is wrong when it isn't the root that was expected?

Everything is read by listing folders: no video is opened, and none is asked for its size.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TypeVar

from deepfake_core import InvalidTable, UsageError
from deepfake_core.contract.tables import listed
from deepfake_core.data.generic import VIDEO_SUFFIXES
from deepfake_core.data.index import is_text

Parsed = TypeVar("Parsed", dict, list)  # type: ignore[type-arg]

_ALIKE = 0.8
"""From this ratio on, a folder's name counts as a misspelling: ``Deepfake`` for ``Deepfakes``, not ``FaceSwap`` for ``FaceShifter``."""
_PARENTS = 4
"""The deepest folder of a data set that can be mistaken for its root: ``original_sequences/youtube/c23/videos``."""


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; hidden files (``.DS_Store``, ``._001.mp4``) apart.

    Raises:
        UsageError: it isn't a folder, or can't be read.
    """
    try:
        with os.scandir(folder) as found:
            return sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be listed: {error.strerror}.", hint="check the path and its rights."
        ) from error


def subfolders(root: Path) -> dict[str, Path]:
    """The folders in ``root`` by ``plain`` name."""
    return {plain(entry.name): root / entry.name for entry in entries(root) if entry.is_dir()}


def plain(name: str) -> str:
    """A name without case and punctuation: ``YouTube-real`` and ``Youtube_real`` are one."""
    return re.sub(r"[\W_]+", "", name.casefold())


def pick(root: Path, names: Iterable[str]) -> dict[str, Path]:
    """The folders of these names that are in ``root``.

    Raises:
        UsageError: one is absent, and another has almost its name.
    """
    there = subfolders(root)
    wanted = {name: plain(name) for name in names}
    picked = {name: there[short] for name, short in wanted.items() if short in there}
    strangers = {short: path.name for short, path in there.items() if short not in wanted.values()}
    for name, short in wanted.items():
        alike = difflib.get_close_matches(short, strangers, n=1, cutoff=_ALIKE) if name not in picked else []
        if alike:
            raise UsageError(
                f"{root}: there is no folder {name!r}, but one named {strangers[alike[0]]!r}.",
                hint=f"rename it {name!r} if it is that, or move it elsewhere.",
            )
    return picked


def videos_in(folder: Path) -> dict[str, Path]:
    """The video files that lie directly in a folder, by stem (Unicode NFC, so that ids are equal on every system).

    Raises:
        InvalidTable: two files have one stem, or a name isn't text.
    """
    found: dict[str, Path] = {}
    for entry in entries(folder):
        stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 a Path for each name would cost more than the listing
        if suffix.lower() not in VIDEO_SUFFIXES or entry.is_dir(follow_symlinks=False):
            continue
        stem, path = unicodedata.normalize("NFC", stem), folder / entry.name
        if stem in found:
            raise same_stem(stem, [found[stem], path])
        if not is_text(stem):
            raise InvalidTable(
                f"{folder}: the file name {os.fsencode(entry.name)!r} isn't valid text.", hint="rename the file."
            )
        found[stem] = path
    return found


def read_json(path: Path, kind: type[Parsed]) -> Parsed:
    """The content of a JSON file.

    Raises:
        InvalidTable: it can't be read, isn't JSON, or isn't of this kind.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InvalidTable(f"{path}: can't be read as JSON: {error}", hint="download the file again.") from error
    if not isinstance(content, kind):
        raise InvalidTable(
            f"{path}: expected a JSON {kind.__name__}, found a {type(content).__name__}.",
            hint="download the file again.",
        )
    return content


def same_stem(stem: str, paths: Collection[Path]) -> InvalidTable:
    """The error for files that would get one ``video_id``."""
    return InvalidTable(
        f"{len(paths)} files are named {stem!r}: {listed([str(path) for path in paths])}.",
        hint="keep one of them under this root, or give a folder that holds only one as root.",
    )


def wrong_root(root: Path, *, fits: Callable[[Path], bool], expected: str) -> UsageError:
    """The error for a root that isn't one: says where the right one is, if it is next to it.

    Args:
        root: what was given.
        fits: tells whether a folder is a root of the data set.
        expected: what a root holds, in words.
    """
    here = entries(root)
    found = listed([f"{entry.name}/" if entry.is_dir() else entry.name for entry in here], most=8) or "nothing"
    problem = f"{root}: expected {expected}; found {found}."
    for parent in root.resolve().parents[:_PARENTS]:
        if _fits(parent, fits):
            return UsageError(problem, hint=f"this folder is inside the data set: give {parent}.")
    for entry in here:
        if entry.is_dir() and _fits(root / entry.name, fits):
            return UsageError(problem, hint=f"the data set is one folder further down: give {root / entry.name}.")
    return UsageError(problem, hint="give the folder that holds these.")


def _fits(folder: Path, fits: Callable[[Path], bool]) -> bool:
    try:
        return fits(folder)
    except UsageError:
        # A neighbour that can't be read is no better root.
        return False

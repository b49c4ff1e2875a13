"""Which files may be examined?

Callers of a server name videos by path, or send their content. A path is looked at only inside folders that the operator
names, once every symbolic link in it was followed; content goes through a temporary file. Who may rename things inside
such a folder could still swap a file between the check and the opening: name folders that callers can't write to.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deepfake_core.contract.errors import UsageError, VideoError, VideoMissing

ROOTS_VARIABLE = "DEEPFAKE_VIDEO_ROOTS"
"""Environment variable: the folders whose files callers may name, separated as in ``PATH``."""

LIMIT_VARIABLE = "DEEPFAKE_MAX_VIDEO_BYTES"
"""Environment variable: how large a video may be that callers send."""

DEFAULT_LIMIT_BYTES = 200_000_000

# PATH_MAX and NAME_MAX of Linux.
_LONGEST_PATH_BYTES = 4096
_LONGEST_NAME_BYTES = 255
# One answer for all that lies outside, whether it exists or not.
_OUTSIDE = "no file in the folders that may be examined"
# Divisible by 4, so that each slice of base64 text decodes by itself.
_SLICE_CHARACTERS = 1 << 20


class VideoRefused(VideoError):
    """What was asked for may not be examined; no statement about whether it exists."""

    status = "refused"


@dataclass(frozen=True)
class Roots:
    """Folders whose files may be examined, with all that lies below them.

    Attributes:
        folders: absolute, without symbolic links; none for no file at all.
    """

    folders: tuple[Path, ...]

    @classmethod
    def from_environment(cls) -> Roots:
        """The folders that ``DEEPFAKE_VIDEO_ROOTS`` lists; none if it is unset or empty.

        Raises:
            UsageError: one of them isn't an absolute path of a folder.
        """
        folders = [Path(text) for text in os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep) if text]
        for folder in folders:
            if not folder.is_absolute() or not folder.is_dir():
                raise UsageError(
                    f"{ROOTS_VARIABLE} names {str(folder)!r}, which isn't the absolute path of a folder.",
                    hint=f"list folders that exist, separated by {os.pathsep!r}, or unset it to examine no files.",
                )
        return cls(tuple(folder.resolve() for folder in folders))


def admit(text: str, roots: Roots) -> Path:
    """The file that a caller names, as an absolute path without symbolic links: open it by that path.

    Raises:
        VideoRefused: a URL, no possible path, outside the roots, or no regular file.
        VideoMissing: inside the roots, but not there or not accessible.
    """
    if re.match(r"[a-z][a-z0-9+.-]*://|file:", text, re.IGNORECASE):
        raise VideoRefused("a URL; only files are examined")
    if not _possible(text):
        raise VideoRefused("not a possible path")
    try:
        path = Path(text).resolve()
    except (OSError, RuntimeError):  # the latter: links in a circle
        raise VideoRefused(_OUTSIDE) from None
    if not any(path.is_relative_to(folder) for folder in roots.folders):
        raise VideoRefused(_OUTSIDE)
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise VideoMissing(f"{text}: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise VideoRefused("not a regular file")
    return path


def _possible(text: str) -> bool:
    """Whether a file could have this path."""
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        return False
    longest = max(map(len, encoded.split(b"/")))
    return 0 < len(encoded) <= _LONGEST_PATH_BYTES and longest <= _LONGEST_NAME_BYTES and b"\0" not in encoded


def limit_from_environment() -> int:
    """How many bytes a sent video may have: ``DEEPFAKE_MAX_VIDEO_BYTES``, or the default.

    Raises:
        UsageError: that is no positive whole number.
    """
    text = os.environ.get(LIMIT_VARIABLE) or str(DEFAULT_LIMIT_BYTES)
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise UsageError(
            f"{LIMIT_VARIABLE}={text!r} is no number of bytes.", hint=f"use a whole number, e.g. {DEFAULT_LIMIT_BYTES}."
        )
    return int(text)


@contextmanager
def spooled(video: str | bytes, *, folder: Path, limit_bytes: int) -> Iterator[Path]:
    """A sent video as a file, which only this user can read and which is removed on the way out.

    Args:
        video: its content; as text, in base64 (RFC 4648, section 4: padded, without line breaks).
        folder: where the file is made.
        limit_bytes: of the content; checked before anything is decoded.

    Raises:
        VideoRefused: too large, empty, or not base64.
    """
    size = len(video) if isinstance(video, bytes) else len(video) // 4 * 3 - video.count("=", -2)
    if size > limit_bytes:
        raise VideoRefused(f"{size} bytes; at most {limit_bytes} are accepted")
    if not video:
        raise VideoRefused("no content")
    with tempfile.NamedTemporaryFile(dir=folder, prefix="video-") as file:
        for block in [video] if isinstance(video, bytes) else _decoded(video):
            file.write(block)
        file.flush()
        yield Path(file.name)


def _decoded(text: str) -> Iterator[bytes]:
    """Base64 text as bytes, a slice at a time: neither is in memory a second time."""
    if len(text) % 4 or text.find("=", 0, -2) >= 0:
        raise VideoRefused("not base64: cut off, or padding in the middle")
    for begin in range(0, len(text), _SLICE_CHARACTERS):
        try:
            yield base64.b64decode(text[begin : begin + _SLICE_CHARACTERS], validate=True)
        except (binascii.Error, ValueError):
            raise VideoRefused("not base64: padded, of the standard alphabet, without line breaks") from None

"""Who is in a video, as the file names of public data sets tell it?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class NamePattern:
    """How one data set names its files.

    Attributes:
        family: name of the data set; people are ``family:number``.
        stem: matches a whole file name without suffix; its groups are the people, the one whose footage it is first.
        said: what data set, method or path must say; None where the form is unmistakable.
    """

    family: str
    stem: re.Pattern[str]
    said: re.Pattern[str] | None = None


NAME_PATTERNS = (
    # DeepFakeDetection: 01_27__scene__HASH, actor 01 with the face of 27; 01__scene is an original.
    NamePattern("dfd", re.compile(r"(\d{2})(?:_(\d{2}))?__[a-z].*")),
    # Celeb-DF: id3_id28_0003 shows id3 with the face of id28; id3_0001 is real.
    NamePattern("celebdf", re.compile(r"(id\d+)(?:_(id\d+))?_\d{4}")),
    # Celeb-DF's YouTube-real: a number per clip, of people who appear in no swap.
    NamePattern("celebdf", re.compile(r"(\d{5})"), re.compile(r"youtube|(?<![a-z])yt(?![a-z])|celeb")),
    # FaceForensics++: 033_097 shows 033 with the face of 097; 033 is real.
    NamePattern(
        "ffpp",
        re.compile(r"(\d{3})(?:_(\d{3}))?"),
        re.compile(r"(?<![a-z])ff(pp|\+\+|-c\d+)?(?![a-z])|faceforensics|face2face|neuraltextures|faceshifter"),
    ),
    # DFDC: a random word per clip; a fake's people are those of the original that its metadata names.
    NamePattern("dfdc", re.compile(r"([a-z]{10})"), re.compile("dfdc")),
)
"""Tried in this order."""

NUMBERED = re.compile(r"(\d{3,5})(?:_(\d{3,5}))?")
"""The form of a data set of which nothing else is known: one number per person."""

ORIGINAL_NEEDED = frozenset({"dfdc"})
"""Families whose fakes name nobody: without the original's name, their people are unknown."""


@dataclass(frozen=True)
class Reading:
    """People read from a file name.

    Attributes:
        family: data set whose numbering it is.
        people: ``family:number``, the one whose footage it is first.
        known: whether the data set is one of the table.
    """

    family: str
    people: tuple[str, ...]
    known: bool


def family_of(said: str) -> str:
    """The data set that a text (data set, method) speaks of: one of the table, or the text without its real/fake words."""
    for pattern in _patterns(said.lower()):
        if pattern.said:
            return pattern.family
    return _unnamed(said)


def read_people(stem: str, said: str) -> Reading | None:
    """Who is in a video.

    Args:
        stem: file name without folders and suffix.
        said: what the table says about it: data set and method.

    Returns:
        The reading; None where the name has no known form.
    """
    for pattern in _patterns(said.lower()):
        found = pattern.stem.fullmatch(stem)
        if found:
            return Reading(pattern.family, _named(pattern.family, found), True)
    found = NUMBERED.fullmatch(stem)
    return Reading(_unnamed(said), _named(_unnamed(said), found), False) if found else None


def _named(family: str, found: re.Match[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{family}:{group}" for group in found.groups() if group))


@lru_cache(maxsize=1024)
def _patterns(said: str) -> tuple[NamePattern, ...]:
    return tuple(pattern for pattern in NAME_PATTERNS if pattern.said is None or pattern.said.search(said))


@lru_cache(maxsize=1024)
def _unnamed(said: str) -> str:
    words = [
        word
        for word in re.split(r"[\W_]+", said)
        if word and word.lower() not in {"real", "fake", "original", "originals"}
    ]
    return "_".join(words)

"""What does a look at one thing end with?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Line:
    """One thing that was looked at.

    Attributes:
        name: of the thing.
        status: ``ok``; ``warning``, where something may be missed later; ``problem``, where commands will fail.
        found: what was found.
        next: what to do; empty if it is ok.
    """

    name: str
    status: Status
    found: str
    next: str = ""


def ok(name: str, found: str) -> Line:
    """Nothing to do."""
    return Line(name, "ok", found)


def warning(name: str, found: str, *, next: str) -> Line:
    """Most things work."""
    return Line(name, "warning", found, next)


def problem(name: str, found: str, *, next: str) -> Line:
    """Commands will fail."""
    return Line(name, "problem", found, next)

"""Where does it go when a plugin prints? Into the log, under the plugin's name: stdout is for what a command answers."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

LOGGER = logging.getLogger(__name__)

# sys.stdout is one for all threads, so swapping it must be, too.
_SWAPPING = threading.Lock()


class _Aside(io.TextIOBase):
    """Stands in for stdout while hooks run, in one thread or several.

    Args:
        before: what it stands in for.
        plugin: whose hook was called first; of calls that run side by side, all lines go under that name.
    """

    def __init__(self, before: TextIO, plugin: str) -> None:
        self.before = before
        self.calls = 0
        self._plugin = plugin
        self._line = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            LOGGER.warning("plugin %r printed: %s", self._plugin, line)
        return len(text)

    def flush(self) -> None:
        if self._line:
            self.write("\n")


@contextmanager
def aside(plugin: str) -> Iterator[None]:
    """While inside, what Python code prints is logged. Other threads' prints are, too; nothing of them is lost."""
    with _SWAPPING:
        stand_in = sys.stdout if isinstance(sys.stdout, _Aside) else _Aside(sys.stdout, plugin)
        stand_in.calls += 1
        sys.stdout = stand_in
    try:
        yield
    finally:
        with _SWAPPING:
            stand_in.calls -= 1
            if stand_in.calls == 0:
                stand_in.flush()
                sys.stdout = stand_in.before

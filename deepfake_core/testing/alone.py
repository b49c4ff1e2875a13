"""What does a plugin do in a process of its own, and what does it leave behind there?

The process starts in empty folders that stand for the working directory, the home and the place for temporary files. What is
written is noticed twice: by Python's audit events wherever it is written by Python code, and by what lies in those folders in
the end, whoever wrote it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from deepfake_core.contract.errors import DeepfakeError

CALL, ANSWER = "call.pickle", "answer.pickle"
PLACES = ("here", "home", "tmp")
MOST_S = 1800
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGING = frozenset({"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.symlink", "os.truncate"})


class Died(DeepfakeError):
    """The process ended without an answer."""


@dataclass(frozen=True)
class Lived:
    """What became of a call in a process of its own.

    Attributes:
        value: what the function returned.
        printed: what came to stdout, by Python code or not.
        written: files and folders that were written, changed or removed where nothing may be.
    """

    value: Any
    printed: str
    written: tuple[str, ...]


def call(function: Callable[..., Any], *arguments: Any, folder: Path, allowed: Sequence[Path] = ()) -> Lived:
    """Calls a function in a new process.

    Args:
        function: importable by name.
        arguments: that pickle.
        folder: empty; for all that the call needs.
        allowed: where it may write, besides the caches of the user (``~/.cache``), which hold downloads.

    Raises:
        Died: the process ended without an answer.
        Exception: what the function raised.
    """
    for place in PLACES:
        (folder / place).mkdir()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if cache.is_dir():
        (folder / "home" / ".cache").symlink_to(cache)
    (folder / CALL).write_bytes(pickle.dumps((function, arguments, _roots(folder, cache, allowed))))
    done = subprocess.run(
        [sys.executable, "-m", "deepfake_core.testing.alone", str(folder)],
        cwd=folder / "here",
        env=_environment(folder, cache),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=MOST_S,
    )
    if not (folder / ANSWER).exists():
        raise Died(
            f"{function.__name__}{arguments[:1]} ended with code {done.returncode}: {done.stderr[-2000:]}",
            hint="-9 means that memory ran out, -11 a fault in a library; otherwise read the traceback.",
        )
    error, value, printed, written = pickle.loads((folder / ANSWER).read_bytes())
    if error is not None:
        raise error
    left = [path for place in PLACES for path in (folder / place).rglob("*") if path.name != ".cache"]
    strange = sorted({*written, *(str(path.relative_to(folder)) for path in left if not _below(path, allowed))})
    return Lived(value, done.stdout + printed, tuple(strange))


def _environment(folder: Path, cache: Path) -> dict[str, str]:
    """This process's, with other places. What a library writes on import, for itself, goes where nobody looks."""
    return {
        **os.environ,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "XDG_CACHE_HOME": str(cache),
        "MPLCONFIGDIR": str(folder / "matplotlib"),
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "torchinductor"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def _roots(folder: Path, cache: Path, allowed: Sequence[Path]) -> tuple[str, ...]:
    """Where a write says nothing against a plugin; what lies in the three places is looked at in the end."""
    places = [folder.resolve(), cache.resolve(), *(path.resolve() for path in allowed)]
    return (*map(str, places), "/dev", "/proc", sysconfig.get_paths()["stdlib"])


def _below(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.resolve().is_relative_to(root.resolve()) for root in roots)


# ---- in the process


def _note(found: list[str], roots: Sequence[str], event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if not (isinstance(flags, int) and flags & _WRITING):
            return
    elif event in _CHANGING:
        path = arguments[0]
        # Relative to an open folder, which was found by a path of its own.
        if event in ("os.mkdir", "os.remove", "os.rmdir") and arguments[-1] != -1:
            return
    else:
        return
    if isinstance(path, str | bytes | os.PathLike):
        place = os.path.realpath(os.fsdecode(path))
        if not any(place == root or place.startswith(root + os.sep) for root in roots):
            found.append(place)


@contextmanager
def _heard(lines: list[str]) -> Iterator[None]:
    """Collects what the core logs as printed by a plugin."""
    import logging

    from deepfake_core.printing import LOGGER

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    ear = Ear()
    LOGGER.addHandler(ear)
    try:
        yield
    finally:
        LOGGER.removeHandler(ear)


def serve(folder: Path) -> None:
    """Answers the call that was left in ``folder``."""
    written: list[str] = []
    printed: list[str] = []
    function, arguments, roots = pickle.loads((folder / CALL).read_bytes())
    sys.addaudithook(partial(_note, written, roots))
    error = value = None
    with _heard(printed):
        try:
            value = function(*arguments)
        except Exception as raised:
            error = raised
    try:
        answer = pickle.dumps((error, value, "\n".join(printed), tuple(dict.fromkeys(written))))
    except Exception as unfit:
        answer = pickle.dumps((RuntimeError(f"{type(error or unfit).__name__}: {error or unfit}"), None, "", ()))
    (folder / ANSWER).write_bytes(answer)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

"""How is a hostile video looked at without harm to this process?

Decoders and face detectors are where a crafted file strikes: it may crash them, keep them busy for ever, or have them take
all memory. So a stream's ``extract`` runs in a process of its own, which is ended when it takes too long or too much,
and started anew for the next video. Its answer is one line of JSON, never unpickled, from which nothing but an
``Extracted`` or an error is built.

This bounds accidents and attacks on resources; it is no sandbox. Code that has taken that process over can do what this
user can, and lie about later videos. Who serves strangers runs the server as a user, or in a container, that may do little.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import pickle
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil  # type: ignore[import-untyped]

from deepfake_core.contract import errors, promises
from deepfake_core.contract.errors import DeepfakeError, HookFailed, VideoError
from deepfake_core.contract.records import Extracted, VideoRecord
from deepfake_core.contract.settings import Settings
from deepfake_core.data.store import Store
from deepfake_core.plugins import load_stream

DEFAULT_SECONDS = 300.0
DEFAULT_MEMORY_BYTES = 4 << 30
"""Four times what the face detectors and PyTorch take with the largest frames that are read."""

# A stream's first video in a process may take so much longer: PyTorch, MediaPipe and weights are loaded for it.
_LOADING_S = 60.0
# After how much more the process ends by itself.
_GRACE_S = 2.0
# How often the memory is looked at.
_LOOK_S = 0.05
_ANSWER_BYTES = 1 << 20
_FILE_BYTES = 1 << 30
_OPEN_FILES = 256
# Of Linux's prctl: no program that this process starts gets more rights than it has.
_PR_SET_NO_NEW_PRIVS = 38
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from deepfake_core.detector.bounded import serve; serve()"
)
_STOPPING = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, DeepfakeError)
}


class ExaminationFailed(VideoError):
    """The process that looked at the video gave no answer that makes sense."""

    status = "examination_failed"


class ExaminationCrashed(ExaminationFailed):
    """The process that looked at the video died."""

    status = "crashed"


class ExaminationTooSlow(ExaminationFailed):
    """Looking at the video took longer than it may."""

    status = "too_slow"


class ExaminationTooHeavy(ExaminationFailed):
    """Looking at the video took more memory than it may."""

    status = "too_much_memory"


@dataclass(frozen=True)
class _Job:
    stream: str
    video: VideoRecord
    settings: Settings
    store: Store
    seconds: float


class Examiner:
    """Looks at one video at a time, in a process that is started when needed and kept for the next video.

    That process ends with this one, however this one ends. Threads may share an examiner: they wait for each other.

    Args:
        seconds: that a stream may take for a video.
        memory_bytes: resident memory that the process may have, libraries included: about 1.2 GB for all streams.
    """

    def __init__(self, *, seconds: float = DEFAULT_SECONDS, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def __enter__(self) -> Examiner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def extract(self, stream_name: str, video: VideoRecord, settings: Settings, store: Store) -> Extracted:
        """What the stream makes of a video, as ``Stream.extract`` returns it.

        Raises:
            ExaminationFailed: there is no telling; its subclass says why. The next call isn't affected.
            DeepfakeError: as raised by the stream.
        """
        with self._lock:
            process = self._process
            if process is None or not process.usable():
                process = self._process = _Process()
            seconds = self._seconds + (0.0 if stream_name in process.loaded else _LOADING_S)
            job = _Job(stream_name, video.unlabelled(), settings, store, seconds)
            try:
                found = _rebuilt(process.ask(job, self._memory_bytes), job)
            except BaseException:  # Ctrl-C, too: nobody waits for what the process is at
                process.end()
                raise
            process.loaded.add(stream_name)
            if process.memory_bytes() > self._memory_bytes / 2:
                process.end()  # so that what has piled up isn't held against the next video
        if isinstance(found, DeepfakeError):
            raise found
        return found

    def close(self) -> None:
        """Ends the process at once; a call that waits for it fails, a later call starts another."""
        process = self._process
        if process is not None:
            process.kill()
            with self._lock:
                process.end()


class _Process:
    """A process that runs ``serve``.

    Attributes:
        loaded: streams it has worked for.
        end: kills and forgets it; comes by itself when this object or the interpreter goes.
    """

    def __init__(self) -> None:
        self.loaded: set[str] = set()
        self._popen = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", _PROGRAM, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # away from the terminal's Ctrl-C, and killed as a group
        )
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._requests, self._answers = self._popen.stdin, self._popen.stdout
        os.set_blocking(self._requests.fileno(), False)  # it might have stopped reading
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._answers, selectors.EVENT_READ)
        self.end = weakref.finalize(self, _end, self._popen, self._selector)

    def usable(self) -> bool:
        """Whether it lives and says nothing unasked."""
        return self._popen.poll() is None and not self._selector.select(0)

    def kill(self) -> None:
        """Kills it and what it started."""
        _kill(self._popen)

    def memory_bytes(self) -> int:
        """Its resident memory."""
        try:
            return int(psutil.Process(self._popen.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def ask(self, job: _Job, memory_bytes: int) -> bytes:
        """Its answer.

        Raises:
            ExaminationFailed: none came within the limits.
        """
        deadline = time.monotonic() + job.seconds
        heard = bytearray()
        line = base64.b64encode(pickle.dumps(job)) + b"\n"
        with contextlib.suppress(BrokenPipeError):  # then it is dead, and the answer is its end
            if self._requests.write(line) != len(line):  # a pipe holds 64 KiB, a job takes one or two
                raise ExaminationFailed("it doesn't take the job")
        while True:
            if self._selector.select(_LOOK_S):
                block = os.read(self._answers.fileno(), 1 << 16)
                if not block:
                    raise ExaminationCrashed(self._last_words())
                heard += block
                if block.endswith(b"\n"):
                    return bytes(heard)
                if len(heard) > _ANSWER_BYTES:
                    raise ExaminationFailed("its answer has no end")
            if time.monotonic() > deadline:
                raise ExaminationTooSlow(f"no answer within {job.seconds:g} s")
            used = self.memory_bytes()
            if used > memory_bytes:
                raise ExaminationTooHeavy(f"{used / 1e6:.0f} MB in use, {memory_bytes / 1e6:.0f} MB allowed")

    def _last_words(self) -> str:
        try:
            code = self._popen.wait(1)
        except subprocess.TimeoutExpired:
            return "the process stopped answering"
        if code >= 0:
            return f"the process ended with status {code}"
        names = {number.value: number.name for number in signal.Signals}
        return f"the process was ended by {names.get(-code, f'signal {-code}')}"


def _kill(popen: subprocess.Popen[bytes]) -> None:
    # To a fork of the process that started it, ``poll`` calls it ended: so a fork leaves it alone and starts its own.
    if popen.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)


def _end(popen: subprocess.Popen[bytes], selector: selectors.BaseSelector) -> None:
    _kill(popen)
    popen.wait()
    selector.close()
    for pipe in (popen.stdin, popen.stdout):
        if pipe is not None:
            pipe.close()


def _rebuilt(answer: bytes, job: _Job) -> Extracted | DeepfakeError:
    """What an answer says, in this process's own objects.

    Raises:
        ExaminationFailed: it can't be what ``serve`` would say about this job.
    """
    try:
        said = json.loads(answer)
        if "error" in said:
            return _STOPPING[said["error"]](str(said["problem"]), hint=str(said["hint"]))
        path = None if said["path"] is None else Path(said["path"])
        if path is not None and not path.resolve().is_relative_to(job.store.root.resolve()):
            raise ValueError("a path outside the store")
        found = Extracted(job.video.video_id, path, said["status"], said["quality"])
        promises.check_extracted(job.stream, job.video, found)
        if not isinstance(found.status, str):
            raise TypeError("a status that is no text")
    except (ValueError, LookupError, TypeError, RecursionError, OSError, HookFailed) as error:
        raise ExaminationFailed(f"its answer makes no sense: {type(error).__name__}") from error
    return found


# ---- in the process


def serve() -> None:
    """Answers the jobs that come on standard input, one a line, until nobody is left to ask."""
    _limit_this_process()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what libraries print must not get between the answers
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, jobs), daemon=True).start()
    while True:
        answers.write(json.dumps(_answer(pickle.loads(base64.b64decode(jobs.get())))).encode() + b"\n")
        answers.flush()


def _limit_this_process() -> None:
    import resource

    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
    ):
        hard = resource.getrlimit(limit)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (bound, bound))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # When the machine's memory runs out before the limit is seen, the kernel shall take this process, not the server.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")


def _listen(requests: IO[bytes], jobs: queue.SimpleQueue[bytes]) -> None:
    for line in requests:
        jobs.put(line)
    os._exit(0)  # the process that asked is gone, whatever this one is at


def _answer(job: _Job) -> dict[str, Any]:
    # The kernel's clock, in case the asking process is gone and a library keeps ``_listen`` from noticing.
    signal.setitimer(signal.ITIMER_REAL, job.seconds + _GRACE_S)
    try:
        found = load_stream(job.stream).extract(job.video, job.settings, job.store)
    except DeepfakeError as error:
        kind = next(kind.__name__ for kind in type(error).__mro__ if kind in _STOPPING.values())
        return {"error": kind, "problem": error.problem, "hint": error.hint}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    path = None if found.path is None else os.fspath(found.path)
    return {"status": found.status, "path": path, "quality": dict(found.quality)}

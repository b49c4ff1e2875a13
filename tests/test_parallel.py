from __future__ import annotations

import builtins
import contextlib
import functools
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest

from deepfake_core import parallel
from deepfake_core.contract.errors import UsageError, VideoTooShort
from deepfake_core.parallel import WorkerDied
from tests.conftest import interruptible

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc to see processes")

JOBS = '''
"""Functions for workers, which can't import a test module by name."""

import os, signal, time, weakref
from pathlib import Path

import numpy as np

from deepfake_core.contract.errors import VideoTooShort


def power(item):
    return float(np.random.default_rng(item).normal(size=(64, 64)).sum())


def troubled(item):
    if item == 1:
        raise VideoTooShort("1.0 s of 6.0 s")
    if item == 2:
        raise SystemExit(3)
    if item == 3:
        raise Untravelled("left", "right")
    return -item


class Untravelled(Exception):
    def __init__(self, left, right):
        super().__init__(left + right)


class Frames:
    held = []


def fails_holding_frames(item):
    frames = Frames()
    Frames.held.append(weakref.ref(frames))
    raise ValueError(item)


def visit(folder, item):
    """Leaves a mark for each time the item is worked on; odd items under 10 kill their process."""
    (Path(folder) / f"{item}-{time.monotonic_ns()}").touch()
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if item in (3, 5):
        os._exit(7)
    time.sleep(0.02)
    return item


def dies_once(folder, item):
    mark = Path(folder) / "died"
    if item == 2 and not mark.exists():
        mark.touch()
        os._exit(9)
    return item


def where_and_how(item):
    import joblib
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), joblib.cpu_count()


def linger(folder, item):
    (Path(folder) / str(item)).touch()
    time.sleep(60)


def always_dies(item):
    if item == 2:
        os._exit(9)
    return item


def slowly(folder, item):
    (Path(folder) / str(item)).touch()
    time.sleep(0.15)
    return item * item
'''


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "parallel_jobs.py").write_text(JOBS)
    sys.path.insert(0, str(folder))  # loky and the Dask processes below take this path over
    import parallel_jobs

    yield parallel_jobs
    sys.path.remove(str(folder))
    del sys.modules["parallel_jobs"]


def summary(outcomes: list[parallel.Outcome[int, object]]) -> list[tuple[object, ...]]:
    return [(o.item, o.value, type(o.error).__name__, str(o.error)) for o in outcomes]


# ---- results


@pytest.mark.parametrize("workers", ["auto", 1, 2, "3"])
def test_outcomes_are_those_of_a_plain_loop_in_order(jobs, workers: int | str) -> None:
    outcomes = parallel.map(jobs.power, range(20), workers=workers)
    assert [o.item for o in outcomes] == list(range(20))
    assert [o.value for o in outcomes] == [jobs.power(i) for i in range(20)]
    assert all(o.error is None for o in outcomes)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_items_no_outcomes(jobs, workers: int) -> None:
    assert parallel.map(jobs.power, [], workers=workers) == []


def test_errors_are_kept_with_their_items_and_are_the_same_for_any_number_of_workers(jobs) -> None:
    here, there = (parallel.map(jobs.troubled, range(6), workers=workers) for workers in (1, 2))
    assert summary(here) == summary(there)
    assert [o.value for o in there] == [0, None, None, None, -4, -5]
    assert isinstance(there[1].error, VideoTooShort)
    assert there[1].error.detail == "1.0 s of 6.0 s"
    assert "sys.exit(3)" in str(there[2].error)
    assert "Untravelled: leftright" in str(there[3].error)


def test_a_kept_error_does_not_keep_what_the_function_held(jobs) -> None:
    outcomes = parallel.map(jobs.fails_holding_frames, range(3), workers=1)
    assert all(isinstance(o.error, ValueError) for o in outcomes)
    gc.collect()
    assert [held() for held in jobs.Frames.held] == [None] * 3


def test_one_worker_is_this_process_and_more_are_others_that_share_the_cores(jobs) -> None:
    [one] = parallel.map(jobs.where_and_how, [0], workers=1)
    assert one.value is not None and one.value[0] == os.getpid()
    several = [o.value for o in parallel.map(jobs.where_and_how, range(4), workers=2)]
    cores = joblib.cpu_count()
    for pid, threads, nested in several:
        assert pid != os.getpid()
        assert (threads, nested) == (str(max(1, cores // 2)), max(1, cores // 2))


# ---- workers that die


def test_a_dying_worker_costs_only_its_own_item(jobs, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcomes = parallel.map(functools.partial(jobs.visit, str(tmp_path)), range(30), workers=2)
    lost = {o.item: o.error for o in outcomes if o.error is not None}
    assert sorted(lost) == [1, 3, 5]
    assert all(isinstance(error, WorkerDied) for error in lost.values())
    assert "SIGKILL" in str(lost[1]) and "memory" in str(lost[1])
    assert "EXIT(7)" in str(lost[3])
    assert [o.value for o in outcomes if o.error is None] == [i for i in range(30) if i not in lost]

    visits = sorted((int(mark.name.split("-")[1]), int(mark.name.split("-")[0])) for mark in tmp_path.iterdir())
    times_visited = np.bincount([item for _, item in visits], minlength=30)
    assert times_visited.tolist() == [2 if item in lost else 1 for item in range(30)]
    assert [item for _, item in visits[-3:]] == [1, 3, 5]
    assert "Traceback" not in capfd.readouterr().err


def test_an_item_whose_worker_died_by_accident_is_done_after_all(jobs, tmp_path: Path) -> None:
    outcomes = parallel.map(functools.partial(jobs.dies_once, str(tmp_path)), range(6), workers=2)
    assert (tmp_path / "died").exists()
    assert [(o.value, o.error) for o in outcomes] == [(i, None) for i in range(6)]


# ---- Ctrl-C


@needs_proc
@pytest.mark.parametrize("moment", ["while workers start", "while they work"])
def test_ctrl_c_ends_everything_at_once(jobs, tmp_path: Path, moment: str) -> None:
    code = (
        "import functools, sys, parallel_jobs; from deepfake_core import parallel\n"
        "print('ready', flush=True)\n"
        "parallel.map(functools.partial(parallel_jobs.linger, sys.argv[1]), range(4), workers=2)"
    )
    main = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(jobs.__file__).parent), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=interruptible,
    )
    assert main.stdout is not None and main.stdout.readline() == "ready\n"
    if moment == "while they work":
        until(lambda: len(list(tmp_path.iterdir())) == 2)
    else:
        until(lambda: any("loky" in command and "--process-name" in command for command in members(main.pid)))
    begin = time.monotonic()
    os.killpg(main.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    _, err = main.communicate(timeout=20)
    assert time.monotonic() - begin < 5
    assert main.returncode == -signal.SIGINT
    assert err.count("Traceback") == 1 and err.rstrip().endswith("KeyboardInterrupt")
    until(lambda: not members(main.pid))


def members(session: int) -> list[str]:
    """The command lines of a session's living processes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, its_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append((folder / "cmdline").read_text())
    return found


def until(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@needs_proc
def test_workers_are_gone_when_the_work_is_done(jobs) -> None:
    pids = {o.value[0] for o in parallel.map(jobs.where_and_how, range(4), workers=2) if o.value}
    assert pids
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


# ---- what the user sees


@pytest.mark.parametrize("workers", ["many", "0", 0, -1, "2.5", "", "tcp://", "tcp://host", "http://host:1"])
def test_nonsense_is_refused_with_what_is_allowed(jobs, workers: int | str) -> None:
    with pytest.raises(UsageError, match=r"auto.*whole number.*tcp://"):
        parallel.map(jobs.power, [1], workers=workers)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("progress", [None, False, True])
def test_a_bar_appears_on_stderr_only_when_asked_for(
    jobs, workers: int, progress: bool | None, capfd: pytest.CaptureFixture[str]
) -> None:
    parallel.map(jobs.power, range(3), workers=workers, label="videos", progress=progress)
    out, err = capfd.readouterr()
    assert out == ""
    assert ("videos" in err and "3/3" in err) if progress else err == ""


# ---- a Dask cluster


def test_a_cluster_needs_its_package(jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def no_distributed(name: str, *rest, **named):
        if name == "distributed":
            raise ImportError(name)
        return real_import(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", no_distributed)
    with pytest.raises(UsageError, match=r"deepfake-core\[dask\]"):
        parallel.map(jobs.power, [1], workers="tcp://127.0.0.1:8786")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_cluster_that_does_not_answer_is_a_clear_error(jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(parallel, "_ANSWER_S", 1)
    begin = time.monotonic()
    with pytest.raises(UsageError, match=r"no Dask scheduler answers[\s\S]*dask scheduler"):
        parallel.map(jobs.power, [1], workers=f"tcp://127.0.0.1:{free_port()}")
    assert time.monotonic() - begin < 10


@pytest.fixture
def scheduler(jobs, tmp_path: Path) -> Iterator[Dask]:
    pytest.importorskip("distributed")
    with contextlib.closing(Dask(tmp_path, Path(jobs.__file__).parent)) as dask:
        yield dask


class Dask:
    """A scheduler and its workers, as the user would start them, on loopback."""

    def __init__(self, folder: Path, jobs: Path) -> None:
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self._folder = folder
        self._env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(jobs), *filter(None, sys.path)]),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
        }
        self._processes: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--host", "127.0.0.1", "--port", self.address.rpartition(":")[2], "--no-show")

    def add_worker(self, nanny: str = "--no-nanny") -> subprocess.Popen[bytes]:
        local = self._folder / f"worker{len(self._processes)}"
        return self._start("worker", self.address, nanny, "--nthreads", "1", "--local-directory", str(local))

    def close(self) -> None:
        for process in reversed(self._processes):  # the scheduler last, or workers would look for it
            process.terminate()
            process.wait(timeout=20)

    def _start(self, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", role, *arguments, "--no-dashboard"]
        with (self._folder / "dask.log").open("ab") as log:
            process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log, cwd=self._folder)
        self._processes.append(process)
        return process


def test_a_cluster_gives_the_same_outcomes_also_when_a_worker_is_killed_midway(jobs, scheduler: Dask) -> None:
    marks = scheduler._folder / "marks"
    marks.mkdir()
    victim, _ = scheduler.add_worker(), scheduler.add_worker()
    work = functools.partial(jobs.slowly, str(marks))

    def kill() -> None:
        until(lambda: len(list(marks.iterdir())) >= 8)
        victim.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = parallel.map(work, range(24), workers=scheduler.address)
    killer.join()
    assert victim.wait() == -signal.SIGKILL
    assert [(o.item, o.value, o.error) for o in outcomes] == [(i, i * i, None) for i in range(24)]

    assert summary(parallel.map(jobs.troubled, range(6), workers=scheduler.address)) == summary(
        parallel.map(jobs.troubled, range(6), workers=2)
    )


def test_an_item_that_kills_cluster_workers_gets_an_error_and_the_others_their_values(jobs, scheduler: Dask) -> None:
    scheduler.add_worker("--nanny")  # starts the worker anew each time, but gives up where its first one dies at once
    parallel.map(jobs.troubled, range(6), workers=scheduler.address)
    outcomes = parallel.map(jobs.always_dies, range(5), workers=scheduler.address)
    assert [o.value for o in outcomes] == [0, 1, None, 3, 4]
    assert isinstance(outcomes[2].error, WorkerDied)
    assert all(o.error is None for o in outcomes if o.item != 2)


def test_a_cluster_without_workers_is_a_clear_error(jobs, scheduler: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_ANSWER_S", 2)
    host, port = scheduler.address.removeprefix("tcp://").split(":")

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False

    until(answers)
    with pytest.raises(UsageError, match="has no workers"):
        parallel.map(jobs.power, [1], workers=scheduler.address)

"""How is one function applied to many videos or folds: here in processes, or on a cluster?

``map`` gives one outcome per item, in the items' order, whatever the number of workers. An item that fails doesn't stop
the others, nor does one that kills its process.

The function must be importable by name where it runs (no lambda), and items and values must pickle. A Dask cluster needs the
same installation as here, and must see files under the same paths.
"""

from __future__ import annotations

import asyncio
import pickle
import re
import reprlib
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from deepfake_core.contract.errors import DeepfakeError, UsageError

if TYPE_CHECKING:
    from joblib.externals.loky import ProcessPoolExecutor

Item = TypeVar("Item")
Value = TypeVar("Value")

# How long a cluster may take to answer, and to have a worker.
_ANSWER_S = 15
# After how long a process without work ends: one that isn't needed any more, or (a little later) whose parent was killed.
_IDLE_S = 10
# What numerical libraries read, when they are loaded, to learn how many threads to use.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


class WorkerDied(DeepfakeError):
    """The process that worked on an item ended without an answer, and again when the item was alone."""


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """What became of one item.

    Attributes:
        item: as it was given.
        value: what the function returned; None if it failed.
        error: what it raised, or a ``WorkerDied``; None if it succeeded.
    """

    item: Item
    value: Value | None = None
    error: Exception | None = None


def map(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    *,
    workers: int | str = "auto",
    label: str = "",
    progress: bool | None = None,
) -> list[Outcome[Item, Value]]:
    """Applies ``function`` to every item.

    Local workers are fresh processes that share the cores evenly: numerical libraries in each use cores / workers
    threads. An item whose process dies is tried once more at the end, with nothing beside it; so on a cluster, when the
    scheduler has given it up. Ctrl-C ends all local workers.

    Args:
        function: picklable by reference. Its result may depend on nothing but the item.
        items: what to apply it to.
        workers: ``auto`` for one process per usable core; a number of processes, where 1 means this process (so that
            an item that kills its process kills this one); or ``tcp://host:port``, the scheduler of a Dask cluster.
        label: stands before the progress bar.
        progress: show a bar on stderr; None shows it on a terminal only.

    Returns:
        One outcome per item, in the order of ``items``.

    Raises:
        UsageError: ``workers`` makes no sense, or the cluster doesn't answer.
    """
    todo = list(items)
    where = _where(workers)
    if isinstance(where, str):
        results = _on_cluster(function, todo, where)
    elif min(where, len(todo)) <= 1:
        results = _in_this_process(function, todo)
    else:
        results = _in_processes(function, todo, min(where, len(todo)))
    return _collected(results, todo, label, progress)


Result = tuple[int, Any, "Exception | None"]
"""An item's position, and its value or its error."""


def _where(workers: int | str) -> int | str:
    if workers == "auto":
        return _cores()
    text = str(workers).strip()
    if re.fullmatch(r"tcp://[^/\s]+:\d+", text):
        return text
    if not re.fullmatch(r"[1-9]\d*", text):
        raise UsageError(
            f"workers={workers!r} is neither a number of processes nor the address of a cluster.",
            hint="use auto, a whole number from 1 on, or the address of a Dask scheduler, e.g. tcp://10.0.0.5:8786.",
        )
    return int(text)


def _cores() -> int:
    """How many cores this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


def _collected(
    results: Iterator[Result], items: Sequence[Item], label: str, progress: bool | None
) -> list[Outcome[Item, Any]]:
    from tqdm import tqdm

    outcomes: list[Outcome[Item, Any] | None] = [None] * len(items)
    hidden = None if progress is None else not progress  # None: hidden unless stderr is a terminal
    with closing(results), tqdm(total=len(items), desc=label or None, disable=hidden, file=sys.stderr) as bar:  # type: ignore[type-var]
        for position, value, error in results:
            outcomes[position] = Outcome(items[position], value, error)
            bar.update()
    return [outcome for outcome in outcomes if outcome is not None]


def _call(function: Callable[[Item], Value], item: Item) -> Value:
    """What runs in a worker: ``function``, with any error made fit to travel."""
    try:
        return function(item)
    except SystemExit as error:
        raise RuntimeError(f"it called sys.exit({error.code!r})") from error
    except Exception as error:
        if _travels(error):
            raise
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _travels(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True


def _in_this_process(function: Callable[[Item], Value], items: Sequence[Item]) -> Iterator[Result]:
    for position, item in enumerate(items):
        result: Result
        try:
            result = position, _call(function, item), None
        except Exception as error:
            traceback.clear_frames(
                error.__traceback__
            )  # or what the function held in memory lives as long as the error
            result = position, None, error
        yield result


def _in_processes(function: Callable[[Item], Value], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Gives each worker a pool of its own, so that a process that dies takes nothing along but its one item."""
    from joblib.externals.loky import BrokenProcessPool

    waiting = iter(range(len(items)))
    died: list[int] = []
    running: dict[Future[Value], tuple[int, ProcessPoolExecutor]] = {}
    with _pools(workers) as new_pool:

        def start_next(pool: ProcessPoolExecutor) -> None:
            position = next(waiting, None)
            if position is not None:
                running[_submit(pool, function, items[position])] = position, pool

        for _ in range(workers):
            start_next(new_pool())
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                position, pool = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    died.append(position)
                    start_next(new_pool())
                else:
                    start_next(pool)
                    yield _result(position, future)

    for position in sorted(died):
        with _pools(workers) as new_pool:
            future = _submit(new_pool(), function, items[position])
            wait([future])
            error = future.exception()
        if isinstance(error, BrokenProcessPool):
            yield position, None, _worker_died(items[position], error)
        else:
            yield _result(position, future)


@contextmanager
def _pools(workers: int) -> Iterator[Callable[[], ProcessPoolExecutor]]:
    """Makes pools of one process each, and ends them on the way out; at once if something went wrong."""
    from joblib.externals.loky import ProcessPoolExecutor

    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker

        # Else the first worker would start it, and starting it unblocks the Ctrl-C that ``_submit`` blocks.
        resource_tracker.ensure_running()
    threads = str(max(1, _cores() // workers))
    pools: list[ProcessPoolExecutor] = []

    def new_pool() -> ProcessPoolExecutor:
        env = dict.fromkeys(_THREAD_VARIABLES, threads)
        pools.append(ProcessPoolExecutor(max_workers=1, timeout=_IDLE_S, env=env))
        return pools[-1]

    orderly = False
    try:
        yield new_pool
        orderly = True
    finally:
        for pool in pools:
            pool.shutdown(wait=True, kill_workers=not orderly)


def _submit(pool: ProcessPoolExecutor, function: Callable[[Item], Value], item: Item) -> Future[Value]:
    """Submits one item. A process started for it inherits a blocked Ctrl-C: ending workers is up to this process."""
    if not hasattr(signal, "pthread_sigmask"):
        return cast("Future[Value]", pool.submit(_call, function, item))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return cast("Future[Value]", pool.submit(_call, function, item))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _result(position: int, future: Any) -> Result:
    error = future.exception()
    if error is None:
        return position, future.result(), None
    if isinstance(error, Exception):
        return position, None, error
    raise error


def _worker_died(item: object, reason: BaseException) -> WorkerDied:
    exit_codes = re.search(r"exit codes of the workers are \{(.+?)\}", str(reason))
    how = exit_codes[1] if exit_codes else str(reason).strip().partition("\n")[0]
    return WorkerDied(
        f"no process that worked on {reprlib.repr(item)} came to an answer: {how}.",
        hint="SIGKILL means that memory ran out: give it more, or leave this item out. SIGSEGV is a bug in a library.",
    )


def _on_cluster(function: Callable[[Item], Value], items: Sequence[Item], address: str) -> Iterator[Result]:
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            f"workers={address} needs the package distributed, which isn't installed.",
            hint='pip install "deepfake-core[dask]"',
        ) from error
    try:
        client = distributed.Client(address, timeout=_ANSWER_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, asyncio.TimeoutError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {address}.",
            hint=f"start one with: dask scheduler --port {address.rsplit(':', 1)[1]}, or check host and port.",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_ANSWER_S)
        except asyncio.TimeoutError as error:
            raise UsageError(
                f"the Dask scheduler at {address} has no workers.", hint=f"start some with: dask worker {address}"
            ) from error
        call = partial(_call, function)
        positions = {future: position for position, future in enumerate(client.map(call, items, pure=False))}
        died: list[int] = []
        for future in distributed.as_completed(list(positions), loop=client.loop):  # type: ignore[no-untyped-call]
            position = positions.pop(future)
            if isinstance(future.exception(), distributed.KilledWorker):
                died.append(position)  # or was on the same worker as one that did: the scheduler can't tell
            else:
                yield _result(position, future)
        for position in sorted(died):
            future = client.submit(call, items[position], pure=False)
            failure = future.exception()  # type: ignore[no-untyped-call]
            if isinstance(failure, distributed.KilledWorker):
                yield position, None, _worker_died(items[position], failure)
            else:
                yield _result(position, future)

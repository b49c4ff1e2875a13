"""A video that crashes, stalls or bloats what looks at it costs one call; and a process taken over can't reach this one."""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from deepfake_core import Extracted, Settings, Store, VideoRecord
from deepfake_core.contract.errors import DeepfakeError, HookFailed, UnknownPlugin, UsageError
from deepfake_core.detector.bounded import (
    ExaminationCrashed,
    ExaminationFailed,
    ExaminationTooHeavy,
    ExaminationTooSlow,
    Examiner,
)
from deepfake_core.plugins import load_stream
from tests.conftest import install, interruptible, use_site

MEGABYTE = 1_000_000
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux's own signals and limits")

TROUBLE = '''
"""A stream whose videos are files that say what shall happen to the process."""

import contextlib, ctypes, os, resource, signal, stat, sys, threading, time
from pathlib import Path

from deepfake_core import Extracted, Settings, StreamInfo, VideoNoFace, hookimpl
from deepfake_core.contract.errors import UsageError

CALLS = []
HOARD = []


class OwnError(UsageError):
    pass


@hookimpl
def stream_info():
    return StreamInfo(name="trouble", settings=Settings, presets={"paper": Settings(), "demo": Settings()})


@hookimpl
def extract(video, store):
    CALLS.append(video.video_id)
    action, _, argument = video.path.read_text(errors="replace").partition(" ")
    if video.video_id == "blank":
        action, argument = "fine", ""

    def make(folder):
        return globals()[action](argument) or {}

    entry = store.video_entry(video, extractor="trouble", version=1, settings=Settings(), make=make)
    return Extracted(video.video_id, entry.path, quality={**entry.facts, "pid": os.getpid(), "calls": len(CALLS)})


@hookimpl
def train_fold(fold):
    raise NotImplementedError


@hookimpl
def predict_oof(model):
    raise NotImplementedError


def fine(argument):
    return {"said": argument, "nan": float("nan"), "none": None}


def no_face(argument):
    raise VideoNoFace("0 of 9 frames")


def fails(argument):
    raise ValueError(argument)


def own_error(argument):
    raise OwnError("out of order.", hint="mend it.")


def noisy(argument):
    print("{}")
    os.system("echo '{}'")
    return {"read": sys.stdin.read() + os.read(0, 9).decode()}


def announce(folder):
    Path(folder, "pid").write_text(str(os.getpid()))


def killed(folder):
    """Waits to be killed, once."""
    if Path(folder, "pid").exists():
        return
    announce(folder)
    time.sleep(600)


def leaves(argument):
    os._exit(3)


def signals(number):
    os.kill(os.getpid(), int(number))


def takes(seconds):
    time.sleep(float(seconds))


def stalls_python(folder):
    """Sleeps in C, with Python's lock held."""
    announce(folder)
    ctypes.PyDLL(None).sleep(600)


def bloats(argument):
    while True:
        HOARD.append(b"x" * 10_000_000)


def hoards(megabytes):
    HOARD.append(b"x" * int(megabytes) * 1_000_000)


def writes_much(folder):
    with open(Path(folder, "much"), "wb") as file:
        file.truncate(1 << 40)


def limits(argument):
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "no_new_privileges": int(status["NoNewPrivs"]),
        "oom_score_adj": int(Path("/proc/self/oom_score_adj").read_text()),
    }


def says(file):
    """What code could do that took the process over: answer in its place."""
    send(Path(file).read_bytes())
    time.sleep(600)


def says_later(file):
    threading.Timer(0.2, send, [Path(file).read_bytes()]).start()


def never_ends(argument):
    while True:
        send(b"x" * 50_000)


def drips(argument):
    while True:
        send(b"x")
        time.sleep(0.01)


def hangs_up(argument):
    for number in range(3, 20):
        if is_pipe(number):
            os.close(number)
    time.sleep(600)


def send(data):
    for number in range(3, 20):
        if is_pipe(number):
            with contextlib.suppress(OSError):  # it may be the end to read from
                os.write(number, data)


def is_pipe(number):
    try:
        return stat.S_ISFIFO(os.fstat(number).st_mode)
    except OSError:
        return False
'''

Look = Callable[..., Extracted]


@pytest.fixture(scope="module", autouse=True)
def _trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = install(
        tmp_path_factory.mktemp("site"),
        distribution="deepfake-trouble",
        modules={"trouble_stream.py": TROUBLE},
        entry_points="[deepfake_core.streams]\ntrouble = trouble_stream\n",
    )
    with pytest.MonkeyPatch.context() as patch:
        use_site(patch, folder)
        yield


@pytest.fixture(scope="module")
def examiner() -> Iterator[Examiner]:
    """One that survives whatever tests do to it."""
    with Examiner(seconds=20.0, memory_bytes=2000 * MEGABYTE) as examiner:
        yield examiner


@pytest.fixture
def look(tmp_path: Path, examiner: Examiner) -> Look:
    """Has a video looked at that asks for something."""

    def looked(action: str, argument: object = "", *, by: Examiner = examiner) -> Extracted:
        return by.extract("trouble", video(tmp_path, action, argument), Settings(), Store(tmp_path / "store"))

    return looked


def video(folder: Path, action: str, argument: object = "") -> VideoRecord:
    path = folder / f"{action}_{zlib.crc32(str(argument).encode())}.mp4"
    path.write_text(f"{action} {argument}")
    return VideoRecord(f"v__{path.stem}", path)


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether it is dead, with all its threads: the first one can be a zombie while others still run."""
    try:
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return True


# ---- what comes back


def test_the_answer_is_that_of_the_stream_itself(toy: str, examiner: Examiner, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("0.5")
    stream, record, store = load_stream(toy), VideoRecord("toy__a", path, label=1), Store(tmp_path / "store")
    settings = stream.settings("paper", "")
    with Examiner() as fresh:  # the toy came after the shared one's process
        there = fresh.extract(toy, record, settings, store)
    assert there == stream.extract(record, settings, store)
    assert there.path is not None and json.loads((there.path / "number.json").read_text()) == 0.5


def test_values_of_all_kinds_and_statuses_come_through(look: Look) -> None:
    said = look("fine", "ä\u2028{}").quality
    assert said["said"] == "ä\u2028{}" and said["none"] is None
    assert said["nan"] != said["nan"]
    abstained = look("no_face")
    assert (abstained.status, abstained.path, abstained.quality) == ("no_face", None, {"detail": "0 of 9 frames"})


def test_a_path_that_is_no_text_comes_through(examiner: Examiner, tmp_path: Path) -> None:
    record = video(tmp_path, "fine")
    store = Store(Path(os.fsdecode(os.fsencode(tmp_path) + b"/st\xffre")))
    found = examiner.extract("trouble", record, Settings(), store)
    assert found.path is not None and found.path.is_relative_to(store.root)


def test_errors_are_those_of_the_stream(look: Look, examiner: Examiner, tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match=r"'trouble'.*failed in extract: ValueError: bad") as failed:
        look("fails", "bad")
    assert "hint:" in str(failed.value)
    with pytest.raises(UsageError) as own:
        look("own_error")
    assert (type(own.value), own.value.problem, own.value.hint) == (UsageError, "out of order.", "mend it.")
    with pytest.raises(UnknownPlugin, match="'unheard'"):
        examiner.extract("unheard", video(tmp_path, "fine"), Settings(), Store(tmp_path / "store"))


def test_one_process_serves_all_calls_also_after_errors(look: Look) -> None:
    first = look("fine", 1).quality
    with pytest.raises(DeepfakeError):
        look("fails")
    second = look("fine", 2).quality
    assert second["pid"] == first["pid"] != os.getpid()
    assert second["calls"] == int(first["calls"]) + 2


def test_what_libraries_print_or_read_is_not_mixed_with_answers(look: Look) -> None:
    assert look("noisy").quality["read"] == ""


def test_threads_get_their_own_answers(look: Look) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: look("fine", number), range(24)))
    assert [item.quality["said"] for item in found] == [str(number) for number in range(24)]
    assert len({item.quality["pid"] for item in found}) == 1


# ---- what goes wrong


def test_killed_from_outside_costs_one_call(look: Look, tmp_path: Path) -> None:
    def kill() -> None:
        until((tmp_path / "pid").exists)
        time.sleep(0.05)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill)
        with pytest.raises(ExaminationCrashed, match="SIGKILL") as crashed:
            look("killed", tmp_path)
        killer.result()
    assert crashed.value.status == "crashed"
    again = look("killed", tmp_path)  # the same video: nothing of the first attempt is in its way
    assert again.status == "ok" and again.quality["pid"] != int((tmp_path / "pid").read_text())


@pytest.mark.parametrize(
    ("action", "argument", "how"),
    [
        ("leaves", "", "status 3"),
        ("signals", int(signal.SIGSEGV), "SIGSEGV"),
        pytest.param("signals", 40, "signal 40", marks=linux),
        ("hangs_up", "", "stopped"),
    ],
)
def test_a_crash_is_told_and_the_next_call_works(look: Look, action: str, argument: object, how: str) -> None:
    with pytest.raises(ExaminationCrashed, match=how):
        look(action, argument)
    assert look("fine").status == "ok"


def test_a_process_killed_between_calls_is_replaced(look: Look) -> None:
    pid = int(look("fine", 1).quality["pid"] or 0)
    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pid))
    assert look("fine", 2).quality["pid"] != pid


def test_time_is_limited_but_not_that_of_loading(look: Look) -> None:
    with Examiner(seconds=0.5) as hasty:
        pid = int(look("takes", 0.9, by=hasty).quality["pid"] or 0)
        begin = time.monotonic()
        with pytest.raises(ExaminationTooSlow, match=r"0\.5 s") as slow:
            look("takes", 60, by=hasty)
        assert time.monotonic() - begin < 5
        assert slow.value.status == "too_slow"
        assert gone(pid)
        assert look("fine", by=hasty).quality["pid"] != pid


@pytest.mark.parametrize("action", ["drips", "stalls_python"])
def test_neither_half_an_answer_nor_a_stalled_interpreter_holds_the_caller(
    look: Look, tmp_path: Path, action: str
) -> None:
    with Examiner(seconds=0.5) as hasty:
        look("fine", by=hasty)
        with pytest.raises(ExaminationTooSlow):
            look(action, tmp_path, by=hasty)


def test_memory_is_limited(look: Look) -> None:
    with Examiner(memory_bytes=400 * MEGABYTE) as small:
        with pytest.raises(ExaminationTooHeavy, match="400 MB allowed") as heavy:
            look("bloats", by=small)
        assert heavy.value.status == "too_much_memory"
        assert look("fine", by=small).status == "ok"


def test_memory_that_was_not_given_back_is_not_held_against_the_next_video(look: Look) -> None:
    with Examiner(memory_bytes=800 * MEGABYTE) as small:
        first, second = look("fine", 1, by=small), look("hoards", 400, by=small)
        third = look("hoards", 410, by=small)
    assert first.quality["pid"] == second.quality["pid"] != third.quality["pid"]


def test_files_have_a_largest_size(look: Look, tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match="File too large"):
        look("writes_much", tmp_path)


@linux
def test_the_process_has_less_rights_than_this_one(look: Look) -> None:
    said = look("limits").quality
    assert said["core"] == 0 and int(said["open_files"] or 0) <= 256
    assert said["no_new_privileges"] == 1 and said["oom_score_adj"] == 1000


class Large(Settings):
    """More than a pipe holds."""

    text: str = "x" * 10 * MEGABYTE


def test_a_process_that_does_not_read_does_not_hold_the_caller(examiner: Examiner, tmp_path: Path, look: Look) -> None:
    with pytest.raises(ExaminationFailed, match="take the job"):
        examiner.extract("trouble", video(tmp_path, "fine"), Large(), Store(tmp_path / "store"))
    assert look("fine").status == "ok"


# ---- a process that was taken over


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def answer(**said: object) -> bytes:
    return json.dumps({"status": "ok", "path": None, "quality": {}, **said}).encode()


def test_a_pickle_is_not_unpickled(look: Look, tmp_path: Path) -> None:
    mark, message = tmp_path / "mark", tmp_path / "message"
    payload = pickle.dumps(Touch(mark))
    pickle.loads(payload)
    assert mark.exists(), "or the payload would prove nothing"
    mark.unlink()
    message.write_bytes(payload + b"\n")
    with pytest.raises(ExaminationFailed, match="makes no sense") as failed:
        look("says", message)
    assert failed.value.status == "examination_failed"
    assert not mark.exists()
    assert look("fine").status == "ok"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\xff\xfe garbage",
        b"[" * 500_000,
        b"9" * 500_000,
        b'"error"',
        b'{"error": "KeyboardInterrupt", "problem": "", "hint": ""}',
        b'{"error": ["HookFailed"], "problem": "", "hint": ""}',
        answer(path="/etc"),
        answer(path="nul\0"),
        answer(path="x" * 5000),
        answer(status="ok"),
        answer(status=1),
        answer(status="no_face", quality=[]),
        answer(status="no_face", quality={"deep": {}}),
        answer(status="no_face") + b"\n" + answer(status="no_face"),
    ],
    ids=lambda said: said[:24].decode(errors="replace"),
)
def test_an_answer_that_cannot_be_is_refused(look: Look, tmp_path: Path, said: bytes) -> None:
    message = tmp_path / "message"
    message.write_bytes(said + b"\n")
    with pytest.raises(ExaminationFailed, match="makes no sense"):
        look("says", message)


def test_a_link_in_the_store_does_not_lead_out_of_it(look: Look, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "out").symlink_to("/etc")
    message = tmp_path / "message"
    message.write_bytes(answer(path=str(tmp_path / "store" / "out")) + b"\n")
    with pytest.raises(ExaminationFailed, match="makes no sense"):
        look("says", message)


def test_an_answer_without_end_is_cut_off(look: Look) -> None:
    with pytest.raises(ExaminationFailed, match="no end"):
        look("never_ends")


def test_an_answer_before_the_question_is_not_taken_for_the_next_video(look: Look, tmp_path: Path) -> None:
    message = tmp_path / "message"
    message.write_bytes(answer(status="no_face") + b"\n")
    liar = look("says_later", message)
    time.sleep(0.5)
    honest = look("fine")
    assert honest.status == "ok" and honest.quality["pid"] != liar.quality["pid"]


# ---- how it ends


def test_closing_ends_the_process_and_what_waits_for_it(look: Look, tmp_path: Path) -> None:
    examiner = Examiner()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(look, "killed", tmp_path, by=examiner)
        until((tmp_path / "pid").exists)
        begin = time.monotonic()
        examiner.close()
        with pytest.raises(ExaminationCrashed):
            waiting.result(timeout=5)
    assert time.monotonic() - begin < 5
    assert gone(int((tmp_path / "pid").read_text()))
    with examiner:  # lends itself to further use
        pid = int(look("fine", by=examiner).quality["pid"] or 0)
    assert gone(pid)
    examiner.close()


def test_an_examiner_that_nobody_holds_ends_its_process(look: Look) -> None:
    examiner = Examiner()
    pid = int(look("fine", by=examiner).quality["pid"] or 0)
    del examiner
    gc.collect()
    assert gone(pid)


PARENT = """
import sys
from pathlib import Path
from deepfake_core import Settings, Store, VideoRecord
from deepfake_core.detector.bounded import Examiner
seconds = float(sys.argv[1])
folder, first, *then = map(Path, sys.argv[2:])
examiner = Examiner(seconds=seconds)
for path in (first, *then):
    examiner.extract("trouble", VideoRecord(path.stem, path), Settings(), Store(folder / "store"))
print(examiner.extract("trouble", VideoRecord(first.stem, first), Settings(), Store(folder / "store")).quality["pid"])
"""


def script(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=interruptible,
    )


def test_it_ends_with_the_interpreter(tmp_path: Path) -> None:
    out, err = script(PARENT, 60, tmp_path, video(tmp_path, "fine").path).communicate(timeout=30)
    assert gone(int(out)), err


@pytest.mark.parametrize(
    ("action", "seconds", "by"),
    [("killed", 60, signal.SIGKILL), ("stalls_python", 2, signal.SIGKILL), ("killed", 60, signal.SIGINT)],
)
def test_it_ends_with_its_parent_in_the_middle_of_a_video(
    tmp_path: Path, action: str, seconds: float, by: signal.Signals
) -> None:
    videos = video(tmp_path, "fine"), video(tmp_path, action, tmp_path)
    process = script(PARENT, seconds, tmp_path, *(video.path for video in videos))
    until((tmp_path / "pid").exists)
    until(lambda: (tmp_path / "pid").read_text())
    os.killpg(process.pid, by)  # as a terminal does
    process.communicate(timeout=20)
    assert process.returncode == -by
    until(lambda: gone(int((tmp_path / "pid").read_text())), seconds=8)


FORKED = """
import os, sys
from pathlib import Path
from deepfake_core import Settings, Store, VideoRecord
from deepfake_core.detector.bounded import Examiner
folder, path = map(Path, sys.argv[1:])
examiner = Examiner()
def who():
    return examiner.extract("trouble", VideoRecord(path.stem, path), Settings(), Store(folder / "store")).quality["pid"]
first = who()
for asks in (False, True):
    child = os.fork()
    if child == 0:
        if asks:
            print(who(), flush=True)
        sys.exit()
    os.waitpid(child, 0)
print(first, who())
"""


def test_a_forked_process_has_its_own_and_leaves_this_one_alone(tmp_path: Path) -> None:
    out, err = script(FORKED, tmp_path, video(tmp_path, "fine").path).communicate(timeout=30)
    forked, before, after = out.split()
    assert before == after != forked, err


def test_a_thread_that_ends_does_not_take_the_process_along(look: Look) -> None:
    with Examiner() as examiner:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(look, "fine", 1, by=examiner).result()
        time.sleep(0.2)
        assert look("fine", 2, by=examiner).quality["pid"] == first.quality["pid"]

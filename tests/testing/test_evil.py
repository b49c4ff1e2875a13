"""A plugin that breaks a promise is caught by a check that names it and, where it can be, by a typed error at run time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from deepfake_core import plugins
from deepfake_core.contract.errors import DeepfakeError
from deepfake_core.contract.records import Fold, VideoRecord
from deepfake_core.data.folds import Plan
from deepfake_core.data.store import Store
from deepfake_core.printing import aside
from deepfake_core.runlog import FileLog
from deepfake_core.steps.training import FoldJob, run_fold
from deepfake_core.testing.fusers import joined_table
from tests.conftest import install, use_site
from tests.testing import evil

EVILS = {"Stream": evil.STREAMS, "Fuser": evil.FUSERS, "Dataset": evil.DATASETS}
CHECKS = [
    pytest.param(kind, name, check, id=name) for kind, found in EVILS.items() for name, (check, _) in found.items()
]
FAULTS = [
    pytest.param(kind, name, says, id=name)
    for kind, found in EVILS.items()
    for name, (_, says) in found.items()
    if says is not None
]

KIT = """
import pytest
from deepfake_core import VideoRecord
from deepfake_core.testing import DatasetConformance, FuserConformance, StreamConformance
from tests.testing.test_evil import write_numbers


class Stream(StreamConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def videos(cls, tmp_path_factory):
        return write_numbers(tmp_path_factory.mktemp("videos"))


class Dataset(DatasetConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def root(cls, tmp_path_factory):
        root = tmp_path_factory.mktemp("root")
        for name in ("anna_real_1", "anna_real_2", "ben_real_1", "anna_swap_1", "ben_swap_1"):
            (root / f"{name}.mp4").touch()
        return root


Fuser = FuserConformance
"""


def write_numbers(folder: Path) -> list[VideoRecord]:
    """Four people, a real and a fake file of each."""
    records = []
    for n in range(8):
        path = folder / f"{('real', 'fake')[n % 2]}_{n}.mp4"
        path.write_text(f"{n / 10}")
        records.append(VideoRecord(f"v{n}", path, n % 2, "numbers", ("real", "swap")[n % 2], (f"p{n // 2}",)))
    return records


@pytest.fixture(scope="module")
def evils(tmp_path_factory):
    """All of them, installed."""
    site = install(
        tmp_path_factory.mktemp("site"),
        distribution="deepfake-evil",
        modules={},
        entry_points=evil.ENTRY_POINTS,
    )
    shutil.copy(evil.__file__, site / "evil.py")
    with pytest.MonkeyPatch.context() as patch:
        use_site(patch, site)
        yield site


@pytest.fixture(scope="module")
def outcomes(evils, tmp_path_factory):
    """What became of the check that each is to fail, and of that check on a good plugin; all in one run of pytest."""
    folder = tmp_path_factory.mktemp("kit")
    chosen, classes = [], [KIT]
    for kind, found in EVILS.items():
        good = {"Stream": "good", "Fuser": "f_good", "Dataset": "d_good"}[kind]
        classes.append(f"class Test_{good}({kind}):\n    name = {good!r}\n")
        chosen += [f"test_evils.py::Test_{good}::{check}" for check in sorted({check for check, _ in found.values()})]
        for name, (check, _) in found.items():
            classes.append(f"class Test_{name}({kind}):\n    name = {name!r}\n")
            chosen.append(f"test_evils.py::Test_{name}::{check}")
    (folder / "test_evils.py").write_text("\n\n".join(classes))
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(
        "import json, pathlib\n"
        "def pytest_runtest_logreport(report):\n"
        "    if report.failed or report.when == 'call':\n"
        "        with pathlib.Path(__file__).with_name('outcomes.jsonl').open('a') as file:\n"
        "            file.write(json.dumps([report.nodeid, report.outcome]) + '\\n')\n"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(evils), str(root)])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    lines = (folder / "outcomes.jsonl").read_text().splitlines()
    return {nodeid.partition("::")[2]: outcome for nodeid, outcome in map(json.loads, lines)}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name", "check"), CHECKS)
def test_a_check_names_it(outcomes, kind, name, check):
    good = {"Stream": "good", "Fuser": "f_good", "Dataset": "d_good"}[kind]
    assert outcomes[f"Test_{good}::{check}"] == "passed"
    assert outcomes[f"Test_{name}::{check}"] == "failed"


@pytest.mark.parametrize(("kind", "name", "says"), FAULTS)
def test_at_run_time_it_is_a_typed_error(evils, kind, name, says, tmp_path):
    with pytest.raises(DeepfakeError, match=says) as caught:
        {"Stream": live_stream, "Fuser": live_fuser, "Dataset": live_dataset}[kind](name, tmp_path)
    assert repr(name) in str(caught.value)


def live_stream(name: str, folder: Path) -> None:
    """As the steps use a stream, a figure included."""
    stream, store = plugins.load_stream(name), Store(folder / "store")
    settings = stream.settings("demo", "")
    videos = write_numbers(folder)
    clips = {video.video_id: stream.extract(video, settings, store) for video in videos}
    plan = Plan(0, tuple(videos[:6]), (), tuple(videos[6:]), ())
    trained = run_fold(FoldJob(name, plan, clips, settings, 1, store, reuse=True))
    stream.illustrate(trained.model, clips["v0"], settings)
    seen = {video.video_id: clips[video.video_id] for video in videos[:6]}
    for _ in range(2):
        (folder / "work").mkdir(exist_ok=True)
        stream.train_fold(Fold(0, tuple(videos[:6]), (), 1), seen, settings, folder / "work", FileLog(folder / "log"))


def live_fuser(name: str, folder: Path) -> None:
    """As the steps use a fuser."""
    fuser = plugins.load_fuser(name)
    settings = fuser.settings("")
    table = joined_table()
    model = fuser.fuse(table, settings, folder, 1)
    fuser.predict(model, table[["video_id", "one_p", "two_p", "three_p"]], settings)


def live_dataset(name: str, folder: Path) -> None:
    """As the steps use a data set."""
    for file in ("anna_real_1", "ben_swap_1"):
        (folder / f"{file}.mp4").touch()
    dataset = plugins.load_dataset(name)
    dataset.index(folder, {}, dataset.settings(""))


def test_what_a_plugin_prints_is_logged_under_its_name(evils, tmp_path, capsys, caplog):
    live_stream("prints", tmp_path)
    assert capsys.readouterr().out == ""
    assert "plugin 'prints' printed: epoch 1" in caplog.text


def test_prints_of_threads_side_by_side_leave_stdout_as_it_was():
    before, barrier = sys.stdout, Barrier(4)

    def work(number: int) -> None:
        with aside("p"):
            barrier.wait()
            print(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert sys.stdout is before

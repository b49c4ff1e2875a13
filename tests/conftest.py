"""Fixtures of the core's tests: a home of their own, a toy stream installed as a distribution, a toy index."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deepfake_core import plugins
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.index import Index, make_index, read_index, write_index

TOY = Path(__file__).parent / "toy_plugin"


def install(folder: Path, *, distribution: str, modules: dict[str, str], entry_points: str) -> Path:
    """Makes ``folder`` a site directory with one installed distribution, as pip would leave it."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    for name, source in modules.items():
        (folder / name).write_text(source)
    return folder


def use_site(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Puts a site directory on this process's path and on that of processes it starts."""
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")


@pytest.fixture(autouse=True)
def _fresh_plugins():
    """Each test finds plugins anew, and leaves no toy module behind."""
    yield
    plugins.load_stream.cache_clear()
    plugins.load_fuser.cache_clear()
    plugins.load_dataset.cache_clear()
    for name in [name for name in sys.modules if name.startswith("toy_")]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def empty_tracking_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow data base with its schema made once; tests copy it."""
    import mlflow

    path = tmp_path_factory.mktemp("tracking") / "mlflow.db"
    mlflow.set_tracking_uri(f"sqlite:///{path}")
    mlflow.search_experiments()
    mlflow.set_tracking_uri("")
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_tracking_store: Path) -> Path:
    """A folder of the test's own: working directory, store and tracking store."""
    yield make_home(tmp_path, monkeypatch, empty_tracking_store)
    leave_home()


def make_home(folder: Path, monkeypatch: pytest.MonkeyPatch, tracking_store: Path) -> Path:
    """Makes a folder the working directory, with a store and a copy of a tracking store in it."""
    import mlflow

    database = folder / "mlflow.db"
    shutil.copy(tracking_store, database)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DEEPFAKE_HOME", str(folder / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    mlflow.set_tracking_uri(f"sqlite:///{database}")
    return folder


def leave_home() -> None:
    """MLflow keeps its tracking store where the environment says nothing."""
    import mlflow

    mlflow.set_tracking_uri("")


@pytest.fixture
def toy(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """The toy stream, installed: it reads numbers from text files, so that steps run in moments."""
    folder = install(
        tmp_path_factory.mktemp("site"),
        distribution="deepfake-toy",
        modules={"toy_stream.py": (TOY / "toy_stream.py").read_text()},
        entry_points="[deepfake_core.streams]\ntoy = toy_stream\n",
    )
    use_site(monkeypatch, folder)
    return "toy"


@pytest.fixture
def toys(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """The toy stream and a second one of another width, as an ensemble named ``toys``."""
    return install_toys(tmp_path_factory, monkeypatch)


def install_toys(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """Installs both for as long as ``monkeypatch`` lasts."""
    toy = (TOY / "toy_stream.py").read_text()
    blurry = toy.replace('name="toy"', 'name="blurry"').replace("width: float = Field(0.2", "width: float = Field(2.0")
    folder = install(
        tmp_path_factory.mktemp("site"),
        distribution="deepfake-toys",
        modules={
            "toy_stream.py": toy,
            "toy_blurry.py": blurry,
            "toy_ensemble.py": "from deepfake_core import Ensemble\nTOYS = Ensemble(('toy', 'blurry'), 'two toys')\n"
            "AVERAGED = Ensemble(('toy', 'blurry'), 'their mean', fuser='mean')\n",
        },
        entry_points="[deepfake_core.streams]\ntoy = toy_stream\nblurry = toy_blurry\n"
        "[deepfake_core.ensembles]\ntoys = toy_ensemble:TOYS\naveraged = toy_ensemble:AVERAGED\n",
    )
    use_site(monkeypatch, folder)
    return "toys"


def install_blend(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """Installs the toy stream, and ``blend``, which learns from real videos alone: its pseudo-fakes are higher by 0.4."""
    toy = (TOY / "toy_stream.py").read_text()
    blend = toy
    for old, new in (
        ('name="toy"', 'name="blend"'),
        ("parallel_folds=True,", "parallel_folds=True,\n        real_only=True,"),
        ("float(text.split()[0])", "float(text.split()[0]) + 0.4 * video.pseudo"),
        ('extractor="toy"', 'extractor="blend" if video.pseudo else "toy"'),
        ("float(np.mean(means))", "float(means[0]) + 0.2"),
    ):
        assert old in blend
        blend = blend.replace(old, new)
    folder = install(
        tmp_path_factory.mktemp("site"),
        distribution="deepfake-blend",
        modules={"toy_stream.py": toy, "toy_blend.py": blend},
        entry_points="[deepfake_core.streams]\ntoy = toy_stream\nblend = toy_blend\n",
    )
    use_site(monkeypatch, folder)
    return "blend"


@contextmanager
def toys_run(tmp_path_factory: pytest.TempPathFactory, tracking_store: Path) -> Iterator[tuple[Path, list[str]]]:
    """A home for a whole module with both toys installed and run on an index: its path, and the ids of the runs."""
    from deepfake_core.steps import stream

    with pytest.MonkeyPatch.context() as patch:
        home = make_home(tmp_path_factory.mktemp("home"), patch, tracking_store)
        install_toys(tmp_path_factory, patch)
        (home / "videos").mkdir()
        index = write_toy_index(home / "videos", home / "index.csv")
        yield index, [stream.run(name, str(index), workers="1", refit=False).run_id for name in ("toy", "blurry")]
        leave_home()


@pytest.fixture
def toy_index(home: Path) -> Path:
    """Twenty people with two files each, one real and one fake, whose number is higher."""
    folder = home / "videos"
    folder.mkdir()
    return write_toy_index(folder, home / "index.csv")


def write_toy_index(folder: Path, path: Path, people: int = 20) -> Path:
    """Writes toy files and their index."""
    videos = []
    for person in range(people):
        for label, method in ((0, "real"), (1, "swap")):
            file = folder / f"{method}_{person}.mp4"
            file.write_text(f"{(person * 37 % people) / people + 0.4 * label}\n{person}")
            videos.append(VideoRecord(f"toy__{method}__{person}", file, label, "toy", method, (f"p{person:02d}",)))
    write_index(make_index(videos, "toy"), path)
    return path


def write_real_index(folder: Path, path: Path, people: int = 20) -> Path:
    """Writes toy files and the index of the real ones among them."""
    videos = read_index(write_toy_index(folder, path, people)).videos
    write_index(make_index([video for video in videos if video.label == 0], "toy"), path)
    return path


def index_again(path: Path) -> Path:
    """The index anew, since the content of its files has changed."""
    videos = read_index(path).videos
    write_index(make_index(list(videos), "toy"), path)
    return path


def named_index(*rows: tuple[str, int, str, str]) -> Index:
    """An index without files, from ``(video_id, label, method, "a;b")``."""
    return make_index(
        [VideoRecord(i, Path(i), label, "names", method, tuple(who.split(";"))) for i, label, method, who in rows],
        "names",
    )


def interruptible() -> None:
    """In a child: Ctrl-C is heard, also where the tests run in a shell's background, which has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

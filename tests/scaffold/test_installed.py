"""What was begun works: built, installed where nothing else is, tested there, and used beside our own plugins."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.index import make_index, write_index
from deepfake_core.scaffold.writing import begin
from tests.conftest import TOY
from tests.scaffold.conftest import Environment

pytestmark = pytest.mark.slow

PEOPLE = 10


def films(folder: Path, named: str) -> list[VideoRecord]:
    """Ten people, a real and a fake film of each, which has more noise."""
    import av

    folder.mkdir()
    records = []
    for person in range(PEOPLE):
        for fake in (False, True):
            random = np.random.default_rng(2 * person + fake)
            path = folder / named.format(person=person, method="noise" if fake else "real")
            with av.open(str(path), "w") as container:
                stream = container.add_stream("libx264", rate=Fraction(10), options={"crf": "10"})
                stream.width = stream.height = 64
                stream.pix_fmt = "yuv420p"
                for _ in range(10):
                    pixels = 90 + 6 * person + random.normal(0, 14 if fake else 6, (64, 64, 3))
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels.clip(0, 255).astype(np.uint8))))
                container.mux(stream.encode(None))
            method = "noise" if fake else "real"
            records.append(VideoRecord(path.stem, path, int(fake), "films", method, (f"p{person}",)))
    return records


@pytest.mark.parametrize("kind", ["stream", "fuser", "dataset"])
def test_its_own_tests_pass_where_it_is_installed(clean, kind):
    begun = begin("mine", kind, clean.folder)
    clean.install_wheel(begun.folder)
    clean.run("pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=begun.folder)


def test_a_stream_runs_as_a_project(clean, monkeypatch):
    root = Path(__file__).parents[2]
    write_index(make_index(films(clean.folder / "films", "{person}_{method}.mp4"), "films"), clean.folder / "index.csv")
    clean.install_wheel(begin("mine", "stream", clean.folder).folder)
    parameters = ("-P", "name=mine", "-P", f"index={clean.folder / 'index.csv'}", "-P", "workers=1")
    said = clean.run("mlflow", "run", root, "-e", "stream", "--env-manager", "local", *parameters)
    assert "mine: out-of-fold AUC 1.000" in said


def test_third_parties_take_part_and_leave(clean: Environment):
    """A stream, a fuser and a data set of others, with a stream of ours; then the stream is uninstalled."""
    films(clean.folder / "films", "p{person}_{method}_1.mp4")
    for name, kind in {"their_stream": "stream", "their_fuser": "fuser", "their_films": "dataset"}.items():
        clean.install_wheel(begin(name, kind, clean.folder).folder)
    clean.install_wheel(other_stream(clean.folder))
    clean.deepfake("index", f"their_films={clean.folder / 'films'}", "--out", "index.csv")
    common = ("--index", "index.csv", "--workers", "1", "--folds", "3", "--refit", "false", "--register", "false")
    said = clean.deepfake("run", *common, "--ensemble", "their_stream,size", "--fuser", "their_fuser")
    assert "their_fuser" in said
    clean.run("pip", "uninstall", "--quiet", "--yes", "deepfake-their-stream")
    said = clean.deepfake("run", *common, "--ensemble", "their_stream,size", code=2)
    assert "no plugin named 'their_stream'" in said
    assert "pip install deepfake-their-stream" in said
    clean.deepfake("stream", "--name", "size", "--index", "index.csv", "--folds", "3", "--workers", "1")
    assert "their_stream" not in clean.deepfake("plugins", "list")


def other_stream(folder: Path) -> Path:
    """The toy stream, which here reads the size of a file."""
    source = folder / "size"
    source.mkdir()
    code = (TOY / "toy_stream.py").read_text().replace('name="toy"', 'name="size"')
    code = code.replace("text = video.path.read_text()", "text = str(video.path.stat().st_size / 1000)")
    (source / "deepfake_size.py").write_text(code)
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "deepfake-size"\nversion = "1.0"\n'
        '[project.entry-points."deepfake_core.streams"]\nsize = "deepfake_size"\n'
        '[tool.setuptools]\npy-modules = ["deepfake_size"]\n'
    )
    return source


def test_check_says_which_promises_are_kept(clean: Environment):
    """Exit code 0 where all are, 3 where one isn't, also where the failure was expected and didn't come."""
    clean.install_wheel(begin("mine", "fuser", clean.folder).folder)
    said = clean.deepfake("plugins", "check", "mine")
    assert "it loads" in said
    assert "0 failed or not run" in said
    said = clean.deepfake("plugins", "check", "mine", "--expected", "test_it_prints_nothing=a library does", code=3)
    assert "a library does" in said
    said = clean.deepfake("plugins", "check", "mine", "--expected", "test_nonsense=x", code=2)
    assert "names no check: test_nonsense" in said
    clean.deepfake("plugins", "check", "nobody", code=2)


def test_check_of_a_data_set_needs_its_folder(clean: Environment):
    clean.install_wheel(begin("mine", "dataset", clean.folder).folder)
    (clean.folder / "videos").mkdir()
    for name in ("anna_real_1", "ben_real_1", "anna_ben_swap_1"):
        (clean.folder / "videos" / f"{name}.mp4").touch()
    assert "0 failed" in clean.deepfake("plugins", "check", "mine", "--root", clean.folder / "videos")
    assert "--root" in clean.deepfake("plugins", "check", "mine", code=2)

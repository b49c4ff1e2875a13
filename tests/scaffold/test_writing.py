"""A plugin is begun as files that are fit to be published, under a name that can be one, and overwrites nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract.errors import UsageError
from deepfake_core.scaffold.writing import KINDS, TEMPLATES, begin

tomllib = pytest.importorskip("tomllib", reason="of Python 3.11") if sys.version_info >= (3, 11) else None
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_whole(kind, tmp_path):
    begun = begin("two_words", kind, tmp_path, author="A Person", description="what it does")
    assert begun.folder == tmp_path / "two_words"
    written = {path.relative_to(begun.folder).as_posix() for path in begun.folder.rglob("*") if path.is_file()}
    assert written == set(begun.files)
    package = "deepfake_two_words"
    assert written >= {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        ".gitignore",
        f"{package}/__init__.py",
        f"{package}/plugin.py",
        f"{package}/py.typed",
        "tests/test_conformance.py",
    }
    for path in begun.folder.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert "$" not in text, path
            if path.suffix == ".py":
                ast.parse(text)
    assert (begun.folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.skipif(tomllib is None, reason="needs tomllib")
@pytest.mark.parametrize("kind", KINDS)
def test_its_metadata_names_the_entry_point(kind, tmp_path):
    begun = begin("two_words", kind, tmp_path, author="A Person", description="what it does")
    project = tomllib.loads((begun.folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "deepfake-two-words"
    assert project["authors"] == [{"name": "A Person"}]
    assert project["description"] == "what it does"
    assert project["entry-points"] == {
        f"deepfake_core.{KINDS[kind].plugins}": {"two_words": f"deepfake_two_words.plugin{KINDS[kind].target}"}
    }


@pytest.mark.parametrize("kind", KINDS)
def test_it_passes_the_linter(kind, tmp_path):
    folder = begin("my_encoder", kind, tmp_path).folder
    rules = [
        "--isolated",
        "--line-length",
        "120",
        "--select",
        "E,F,W,I,UP,B,C4,SIM,RUF,PTH,NPY",
        "--ignore",
        "E501,RUF012",
    ]
    for command in (["check", *rules], ["format", "--check", "--isolated", "--line-length", "120"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name", ["MyEncoder", "1st", "my-encoder", "my encoder", "", "a__b", "_a", "a_", "class", "all", "../up", "é"]
)
def test_what_can_be_no_name_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match="can't be the name"):
        begin(name, "stream", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_is_refused(toy, tmp_path):
    with pytest.raises(UsageError, match=r"taken by deepfake-toy 1\.0"):
        begin("toy", "stream", tmp_path)
    begin("toy", "fuser", tmp_path)


@pytest.mark.parametrize("text", ['a "quote"', "two\nlines", "back\\slash"])
def test_a_text_that_would_break_a_file_is_refused(text, tmp_path):
    with pytest.raises(UsageError, match="description"):
        begin("mine", "stream", tmp_path, description=text)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(UsageError, match=r"holds thesis\.txt; nothing was written"):
        begin("mine", "stream", tmp_path)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_the_command_says_what_comes_next(tmp_path):
    done = CliRunner().invoke(main, ["plugins", "new", "mine", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    following = done.output.partition("next:\n")[2].splitlines()
    assert following[0].strip().startswith("pip install -e ")
    assert following[1].strip() == "deepfake plugins check mine"
    assert "mlflow run . -e stream -P name=mine" in following[2]
    again = CliRunner().invoke(main, ["plugins", "new", "mine", "--out", str(tmp_path)])
    assert again.exit_code == 2
    assert "hint:" in again.output


@pytest.mark.slow
def test_the_templates_are_in_the_wheel(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "deepfake_core"):
        (copy / name).symlink_to(ROOT / name)
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(copy)], check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    expected = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.tmpl")}
    start = "deepfake_core/scaffold/templates/"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.removeprefix(start) for name in names if name.startswith(start)} == expected

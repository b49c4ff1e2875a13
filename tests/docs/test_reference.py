"""The generated reference says everything that the code declares."""

from __future__ import annotations

import re

import click
import pytest
import yaml

from deepfake_core.cli import main
from deepfake_core.contract import errors, tables
from deepfake_core.plugins import load_stream
from docs import make_reference
from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def pages():
    return make_reference.pages()


def test_every_command_and_option_is_there(pages):
    page = pages["reference/commands.md"]
    for words, command in make_reference.commands(main, ("deepfake",)):
        section = page.split(f"\n## {' '.join(words)}\n")[1].split("\n## ")[0]
        for option in (each for each in command.params if isinstance(each, click.Option)):
            assert f"`{option.opts[0]}`" in section
            assert (option.help or "") in section


def test_defaults_are_shown(pages):
    section = pages["reference/commands.md"].split("\n## deepfake fuse\n")[1].split("\n## ")[0]
    assert "| `--min-coverage` | 0 to 1 | `0.95` | Least share of fused videos. |" in section
    assert "| `--missing` | `drop`, `model` | `drop` |" in section


def test_every_parameter_of_the_project_is_there(pages):
    entries = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
    for name, entry in entries.items():
        section = pages["reference/project.md"].split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE) == list(entry["parameters"])


def test_presets_of_a_stream_are_shown_as_they_are(pages):
    presets = load_stream("rppg").info.presets
    section = pages["reference/streams.md"].split("\n## rppg\n")[1].split("\n## ")[0]
    (row,) = re.findall(r"^\| `rounds` .*$", section, flags=re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:4] == [f"`{presets['paper'].rounds}`", f"`{presets['demo'].rounds}`"]


def test_only_plugins_of_this_repository_are_listed(pages, tmp_path, monkeypatch):
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[deepfake_core.streams]\nother = nowhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert make_reference.pages()["reference/streams.md"] == pages["reference/streams.md"]


def test_every_column_has_its_meaning(pages):
    schemas = [each for each in vars(tables).values() if isinstance(each, tables.Schema)]
    for schema in schemas:
        section = pages["reference/tables.md"].split(f"\n## The {schema.name} table\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE) == schema.names


def test_every_error_and_status_is_there(pages):
    page = pages["reference/errors.md"]
    for name in errors.__all__:
        kind = getattr(errors, name)
        wanted = kind.__name__ if issubclass(kind, errors.DeepfakeError) else kind.status
        assert kind in (errors.DeepfakeError, errors.VideoError) or f"| `{wanted}` |" in page
    assert all(f"| `{status}` | failure |" in page for status in errors.FAILURES)


def test_no_status_is_forgotten_among_abstentions(pages):
    said = re.findall(r"^\| `(\w+)` \| abstains", pages["reference/errors.md"], flags=re.MULTILINE)
    assert not set(said) & errors.FAILURES


def test_environment_variables_are_documented():
    page = (ROOT / "docs" / "operations.md").read_text()
    sources = [path for path in (ROOT / "deepfake_core").rglob("*.py") if "testing" not in path.parts]
    read = re.compile(r"environ(?:\.get|\.setdefault|\.pop)?[\[(]\s*\"([A-Z_]+)\"|_VARIABLE = \"([A-Z_]+)\"")
    found = {a or b for path in sources for a, b in read.findall(path.read_text())}
    assert {"DEEPFAKE_HOME", "DEEPFAKE_VIDEO_ROOTS"} <= found
    assert [name for name in sorted(found) if f"`{name}`" not in page] == []

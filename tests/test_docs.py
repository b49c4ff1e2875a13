"""What README and docs tell people to type is what the commands understand, and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from deepfake_core.cli import main

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in ROOT.rglob("*.md") if not {".venv", "node_modules"} & set(path.relative_to(ROOT).parts))
BLOCKS = [
    (page, line.split("  #")[0].strip())
    for page in PAGES
    for block in re.findall(r"^```bash\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def lines(start: str) -> list:
    return [pytest.param(line, id=f"{page.name}: {line[:60]}") for page, line in BLOCKS if line.startswith(start)]


@pytest.mark.parametrize("line", lines("deepfake "))
def test_deepfake_commands_are_understood(line):
    _, name, *arguments = shlex.split(line)
    command = main.commands[name]
    if isinstance(command, click.Group):
        command, *arguments = command.commands[arguments[0]], *arguments[1:]
    command.make_context(name, arguments).close()


@pytest.mark.parametrize("line", lines("mlflow run "))
def test_project_runs_are_understood(line):
    words = shlex.split(line)
    entry = words[words.index("-e") + 1] if "-e" in words else "main"
    declared = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"][entry]["parameters"]
    given = {words[i + 1].partition("=")[0] for i, word in enumerate(words) if word == "-P"}
    assert given <= set(declared)
    assert {key for key, value in declared.items() if "default" not in value} <= given


@pytest.mark.parametrize("line", lines("make "))
def test_make_targets_are_there(line):
    target = line.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target

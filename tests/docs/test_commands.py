"""What README and docs tell people to type is what the commands understand."""

from __future__ import annotations

import contextlib
import re
import shlex

import click
import pytest
import yaml

from deepfake_core.cli import main
from tests.docs.pages import ROOT, Command, commands, spoken


def starting(start: str) -> list:
    return [pytest.param(each.line, id=str(each)) for each in commands() if each.line.startswith(start)]


def understand(group: click.Group, line: str) -> None:
    """Parses a command line with its command's own options, without running it."""
    _, *words = shlex.split(line)
    command: click.Command = group
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found, line
        command = found
    try:
        command.make_context(line, words).close()
    except click.MissingParameter:
        raise
    except click.BadParameter as error:
        assert "does not exist" in error.message, line  # a folder of the reader's


@pytest.mark.parametrize("line", starting("deepfake "))
def test_deepfake_commands_are_understood(line):
    understand(main, line)


@pytest.mark.parametrize("each", [pytest.param(each, id=str(each)) for each in spoken()])
def test_commands_in_sentences_are_understood(each: Command):
    """Those with an ellipsis or a placeholder in capitals are forms, of which only the command is looked at."""
    if each.page == "commands":
        return  # usage lines that click wrote
    words = each.line.split()
    if "…" in each.line or "..." in each.line or re.search(r"\b[A-Z]{3,}\b", each.line) or len(words) == 2:
        assert words[1] in main.commands or words[1].startswith(("-", "…")), each.line
    elif words[1:] and words[1] == "plugins" and len(words) == 3:
        assert words[2] in main.commands["plugins"].commands, each.line
    else:
        with contextlib.suppress(click.MissingParameter):  # a sentence may name the one option that it is about
            understand(main, each.line)


def test_mlflow_commands_are_understood():
    from mlflow.cli import cli

    lines = [each for each in commands() if re.match(r"mlflow (?!run )", each.line)]
    assert lines
    for each in lines:
        understand(cli, each.line)


@pytest.mark.parametrize("line", starting("mlflow run "))
def test_project_runs_are_understood(line):
    words = shlex.split(line)
    entry = words[words.index("-e") + 1] if "-e" in words else "main"
    declared = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"][entry]["parameters"]
    given = {words[i + 1].partition("=")[0] for i, word in enumerate(words) if word == "-P"}
    assert given <= set(declared)
    assert {key for key, value in declared.items() if "default" not in value} <= given


@pytest.mark.parametrize("line", starting("make "))
def test_make_targets_are_there(line):
    assert re.search(rf"^{line.split()[1]}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("line", starting("python "))
def test_scripts_are_there(line):
    script = shlex.split(line)[1]
    assert script == "-c" or (ROOT / script).exists()


@pytest.mark.parametrize("line", starting("pip install "))
def test_extras_are_there(line):
    for extra in re.findall(r"deepfake-core\[(\w+)\]", line):
        assert re.search(rf"^{extra} =$", (ROOT / "setup.cfg").read_text(), flags=re.MULTILINE)

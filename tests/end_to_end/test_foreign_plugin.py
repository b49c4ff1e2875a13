"""A stream written outside the repository and installed by pip takes part, with no change to the core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TOY

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "deepfake-foreign"
version = "3.2.1"
dependencies = ["deepfake-core"]

[project.entry-points."deepfake_core.streams"]
foreign = "deepfake_foreign"

[tool.setuptools]
py-modules = ["deepfake_foreign"]
"""


@pytest.fixture
def foreign(tmp_path_factory, monkeypatch) -> Path:
    source = tmp_path_factory.mktemp("foreign")
    (source / "pyproject.toml").write_text(PYPROJECT)
    code = (TOY / "toy_stream.py").read_text().replace('name="toy"', 'name="foreign"')
    (source / "deepfake_foreign.py").write_text(code)
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True, timeout=120)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    return site


def deepfake(*arguments: object) -> str:
    command = [sys.executable, "-m", "deepfake_core.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_foreign_stream_is_listed_and_runs(home, foreign, toy_index):
    listing = next(line.split() for line in deepfake("plugins", "list").splitlines() if " foreign " in line)
    assert listing[:5] == ["stream", "foreign", "ok", "deepfake-foreign", "3.2.1"]
    said = deepfake("stream", "--name", "foreign", "--index", toy_index, "--workers", "2")
    assert "foreign: out-of-fold AUC" in said
    assert "videos: 40 ok" in said

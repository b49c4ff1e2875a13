"""Does an installed plugin keep its promises? Runs the conformance kit on it without a test file of its own.

The checks run in another process, so that a plugin that brings its process down is a finding, not the end of the command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from deepfake_core.contract.errors import EXIT_USAGE, HookFailed, UsageError

Outcome = Literal["passed", "failed", "not run", "skipped", "expected failure"]
REFUSING = frozenset({"failed", "not run"})
"""Outcomes that mean that a promise isn't known to be kept."""

_KITS = {"stream": "StreamConformance", "fuser": "FuserConformance", "dataset": "DatasetConformance"}
_ROOT = """
    @pytest.fixture(scope="class")
    @classmethod
    def root(cls):
        return Path({root!r})
"""


@dataclass(frozen=True)
class Result:
    """What became of one check.

    Attributes:
        check: its name.
        promise: what it checks, in one line.
        outcome: ``not run`` where what it needs failed before.
        reason: why it isn't ``passed``.
    """

    check: str
    promise: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class Asked:
    """What is to be checked.

    Attributes:
        kind: ``stream``, ``fuser`` or ``dataset``.
        name: of the plugin.
        preset: of a stream.
        overrides: settings that differ.
        index: index CSV, or data set that makes its videos, whose videos a stream is checked on.
        root: folder that a data set is checked on; None where it makes its videos itself.
        expected: checks that are to fail, and why.
    """

    kind: str
    name: str
    preset: str
    overrides: str
    index: str
    root: Path | None
    expected: Mapping[str, str]

    def source(self) -> str:
        """A test file."""
        values = {"name": self.name, "overrides": self.overrides, "expected_failures": dict(self.expected)}
        if self.kind == "stream":
            values |= {"preset": self.preset, "index": self.index}
        lines = [f"    {key} = {value!r}" for key, value in values.items()]
        root = _ROOT.format(root=str(self.root)) if self.root else ""
        start = (
            f"from pathlib import Path\nimport pytest\nfrom deepfake_core.testing import {_KITS[self.kind]} as Kit\n"
        )
        return "\n".join([start, "class TestPlugin(Kit):", *lines, root])


def check(asked: Asked) -> Iterator[Result]:
    """The results, as they come.

    Raises:
        UsageError: there is no check of a name in ``expected``.
        HookFailed: the process ended before all was checked.
    """
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryFile("w+") as said:
        folder = Path(place)
        (folder / "test_plugin.py").write_text(asked.source(), encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "deepfake_core.testing.checking", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process:
            assert process.stdout is not None
            finished = False
            for line in process.stdout:
                record = json.loads(line)
                finished = record is None
                if record is not None:
                    yield Result(**record)
        if process.returncode == EXIT_USAGE:
            said.seek(0)
            raise UsageError(f"{asked.name!r}: {_last(said)}", hint="see `deepfake plugins check --help`.")
        if not finished:
            said.seek(0)
            raise HookFailed(
                f"the process that checked plugin {asked.name!r} ended with code {process.returncode}: {said.read()[-2000:]}",
                hint="-9 means that memory ran out, -11 a fault in a library; otherwise read the traceback.",
            )


def _last(said: IO[str]) -> str:
    lines = said.read().strip().splitlines()
    return lines[-1].removeprefix("ERROR: ") if lines else "nothing could be checked"


# ---- in the process


class _Reporter:
    """A pytest plugin that writes each result as a line of JSON."""

    def __init__(self, answers: IO[str]) -> None:
        self._answers = answers
        self._promises: dict[str, str] = {}

    def pytest_itemcollected(self, item: object) -> None:
        function = getattr(item, "function", None)
        self._promises[getattr(item, "nodeid", "")] = (getattr(function, "__doc__", None) or "").strip().split("\n")[0]

    def pytest_runtest_logreport(self, report: object) -> None:
        result = _result(report, self._promises)
        if result is not None:
            self.write(asdict(result))

    def write(self, record: object) -> None:
        self._answers.write(json.dumps(record) + "\n")
        self._answers.flush()


def _result(report: object, promises: Mapping[str, str]) -> Result | None:
    """A report's result; None for those of phases that say nothing."""
    when, outcome, nodeid = (str(getattr(report, name)) for name in ("when", "outcome", "nodeid"))
    expected = getattr(report, "wasxfail", None)
    named = {"check": nodeid.rpartition("::")[2], "promise": promises.get(nodeid, "")}
    if outcome == "skipped" and expected is not None:
        return Result(**named, outcome="expected failure", reason=str(expected))
    if outcome == "skipped":
        return Result(**named, outcome="skipped", reason=_why(report).removeprefix("Skipped: "))
    if outcome == "failed":
        return Result(**named, outcome="failed" if when == "call" else "not run", reason=_why(report))
    return Result(**named, outcome="passed") if when == "call" else None


def _why(report: object) -> str:
    """The first line of what was raised."""
    representation = getattr(report, "longrepr", None)
    if isinstance(representation, tuple):
        text = str(representation[2])
    else:
        crash = getattr(representation, "reprcrash", None)
        text = str(getattr(crash, "message", representation))
    first = text.strip().split("\n")[0]
    return first.removeprefix("AssertionError: ").removeprefix("deepfake_core.contract.errors.")


def serve(folder: Path) -> None:
    """Runs the checks that were left in ``folder``; results go to stdout, all else to stderr."""
    import pytest

    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        reporter = _Reporter(answers)
        options = ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder), "-p", "no:cacheprovider", "-q"]
        code = pytest.main([*options, "--basetemp", str(folder / "temporary"), str(folder)], plugins=[reporter])
        if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            reporter.write(None)
    sys.exit(EXIT_USAGE if code == pytest.ExitCode.USAGE_ERROR else 0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

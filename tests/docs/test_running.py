"""What README and docs tell people to type works: quick commands are run, for each other one it is said where that is tested."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from tests.docs.pages import ROOT, commands

RUN = re.compile(r"deepfake (index (folder|csv)=|folds |audit |plugins (list|show)|(\w+ )*(-h|--help)$)")

ELSEWHERE = {
    r"deepfake audit --index efficientnet": "tests/audit/test_published_files.py",
    r"deepfake index (folder=~/|csv=ffpp\.csv)": "tests/data/test_generic.py",
    r"deepfake index demo": "plugins/demo_dataset/tests",
    r"deepfake index (?!csv=|folder=)\w+=": "plugins/public_datasets/tests",
    r"deepfake (run|stream|extract|fuse)\b": "tests/steps",
    r"deepfake (evaluate|stress|predict)\b": "tests/steps",
    r"deepfake (models|promote|rollback)\b": "tests/detector/test_registry.py",
    r"deepfake app\b": "tests/app",
    r"deepfake doctor\b": "tests/doctor",
    r"deepfake plugins (new|check)\b|deepfake plugins show my_": "tests/scaffold",
    r"mlflow run ": "tests/end_to_end/test_mlproject.py",
    r"mlflow models serve|curl|export DEEPFAKE_": "tests/detector/test_serving.py",
    r"mlflow (server|ui|gc|db)|export MLFLOW_": "tests/end_to_end/test_tracking_server.py",
    r"mkdir |cp |python -c ": "tests/docs/test_backup.py",
    r"rm -r .*/store": "tests/data/test_store.py",
    r"make |pip install |python benchmarks/|cd ": "tests/docs/test_commands.py",
    r"pytest\b|python -m pytest": "tests/scaffold",
}
"""Commands that train, serve, need a data set or another machine, and what tests what they do; the first that fits counts."""

METHODS = ("Deepfakes", "FaceSwap", "Face2Face")
INDEX = "path,label,dataset,method,identities\n" + "".join(
    f"videos/{label}/{who:03d}_{take}.mp4,{label},mine,{METHODS[who % 3] if label else 'real'},{who:03d}\n"
    for who in range(12)
    for label in (0, 1)
    for take in (1, 2)
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder in which the files lie that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    for side, label, who, take in itertools.product(("real", "fake"), (0, 1), range(12), (1, 2)):
        for name in (f"videos/{label}/{who:03d}_{take}.mp4", f"data/mine/{side}/{who:03d}_{100 + take}.mp4"):
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    for name in ("clips.csv", "all.csv"):
        Path(name).write_text(INDEX)
    Path("people.csv").write_text("identity,person\n003,002\n")
    done = CliRunner().invoke(main, ["index", "csv=clips.csv", "--out", "my.csv"])
    assert done.exit_code == 0, done.output
    Path("index.csv").write_text(Path("my.csv").read_text())
    done = CliRunner().invoke(main, ["folds", "--index", "my.csv", "--out", "folds.csv"])
    assert done.exit_code == 0, done.output
    Path("by_method.csv").write_text(Path("folds.csv").read_text())
    ids = [line.split(",")[:3] for line in Path("folds.csv").read_text().splitlines()[1:]]
    scored = "".join(f"{video_id},{fold},0.{17 + i * 7 % 80}\n" for i, (video_id, fold, _) in enumerate(ids))
    for name in ("cnn.csv", "rppg.csv", "predictions.csv"):
        Path(name).write_text("video_id,fold,score\n" + scored)
    Path("scores.csv").write_text("name,fold,prob\n" + scored)
    return tmp_path


def quick() -> list:
    return [
        pytest.param(each.line, id=str(each)) for each in commands() if RUN.match(each.line) and not where(each.line)
    ]


def where(line: str) -> str | None:
    """What tests a command that isn't run here; commands that are run match no more than the general patterns."""
    return next((test for pattern, test in ELSEWHERE.items() if re.match(pattern, line)), None)


@pytest.mark.parametrize("line", quick())
def test_quick_commands_run(place, line):
    words = [word.replace("/data/", f"{place}/data/") for word in shlex.split(line)[1:]]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("each", [pytest.param(each, id=str(each)) for each in commands()])
def test_every_command_is_run_somewhere(each):
    test = where(each.line)
    assert RUN.match(each.line) if test is None else (ROOT / test).exists(), "run it, or say in ELSEWHERE what tests it"

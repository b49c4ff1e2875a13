"""The command line: what is printed, what is written, and with which exit code it ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.data.index import read_index


@pytest.fixture
def deepfake():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(main, [str(argument) for argument in arguments])


def test_help_is_quick_and_shows_examples(deepfake):
    found = deepfake("--help")
    assert found.exit_code == 0
    assert "deepfake stream --name rppg" in found.output
    for command in ("index", "folds", "extract", "stream"):
        assert "Example" in deepfake(command, "--help").output
    code = "import sys, deepfake_core.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'mlflow'", "'pandas'", "'numpy'", "'torch'", "'sklearn'", "'pydantic'"):
        assert heavy not in modules


def test_index_then_folds_without_any_video(deepfake, toy_index, home):
    """Folds need names only: the files may be gone."""
    for video in read_index(toy_index).videos:
        video.path.unlink()
    found = deepfake("folds", "--index", toy_index, "--out", home / "f" / "folds.csv")
    assert found.exit_code == 0, found.output
    assert "certificate: clean" in found.output
    assert len(pd.read_csv(home / "f" / "folds.csv")) == 40
    assert json.loads((home / "f" / "leakage_certificate.json").read_text())["verdict"] == "clean"


def test_index_of_a_csv_hashes_and_writes(deepfake, toy_index, home):
    found = deepfake("index", f"csv={toy_index}", "--out", home / "out.csv", "--workers", "1")
    assert found.exit_code == 0, found.output
    assert "40 videos" in found.output
    assert read_index(home / "out.csv").videos[0].sha256


def test_index_limits_methods_and_knows_their_names(deepfake, toy_index, home):
    some = ["--out", home / "out.csv", "--workers", "1", "--limits"]
    assert "23 videos" in deepfake("index", f"csv={toy_index}", *some, "swap=3").output
    found = deepfake("index", f"csv={toy_index}", *some, "swop=3")
    assert found.exit_code == 2
    assert "swop" in found.output
    assert "real, swap" in found.output
    assert "hint:" in deepfake("index", f"csv={toy_index}", *some, "swap=many").output


def test_stream_prints_auc_and_run(deepfake, toy, toy_index):
    found = deepfake("stream", "--name", "toy", "--index", toy_index, "--workers", "1")
    assert found.exit_code == 0, found.output
    assert "toy: out-of-fold AUC" in found.output
    assert "videos: 40 ok" in found.output


def test_partial_failure_is_exit_4_with_the_list(deepfake, toy, toy_index):
    videos = read_index(toy_index).videos
    videos[5].path.unlink()
    videos[6].path.write_text("no face")
    found = deepfake("stream", "--name", "toy", "--index", toy_index, "--workers", "1")
    assert found.exit_code == 4, found.output
    assert "38 ok" in found.output
    assert f"{videos[5].video_id}: missing" in found.output
    assert f"{videos[6].video_id}: " not in found.output, "a stream that rightly abstains is no failure"


def test_extract_alone(deepfake, toy, toy_index):
    found = deepfake("extract", "--name", "toy", "--index", toy_index, "--workers", "1")
    assert found.exit_code == 0, found.output
    assert "videos: 40 ok" in found.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--name", "nothing"], "no plugin named 'nothing'"),
        (["--name", "toy", "--overrides", "wide=1"], "its settings are"),
        (["--name", "toy", "--preset", "small"], "choose one of: paper, demo"),
        (["--name", "toy", "--folds", "30"], "fewer than 30 folds"),
        (["--name", "toy", "--workers", "many"], "many"),
    ],
)
def test_wrong_parameters_are_exit_2_with_a_hint(deepfake, toy, toy_index, arguments, says):
    found = deepfake("stream", "--index", toy_index, *arguments)
    assert found.exit_code == 2, found.output
    assert says in found.output
    assert "hint:" in found.output


def test_a_bug_is_exit_1_and_says_how_to_report_it(deepfake, monkeypatch, toy_index):
    from deepfake_core.steps import folds

    monkeypatch.setattr(folds, "run", lambda *_, **__: 1 / 0)
    found = deepfake("folds", "--index", toy_index)
    assert found.exit_code == 1
    assert "bug: ZeroDivisionError" in found.output
    assert "--debug" in found.output
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(main, ["--debug", "folds", "--index", str(toy_index)], catch_exceptions=False)


def test_leaking_certificate_is_exit_3_and_is_written(deepfake, monkeypatch, toy_index, home):
    """A fault planted in the purge: the certificate, computed from the lists alone, still refuses."""
    from deepfake_core.data import folds

    def no_purge(videos, held_out, *_):
        return tuple(v for v in videos if v.video_id not in held_out), ()

    index = read_index(toy_index)
    lines = [f"{v.video_id},{n % 2},g" for n, v in enumerate(index.videos)]
    (home / "by_video.csv").write_text("\n".join(["video_id,fold,group", *lines]))
    given = folds.read_folds(home / "by_video.csv", index)
    monkeypatch.setattr(folds, "_purge", no_purge)
    monkeypatch.setattr(folds, "draw", lambda *_, **__: given)
    found = deepfake("folds", "--index", toy_index, "--out", home / "folds.csv")
    assert found.exit_code == 3, found.output
    assert "identity in" in found.output
    assert json.loads((home / "leakage_certificate.json").read_text())["verdict"] == "leaking"


def test_plugins_list(deepfake, toy):
    found = deepfake("plugins", "list")
    assert found.exit_code == 0
    assert "toy" in found.output
    assert "deepfake-toy 1.0" in found.output

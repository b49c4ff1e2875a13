"""``deepfake predict``: from files to verdicts, by the command people use."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract.errors import EXIT_PARTIAL, EXIT_USAGE
from deepfake_core.detector import registry
from deepfake_core.steps import fuse
from tests.conftest import toys_run


@pytest.fixture(scope="module")
def world(tmp_path_factory, empty_tracking_store):
    """Both toys fused and registered; its videos' folder."""
    with toys_run(tmp_path_factory, empty_tracking_store) as (index, _):
        fuse.run("toys", str(index), fuser="logistic", out=tmp_path_factory.mktemp("out"))
        yield index.parent / "videos"


@pytest.fixture
def clips(world, tmp_path) -> Path:
    """Three new clips: a real one, a fake one, a broken one; and a text."""
    folder = tmp_path / "clips"
    (folder / "inner").mkdir(parents=True)
    (folder / "real.mp4").write_text("-0.5")
    (folder / "inner" / "fake.mov").write_text("1.9")
    (folder / "broken.mp4").write_text("rubbish")
    (folder / "notes.txt").write_text("not a video")
    return folder


def said(*command: object) -> tuple[int, str]:
    """Exit code and output."""
    result = CliRunner().invoke(main, ["predict", *map(str, command), "--workers", "1"])
    return result.exit_code, result.output


CHALLENGER = ("--model", f"models:/{registry.NAME}@challenger")


def test_without_a_champion_both_ways_out_are_named(clips):
    code, text = said(clips / "real.mp4")
    assert code == EXIT_USAGE and "no champion" in text
    assert "deepfake promote" in text and "@challenger" in text
    code, text = said(clips / "real.mp4", "--model", "models:/nothing@champion")
    assert code == EXIT_USAGE and "deepfake run" in text and "--model FOLDER" in text


def test_files_folders_and_patterns(clips):
    code, text = said(clips / "real.mp4", *CHALLENGER)
    assert code == 0 and "real.mp4" in text and " real " in text
    code, text = said(clips, *CHALLENGER)
    assert code == EXIT_PARTIAL and text.count(".mp4") >= 2 and "fake.mov" in text and "notes" not in text
    code, text = said(clips / "**" / "*.mov", *CHALLENGER)
    assert code == 0 and "fake.mov" in text and "real.mp4" not in text
    code, text = said(clips / "*.avi", *CHALLENGER)
    assert code == EXIT_USAGE and "no video there" in text


def test_one_that_fails_leaves_the_others_their_verdicts(clips, tmp_path):
    code, text = said(
        clips, clips / "gone.mp4", *CHALLENGER, "--csv", tmp_path / "v.csv", "--json", tmp_path / "v.json"
    )
    assert code == EXIT_PARTIAL and "failed (2)" in text and "decode_error" in text and "missing" in text
    table = pd.read_csv(tmp_path / "v.csv").set_index("video")
    assert table.loc[str(clips / "inner" / "fake.mov"), "verdict"] == "fake"
    assert table.loc[str(clips / "real.mp4"), "verdict"] == "real"
    assert table["error"].notna().sum() == 2 and table["version"].eq(f"models:/{registry.NAME}/1").all()
    content = json.loads((tmp_path / "v.json").read_text())
    assert content["verdicts"][0]["opinions"][0]["stream"] == "toy" and len(content["band"]) == 2


def test_a_report_to_look_at(clips, tmp_path):
    path = tmp_path / "report.html"
    code, _ = said(clips, *CHALLENGER, "--report", path)
    page = path.read_text()
    assert code == EXIT_PARTIAL and page.count("The number in the file is") == 4, "two clips, two streams"
    assert "fake.mov" in page and "broken.mp4" in page and "version 1 (challenger)" in page


def test_fewer_streams(clips):
    code, text = said(clips / "real.mp4", *CHALLENGER, "--streams", "toy")
    assert code == 0 and "inconclusive" in text and "blurry not_asked" in text
    code, text = said(clips / "real.mp4", *CHALLENGER, "--streams", "toys")
    assert code == EXIT_USAGE and "no stream toys" in text


def test_a_model_from_a_folder(clips, tmp_path):
    folder = registry.fetch(f"models:/{registry.NAME}/1", tmp_path / "model")
    assert said(clips / "real.mp4", "--model", folder)[0] == 0
    assert said(clips / "real.mp4", "--model", folder.parents[1])[0] == 0
    code, text = said(clips / "real.mp4", "--model", tmp_path / "clips")
    assert code == EXIT_USAGE and "no detector" in text

"""The index step: several data sets in one table, with what of them is there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract.errors import InvalidSetting, InvalidTable, UsageError
from deepfake_core.data.index import read_index
from deepfake_core.steps import index as step
from deepfake_core.steps.index import Source


@pytest.fixture
def folder(home):
    """A folder of 6 people: each real, and as a fake of two methods."""
    root = home / "mine"
    for person in range(6):
        for place in ("real", "fake/swap", "fake/blend"):
            path = root / place / f"{person:03d}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{place} {person}")
    return root


@pytest.fixture
def table(home):
    """A CSV of three files elsewhere, one of them footage that the folder has, too."""
    (home / "other").mkdir()
    lines = ["path,label,identity,method"]
    for name, label, text in (("x", 0, "x"), ("y", 1, "y"), ("copy", 1, "fake/swap 3")):
        (home / "other" / f"{name}.mp4").write_text(text)
        lines.append(f"other/{name}.mp4,{label},{name},")
    (home / "theirs.csv").write_text("\n".join(lines))
    return home / "theirs.csv"


def index(*sources: tuple[str, Path], **options):
    options = {"limits": {}, "overrides": r"identity=(\d+)", "workers": "1", **options}
    return step.run([Source(name, root) for name, root in sources], Path("out.csv"), **options)


def test_several_data_sets_make_one_index_and_shared_content_is_said(folder, table, home, caplog):
    made = index(("folder", folder), ("csv", table), overrides=r"identity=(\d+)")
    assert not made.problems and not (home / "out_problems.csv").exists()
    written = read_index(home / "out.csv")
    assert written.videos == made.index.videos
    assert {v.dataset for v in written.videos} == {"mine", "theirs"} and len(written.videos) == 21
    assert "equal content: 1 group(s) of files, 1 of them across data sets" in caplog.text
    assert "mine__swap__003 = theirs__fake__copy" in caplog.text


def test_without_hashes_nothing_is_read_or_compared(folder, table, caplog):
    made = index(("folder", folder), ("csv", table), hashed=False)
    assert not any(v.sha256 for v in made.index.videos)
    assert "equal content" not in caplog.text


def test_settings_go_to_each_source_that_has_them(folder, table):
    made = index(("folder", folder), ("csv", table), overrides=r"identity=(\d+),dataset=all")
    assert {v.dataset for v in made.index.videos} == {"all"}
    with pytest.raises(InvalidSetting, match="no setting colour in folder, csv") as caught:
        index(("folder", folder), ("csv", table), overrides="colour=red")
    assert "identity" in caught.value.hint


def test_limits_draw_and_zero_leaves_a_method_out(folder):
    made = index(("folder", folder), limits={"blend": 0, "swap": 4})
    assert pd.Series([v.method for v in made.index.videos]).value_counts().to_dict() == {"real": 6, "swap": 4}
    with pytest.raises(UsageError, match="blnd") as caught:
        index(("folder", folder), limits={"blnd": 0})
    assert "blend, real, swap" in caught.value.hint
    with pytest.raises(InvalidTable, match="lists no video"):
        index(("folder", folder), limits={"blend": 0, "swap": 0, "real": 0})


def test_aliases_make_one_person_of_two(folder, home):
    (home / "people.csv").write_text("identity,person\nmine_person_001,Ann\nmine_person_004,Ann\n")
    made = index(("folder", folder), aliases=home / "people.csv")
    assert sum(v.identities == ("Ann",) for v in made.index.videos) == 6


def test_missing_and_broken_files_keep_their_rows_and_are_listed(table, folder, home):
    (home / "other" / "x.mp4").unlink()
    (home / "other" / "y.mp4").write_text("")
    command = ["index", f"csv={table}", f"folder={folder}", "--overrides", r"identity=(\d+)", "--workers", "1"]
    found = CliRunner().invoke(main, [*command, "--out", "out.csv"])
    assert found.exit_code == 4, found.output
    assert "other/x.mp4: missing: No such file" in found.output
    assert "other/y.mp4: decode_error: 0 bytes" in found.output
    lines = [line.split() for line in found.output.splitlines()]
    assert ["dataset", "method", "label", "found", "missing", "broken", "used", "people"] in lines
    assert ["theirs", "fake", "fake", "2", "0", "1", "1", "2"] in lines
    assert ["theirs", "real", "real", "0", "1", "0", "0", "1"] in lines
    assert len(read_index(home / "out.csv").videos) == 21
    assert pd.read_csv(home / "out_problems.csv")["status"].tolist() == ["missing", "decode_error"]

    decoded = CliRunner().invoke(main, [*command, "--check", "decode"])
    assert decoded.exit_code == 4
    assert "missing or broken (21)" in decoded.output, "none of these text files is a video"
    blind = CliRunner().invoke(main, [*command, "--check", "none", "--hash", "false"])
    assert blind.exit_code == 0, blind.output
    assert ["theirs", "real", "real", "–", "–", "–", "1", "1"] in [line.split() for line in blind.output.splitlines()]


def test_a_list_of_problems_that_are_solved_goes_away(table, home):
    text = (home / "other" / "x.mp4").read_text()
    (home / "other" / "x.mp4").unlink()
    index(("csv", table), overrides="")
    assert (home / "out_problems.csv").exists()
    (home / "other" / "x.mp4").write_text(text)
    index(("csv", table), overrides="")
    assert not (home / "out_problems.csv").exists()


def test_not_one_file_of_a_data_set_means_a_wrong_path(table, folder, home):
    (home / "other").rename(home / "moved")
    with pytest.raises(InvalidTable, match=r"none of the 3 files of 'theirs' is there: .*other/x.mp4"):
        index(("folder", folder), ("csv", table))
    assert not (home / "out.csv").exists()


def test_hidden_files_and_names_of_any_alphabet(folder, home):
    (folder / "real" / "._007.mp4").write_text("a Mac's shadow of 007.mp4")
    (folder / "real" / "Zoe\u0308_007.mp4").write_text("decomposed, as a Mac writes it")
    made = index(("folder", folder), overrides=r"identity=([^\W_]+)$")
    assert "mine__real__Zoë_007" in {v.video_id for v in made.index.videos}
    assert len(made.index.videos) == 19
    assert read_index(home / "out.csv").videos == made.index.videos

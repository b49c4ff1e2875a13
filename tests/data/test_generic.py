"""Anybody's videos become an index: a folder with real/ and fake/, or a CSV."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deepfake_core.contract.errors import DeepfakeError, InvalidSetting, InvalidTable, UsageError
from deepfake_core.plugins import load_dataset

PATTERN = r"identity=(\d+)(?:_(\d+))?"


def listed(kind: str, root: Path, overrides: str = PATTERN, limits: dict[str, int] | None = None):
    dataset = load_dataset(kind)
    return dataset.index(root, limits or {}, dataset.settings(overrides))


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "My set"
    for name in ("real/001.mp4", "real/sub/002.MOV", "fake/001_002.mp4", "fake/swap/002_001.mkv", "real/notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_folder_gives_labels_methods_and_people(folder):
    found = {v.video_id: (v.label, v.method, v.identities) for v in listed("folder", folder)}
    assert found == {
        "My_set__real__001": (0, "real", ("My_set_person_001",)),
        "My_set__real__sub_002": (0, "real", ("My_set_person_002",)),
        "My_set__fake__001_002": (1, "fake", ("My_set_person_001", "My_set_person_002")),
        "My_set__swap__002_001": (1, "swap", ("My_set_person_002", "My_set_person_001")),
    }


def test_limits_and_name(folder):
    found = listed("folder", folder, PATTERN + ",dataset=mine", {"real": 1})
    assert [v.method for v in found] == ["real", "fake", "swap"]
    assert {v.dataset for v in found} == {"mine"}


@pytest.mark.parametrize(
    ("overrides", "error", "says"),
    [
        ("", UsageError, "which person"),
        (r"identity=(\d{5})", UsageError, "finds nobody in"),
        (r"identity=(\d+", InvalidSetting, "not a regular expression"),
        (r"identity=\d+", InvalidSetting, "group"),
        ("colour=red", InvalidSetting, "dataset, identity"),
    ],
)
def test_identity_pattern_is_needed_and_checked(folder, overrides, error, says):
    with pytest.raises(error, match=says):
        listed("folder", folder, overrides)


def test_wrong_folder_says_what_was_expected_and_found(tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(UsageError, match=r"lacks the folder.s. real and fake; found: videos"):
        listed("folder", tmp_path)


@pytest.mark.parametrize("side", ["real", "fake"])
def test_one_side_alone_is_a_data_set(folder, side):
    expected = [video for video in listed("folder", folder, PATTERN) if (video.label == 1) == (side == "fake")]
    shutil.rmtree(folder / ("fake" if side == "real" else "real"))
    assert list(listed("folder", folder, PATTERN)) == expected


def test_a_misspelt_side_is_no_absent_one(folder):
    (folder / "fake").rename(folder / "fakes")
    with pytest.raises(UsageError, match=r"lacks the folder.s. fake; found: fakes, real"):
        listed("folder", folder, PATTERN)


def test_a_hidden_folder_is_no_misspelt_side(folder):
    expected = [video for video in listed("folder", folder, PATTERN) if video.label == 0]
    shutil.rmtree(folder / "fake")
    (folder / ".git").mkdir()
    assert expected and list(listed("folder", folder, PATTERN)) == expected


def test_csv_fills_in_what_is_missing(tmp_path):
    table = tmp_path / "clips.csv"
    table.write_text("path,label,identity,method\nv/1.mp4,0,ann,\n/abs/2.mp4,1,bob,swap\n")
    one, two = listed("csv", table, "")
    assert (one.video_id, one.method, one.identities, one.path) == (
        "clips__real__1",
        "real",
        ("ann",),
        tmp_path / "v/1.mp4",
    )
    assert (two.video_id, two.path) == ("clips__swap__2", Path("/abs/2.mp4"))


def test_csv_takes_people_from_names(tmp_path):
    table = tmp_path / "clips.csv"
    table.write_text("path,label\n033_097.mp4,1\n033.mp4,0\n")
    assert [v.identities for v in listed("csv", table)] == [
        ("clips_person_033", "clips_person_097"),
        ("clips_person_033",),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path\nx.mp4\n", "label"),
        ("path,label\nx.mp4,0\n", "identity or identities"),
        ("path,label,identity\nx.mp4,yes,a\n", "label is 'yes' in line 2"),
        ("path,label,identity\na/x.mp4,0,a\nb/x.mp4,0,b\n", "not unique"),
        ("path,label,identity\n,0,a\n", "'path' is empty"),
    ],
)
def test_faulty_csv(tmp_path, text, says):
    table = tmp_path / "clips.csv"
    table.write_text(text)
    with pytest.raises((InvalidTable, DeepfakeError), match=says):
        listed("csv", table, "")


def test_data_set_hooks_are_called_as_specified(tmp_path, monkeypatch):
    """The two data set hooks, on a data set made here."""
    from tests.conftest import install, use_site

    source = """
from deepfake_core import DatasetInfo, VideoRecord, hookimpl

@hookimpl
def dataset_info():
    return DatasetInfo("toys", summary="toys", self_made=True)

@hookimpl
def index_dataset(root, limits):
    return [VideoRecord(f"toys__{i}", root / f"{i}.mp4", i % 2, "toys", "m", (f"p{i}",)) for i in range(limits["m"])]
"""
    entry = "[deepfake_core.datasets]\ntoys = toy_set\n"
    use_site(
        monkeypatch,
        install(tmp_path / "site", distribution="deepfake-toys", modules={"toy_set.py": source}, entry_points=entry),
    )
    assert load_dataset("toys").info.self_made
    assert [v.video_id for v in listed("toys", tmp_path, "", {"m": 2})] == ["toys__0", "toys__1"]

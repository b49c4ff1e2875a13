"""Do DFDC and its preview come out with the labels, people and splits that their metadata tell?"""

from __future__ import annotations

import json
import logging
from collections import Counter

import pytest

from deepfake_core import InvalidTable, UsageError

SAID = {
    "aaaaaaaaaa.mp4": {"label": "REAL", "split": "train"},
    "bbbbbbbbbb.mp4": {"label": "REAL", "split": "train", "original": None},
    "cccccccccc.mp4": {"label": "FAKE", "split": "train", "original": "aaaaaaaaaa.mp4"},
    "dddddddddd.mp4": {"label": "FAKE", "split": "train", "original": "gonegonego.mp4"},
    "eeeeeeeeee.mp4": {"label": "FAKE", "original": "aaaaaaaaaa.mp4"},
}
PREVIEW = {
    "original_videos/1003254/1003254_A_001.mp4": {"label": "real", "set": "train", "target_id": "1003254"},
    "original_videos/643049/643049_A_001.mp4": {"label": "real", "set": "test", "target_id": None, "swapped_id": None},
    "method_A/1003254/1003254_A/1255229_1003254_A_001.mp4": {
        "label": "fake",
        "set": "train",
        "target_id": 1003254,
        "swapped_id": 1255229,
        "augmentations": [],
    },
    "method_B/643049/643049_A/1255229_643049_A_001.mp4": {"label": "fake", "set": "test"},
    "method_B/2040724/2040724_A/1255229_2040724_A_001.mp4": {"label": "fake", "set": "train"},
}


@pytest.fixture
def part(tmp_path, lay):
    root = lay(tmp_path / "dfdc/dfdc_train_part_0", SAID)
    (root / "metadata.json").write_text(json.dumps(SAID))
    return root


@pytest.fixture
def preview(tmp_path, lay):
    root = lay(tmp_path / "dfdc_preview_set", [name for name in PREVIEW if "2040724" not in name])
    (root / "dataset.json").write_text(json.dumps(PREVIEW))
    return root


def say(root, said):
    (root / "metadata.json").write_text(said if isinstance(said, str) else json.dumps(said))


def test_fakes_have_the_person_of_their_original_there_or_not(part, index):
    found = {v.video_id: (v.label, v.identities, v.split) for v in index("dfdc", part)}
    assert found == {
        "dfdc__real__aaaaaaaaaa": (0, ("DFDC_aaaaaaaaaa",), "train"),
        "dfdc__real__bbbbbbbbbb": (0, ("DFDC_bbbbbbbbbb",), "train"),
        "dfdc__fake__cccccccccc": (1, ("DFDC_aaaaaaaaaa",), "train"),
        "dfdc__fake__dddddddddd": (1, ("DFDC_gonegonego",), "train"),
        "dfdc__fake__eeeeeeeeee": (1, ("DFDC_aaaaaaaaaa",), None),
    }


def test_parts_are_found_as_they_are_unpacked(part, index, lay, tmp_path, caplog):
    second = lay(tmp_path / "dfdc/dfdc_train_part_01/dfdc_train_part_1", ["zzzzzzzzzz.mp4"])
    say(second, {"zzzzzzzzzz.mp4": {"label": "FAKE", "split": "train", "original": "yyyyyyyyyy.mp4"}})
    lay(tmp_path / "dfdc/test_videos", ["untoldunto.mp4"])
    with caplog.at_level(logging.WARNING):
        assert Counter(video.path.parent for video in index("dfdc", part.parent)) == {part: 5, second: 1}
    (said,) = caplog.messages
    assert f"{tmp_path / 'dfdc/test_videos'}: its videos are left out" in said


def test_a_video_in_two_parts_is_refused_with_both_paths(part, index, lay, tmp_path):
    again = lay(tmp_path / "dfdc/train_sample_videos", ["aaaaaaaaaa.mp4"])
    say(again, {"aaaaaaaaaa.mp4": {"label": "REAL"}})
    with pytest.raises(InvalidTable) as error:
        index("dfdc", part.parent)
    assert str(part / "aaaaaaaaaa.mp4") in error.value.problem
    assert str(again / "aaaaaaaaaa.mp4") in error.value.problem


def test_the_published_sample_is_balanced(part, index):
    assert Counter(video.label for video in index("dfdc", part, "sample=paper")) == {0: 2, 1: 2}
    assert Counter(video.label for video in index("dfdc", part, fake=1)) == {0: 2, 1: 1}


def test_what_metadata_and_folder_do_not_share_is_said(part, index, lay, caplog):
    (part / "dddddddddd.mp4").unlink()
    lay(part, ["ffffffffff.mp4"])
    with caplog.at_level(logging.WARNING):
        assert len(index("dfdc", part)) == 4
    assert "1 of 5 videos aren't there: dddddddddd" in caplog.text
    assert "metadata.json lacks them: ffffffffff" in caplog.text


def test_fakes_without_an_original_need_a_word(part, index):
    said = {**SAID, "cccccccccc.mp4": {"label": "FAKE", "split": "train"}}
    say(part, said)
    with pytest.raises(InvalidTable, match="1 fakes name no 'original': cccccccccc") as error:
        index("dfdc", part)
    assert "one_person_per_file=true" in error.value.hint
    found = {video.video_id: video.identities for video in index("dfdc", part, "one_person_per_file=true")}
    assert found["dfdc__fake__cccccccccc"] == ("DFDC_cccccccccc",)
    assert found["dfdc__fake__eeeeeeeeee"] == ("DFDC_aaaaaaaaaa",)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("{", "can't be read as JSON"),
        ([1], "expected a JSON dict, found a list"),
        ({"aaaaaaaaaa.mp4": {"label": "fake?"}}, "label REAL or FAKE.*aaaaaaaaaa"),
        ({"aaaaaaaaaa.mp4": {"label": ["FAKE"]}}, "label REAL or FAKE.*aaaaaaaaaa"),
        ({"aaaaaaaaaa.mp4": "FAKE"}, "label REAL or FAKE.*aaaaaaaaaa"),
        ({"aaaaaaaaaa.mp4": {"label": "FAKE", "original": 3}}, "label REAL or FAKE.*aaaaaaaaaa"),
    ],
)
def test_broken_metadata(part, index, said, says):
    say(part, said)
    with pytest.raises(InvalidTable, match=says):
        index("dfdc", part)


def test_wrong_roots(part, preview, index, lay, tmp_path):
    inside = lay(part / "notes", ["a.txt"])
    with pytest.raises(UsageError) as error:
        index("dfdc", inside)
    assert f"give {part}" in error.value.hint
    with pytest.raises(UsageError, match="preview") as error:
        index("dfdc", preview)
    assert f"dfdc_preview={preview}" in error.value.hint
    with pytest.raises(UsageError, match="index it as dfdc"):
        index("dfdc_preview", part)
    with pytest.raises(UsageError) as error:
        index("dfdc_preview", preview / "method_A/1003254")
    assert f"give {preview}" in error.value.hint


def test_the_preview_tells_whose_face_is_in_whose_footage(preview, index, caplog):
    with caplog.at_level(logging.WARNING):
        found = {v.video_id: (v.label, v.method, v.identities, v.split) for v in index("dfdc_preview", preview)}
    person = "DFDC_preview_person_"
    assert found == {
        "dfdc_preview__real__1003254_A_001": (0, "real", (f"{person}1003254",), "train"),
        "dfdc_preview__real__643049_A_001": (0, "real", (f"{person}643049",), "test"),
        "dfdc_preview__method_A__1255229_1003254_A_001": (
            1,
            "method_A",
            (f"{person}1003254", f"{person}1255229"),
            "train",
        ),
        "dfdc_preview__method_B__1255229_643049_A_001": (
            1,
            "method_B",
            (f"{person}643049", f"{person}1255229"),
            "test",
        ),
    }
    assert "method_B 1 of 2" in caplog.text


def test_broken_previews(preview, index):
    name = "method_A/1003254/1003254_A/1255229_1003254_A_001.mp4"
    for values in ({"label": "odd"}, "fake", {"set": "train"}):
        (preview / "dataset.json").write_text(json.dumps({name: values}))
        with pytest.raises(InvalidTable, match="something else for method_A/1003254"):
            index("dfdc_preview", preview)
    (preview / "dataset.json").write_text(json.dumps({"method_A/1/1_A/2_1_A_001.mp4": {"label": "fake"}}))
    with pytest.raises(UsageError, match="none of the 1 videos"):
        index("dfdc_preview", preview)

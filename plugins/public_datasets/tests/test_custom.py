"""Are one's own videos listed only where it is said who is in them?"""

from __future__ import annotations

import logging
from collections import Counter

import pytest

from deepfake_core import InvalidTable, UsageError

PATTERN = r"identity=(\d+)(?:_(\d+))?"


@pytest.fixture
def root(tmp_path, lay):
    return lay(
        tmp_path / "mine",
        ["real_videos/033.mp4", "real_videos/097.MOV", "deepfake_videos/033_097.mp4", "deepfake_videos/097_033.avi"],
    )


def test_people_come_from_the_pattern(root, index):
    found = {v.video_id: (v.label, v.method, v.identities) for v in index("custom", root, PATTERN)}
    assert found == {
        "custom__real__033": (0, "real", ("Custom_person_033",)),
        "custom__real__097": (0, "real", ("Custom_person_097",)),
        "custom__fake__033_097": (1, "fake", ("Custom_person_033", "Custom_person_097")),
        "custom__fake__097_033": (1, "fake", ("Custom_person_097", "Custom_person_033")),
    }


def test_without_a_word_about_people_nothing_is_listed(root, index):
    with pytest.raises(UsageError, match="nothing says who is in a file") as error:
        index("custom", root)
    assert "one_person_per_file=true" in error.value.hint
    with pytest.raises(UsageError, match="both given"):
        index("custom", root, PATTERN + ",one_person_per_file=true")
    with pytest.raises(InvalidTable, match=r"\(x\)' finds somebody in; found 033.mp4, 097.MOV"):
        index("custom", root, "identity=(x)")


def test_one_person_per_file_keeps_equal_names_together(root, index, lay):
    lay(root, ["deepfake_videos/033.mp4", "real_videos/a;b.mp4"])
    people = Counter(person for v in index("custom", root, "one_person_per_file=true") for person in v.identities)
    assert people == {
        "Custom_person_033": 2,
        "Custom_person_097": 1,
        "Custom_person_033_097": 1,
        "Custom_person_097_033": 1,
        "Custom_person_a_b": 1,
    }


def test_footage_of_another_data_set_can_be_named_so(root, index, caplog):
    with caplog.at_level(logging.WARNING):
        index("custom", root, PATTERN)
    assert "named as FaceForensics++'s are" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        videos = index("custom", root, PATTERN + ",person=FF_person_,dataset=face_dataset_dip")
    assert not caplog.records
    assert {person for video in videos for person in video.identities} == {"FF_person_033", "FF_person_097"}
    assert {video.dataset for video in videos} == {"face_dataset_dip"}


def test_the_published_sample(tmp_path, lay, index):
    names = [f"{folder}/{n}.mp4" for folder in ("real_videos", "deepfake_videos") for n in range(1000, 1500)]
    videos = index("custom", lay(tmp_path, names), "sample=paper,one_person_per_file=true")
    assert Counter(video.label for video in videos) == {0: 400, 1: 400}


@pytest.mark.parametrize(
    ("below", "hint"),
    [("..", "one folder further down: give {root}"), ("real_videos", "inside the data set: give {root}")],
)
def test_wrong_roots(root, index, below, hint):
    with pytest.raises(UsageError, match="expected real_videos/ and deepfake_videos/") as error:
        index("custom", root / below, PATTERN)
    assert hint.format(root=root) in error.value.hint


def test_half_of_it_is_refused(root, index):
    (root / "deepfake_videos").rename(root / "fakes")
    with pytest.raises(UsageError, match="found fakes/, real_videos/"):
        index("custom", root, PATTERN)

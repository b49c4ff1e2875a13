"""Does Celeb-DF come out with its labels, people and test videos, and can its swap graph be divided?"""

from __future__ import annotations

import csv
import logging
import random
from collections import Counter

import pytest

from deepfake_core import InvalidTable, UsageError
from deepfake_core.data.certificate import certify
from deepfake_core.data.folds import draw, plan
from deepfake_core.data.identities import components
from deepfake_core.data.index import make_index

LIST = "List_of_testing_videos.txt"


def names(people=59, originals=590, youtube=300, swaps=5639, seed=0):
    """Names of the sizes that were published: footage, and swaps of it among people who look alike."""
    rng = random.Random(seed)
    reals = [(number % people, number // people) for number in range(originals)]
    circle = {
        person: [other for other in range(people) if other % 4 == person % 4 and other != person]
        for person in range(people)
    }
    fakes = [(person, donor, take) for person, take in reals for donor in circle[person]]
    rng.shuffle(fakes)
    yield from (f"Celeb-real/id{person}_{take:04d}.mp4" for person, take in reals)
    yield from (f"YouTube-real/{number:05d}.mp4" for number in range(youtube))
    yield from (f"Celeb-synthesis/id{person}_id{donor}_{take:04d}.mp4" for person, donor, take in fakes[:swaps])


def write_list(root, lines):
    (root / LIST).write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture(scope="module")
def whole(tmp_path_factory, lay):
    root = lay(tmp_path_factory.mktemp("celeb") / "Celeb-DF-v2", names())
    rng = random.Random(1)
    tests = []
    for folder, label, count in (("Celeb-real", 1, 108), ("YouTube-real", 1, 70), ("Celeb-synthesis", 0, 340)):
        files = sorted(path.name for path in (root / folder).iterdir())
        tests += [f"{label} {folder}/{name}" for name in rng.sample(files, count)]
    write_list(root, tests)
    return root


@pytest.fixture
def small(tmp_path, lay):
    root = lay(
        tmp_path / "Celeb-DF",
        [
            "Celeb-real/id3_0003.mp4",
            "Celeb-real/id28_0000.mp4",
            "YouTube-real/00012.mp4",
            "Celeb-synthesis/id3_id28_0003.mp4",
        ],
    )
    write_list(root, ["1 YouTube-real/00012.mp4", "0 Celeb-synthesis/id3_id28_0003.mp4"])
    return root


def test_labels_people_and_splits(small, index):
    found = {v.video_id: (v.label, v.method, v.identities, v.split) for v in index("celebdf", small, "version=v2")}
    assert found == {
        "celebdf_v2__real__id3_0003": (0, "real", ("Celeb_person_id3",), "train"),
        "celebdf_v2__real__id28_0000": (0, "real", ("Celeb_person_id28",), "train"),
        "celebdf_v2__real__00012": (0, "real", ("Celeb_person_youtube_00012",), "test"),
        "celebdf_v2__Celeb-synthesis__id3_id28_0003": (
            1,
            "Celeb-synthesis",
            ("Celeb_person_id3", "Celeb_person_id28"),
            "test",
        ),
    }


def test_the_whole_of_version_2(whole, index, caplog):
    with caplog.at_level(logging.WARNING):
        videos = index("celebdf", whole)
    assert not caplog.records
    assert {video.dataset for video in videos} == {"celebdf_v2"}
    assert Counter((video.label, video.split) for video in videos) == {
        (0, "test"): 178,
        (0, "train"): 712,
        (1, "test"): 340,
        (1, "train"): 5299,
    }


def test_few_components_hold_nearly_all_swaps_and_yet_folds_share_nobody(whole, index):
    listed = make_index(index("celebdf", whole, "sample=paper"), "celebdf")
    largest = Counter(components(listed.videos).tolist()).most_common(4)
    assert sum(size for _, size in largest) > 300
    folds = draw(listed)
    certificate = certify(listed, folds, [plan(listed, folds, k) for k in range(folds.count)], seed=42)
    assert certificate.clean
    assert [fold["shared_identities"] for fold in certificate.content["folds"]] == [0] * 5


def test_the_published_sample(whole, index):
    videos = index("celebdf", whole, "sample=paper")
    youtube = sum("youtube" in video.identities[0] for video in videos)
    assert (youtube, Counter(video.label for video in videos)) == (50, {0: 200, 1: 200})


def test_names_of_the_published_index_are_all_read(tmp_path, lay, index, shared):
    """The four-stream system's own index of a copy."""
    with (shared / "fourstream_csvs/rppg_master_dataset_index.csv").open(newline="") as file:
        paths = [row["path"].partition("/celeb-df-v2/")[2] for row in csv.DictReader(file)]
    paths = [path for path in paths if path]
    videos = index("celebdf", lay(tmp_path, paths), "version=v2")
    assert Counter(video.label for video in videos) == {0: 200, 1: 97}


@pytest.mark.parametrize(
    ("people", "lines", "version"), [(13, 100, "celebdf_v1"), (13, 518, "celebdf_v2"), (59, 0, "celebdf_v2")]
)
def test_the_version_is_told_by_the_list_or_by_the_size(tmp_path, lay, index, people, lines, version):
    root = lay(tmp_path, names(people=people, originals=people * 10, youtube=5, swaps=900 if not lines else 600))
    if lines:
        write_list(root, [f"1 YouTube-real/{number:05d}.mp4" for number in range(lines)])
    assert {video.dataset for video in index("celebdf", root)} == {version}


def test_an_unclear_version_is_asked_for(small, index):
    with pytest.raises(UsageError, match=r"version 1 or 2: 2 in Celeb-real, .*2 lines in List") as error:
        index("celebdf", small)
    assert "version=v2" in error.value.hint


def test_videos_may_lie_in_a_folder_of_their_own_and_case_is_free(tmp_path, lay, index, caplog):
    root = lay(tmp_path, ["Celeb-real/videos/id1_0000.mp4", "Youtube-real/videos/00001.mp4"])
    with caplog.at_level(logging.WARNING):
        assert len(index("celebdf", root, "version=v1")) == 2
    assert "not there: Celeb-synthesis" in caplog.text
    assert "Celeb-real 1 of 158" in caplog.text
    assert "videos get no split" in caplog.text


@pytest.mark.parametrize(
    "line", ["0 YouTube-real/00012.mp4", "1 Celeb-synthesis/id3_id28_0003.mp4", "1 elsewhere/x.mp4", "id3_0003.mp4"]
)
def test_a_broken_list_is_refused(small, index, line):
    write_list(small, ["1 Celeb-real/id3_0003.mp4", line])
    with pytest.raises(InvalidTable, match=f"1 is real, 0 is fake.*found {line}"):
        index("celebdf", small, "version=v2")


def test_wrong_roots_and_names(small, index, lay):
    with pytest.raises(UsageError) as error:
        index("celebdf", small / "Celeb-real")
    assert f"give {small}" in error.value.hint
    with pytest.raises(UsageError) as error:
        index("celebdf", small.parent)
    assert f"give {small}" in error.value.hint
    lay(small, ["Celeb-synthesis/id3_0003.mp4"])
    with pytest.raises(InvalidTable, match=r"expected names like id3_id28_0003.mp4; found id3_0003.mp4"):
        index("celebdf", small, "version=v2")

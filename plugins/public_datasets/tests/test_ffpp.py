"""Does FaceForensics++ come out with its labels, methods, people and official splits, from both of its trees?"""

from __future__ import annotations

import csv
import json
import logging
import random
from collections import Counter
from pathlib import Path

import pytest

from deepfake_core import InvalidTable, UsageError
from deepfake_core.data.certificate import certify
from deepfake_core.data.folds import draw, plan
from deepfake_core.data.identities import components
from deepfake_core.data.index import make_index

YOUTUBE_METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
PUBLISHED = {**dict.fromkeys(YOUTUBE_METHODS, 1000), "DeepFakeDetection": 3068, "real": 1363}
SCENES = [f"scene_{letter}" for letter in "abcdefghijklmnop"]


def official_names(pairs, compression="c23"):
    yield from (f"original_sequences/youtube/{compression}/videos/{number}.mp4" for pair in pairs for number in pair)
    for method in YOUTUBE_METHODS:
        for one, two in pairs:
            yield f"manipulated_sequences/{method}/{compression}/videos/{one}_{two}.mp4"
            yield f"manipulated_sequences/{method}/{compression}/videos/{two}_{one}.mp4"


def actors_names(compression="c23"):
    actors = [f"{number:02d}" for number in range(1, 29)]
    originals = [f"{actor}__{scene}" for scene in SCENES for actor in actors]
    swaps = [f"{one}_{two}__{scene}__HASH0000" for scene in SCENES for one in actors for two in actors if one != two]
    random.Random(0).shuffle(swaps)
    yield from (f"original_sequences/actors/{compression}/videos/{name}.mp4" for name in originals[:363])
    yield from (f"manipulated_sequences/DeepFakeDetection/{compression}/videos/{name}.mp4" for name in swaps[:3068])


def write_splits(folder: Path, pairs, cuts=(360, 430)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"train": pairs[: cuts[0]], "val": pairs[cuts[0] : cuts[1]], "test": pairs[cuts[1] :]}
    for name, part in parts.items():
        (folder / f"{name}.json").write_text(json.dumps(part))
    return folder


@pytest.fixture(scope="module")
def official(tmp_path_factory, lay, pairs):
    """The whole official tree: 9,431 files."""
    root = lay(tmp_path_factory.mktemp("ffpp") / "FaceForensics++", official_names(pairs))
    lay(root, actors_names())
    write_splits(root / "splits", pairs)
    return root


@pytest.fixture
def small(tmp_path, lay, pairs):
    """Four pairs of the official tree, without DeepFakeDetection."""
    return lay(tmp_path / "FaceForensics++", official_names(pairs[:4]))


def test_the_official_tree(official, index):
    videos = index("ffpp", official)
    assert Counter(video.method for video in videos) == PUBLISHED
    assert {(video.label, video.method == "real") for video in videos} == {(0, True), (1, False)}
    assert all(video.path.is_file() for video in videos)
    assert len({video.video_id for video in videos}) == len(videos)


def test_people_are_those_of_the_names_footage_first(official, index, pairs):
    one, two = pairs[0]
    found = {video.video_id: video.identities for video in index("ffpp", official)}
    assert found[f"ffpp__real__{one}"] == (f"FF_person_{one}",)
    assert found[f"ffpp__FaceSwap__{one}_{two}"] == (f"FF_person_{one}", f"FF_person_{two}")
    assert found[f"ffpp__FaceSwap__{two}_{one}"] == (f"FF_person_{two}", f"FF_person_{one}")
    assert found["ffpp__real__01__scene_a"] == ("DFD_person_01",)
    swaps = [people for video_id, people in found.items() if "DeepFakeDetection" in video_id]
    assert {len(people) for people in swaps} == {2}
    assert {person for people in swaps for person in people} == {f"DFD_person_{n:02d}" for n in range(1, 29)}


def test_a_thousand_people_of_youtube_form_five_hundred_components_and_the_actors_one(official, index):
    videos = index("ffpp", official)
    youtube = [video for video in videos if video.identities[0].startswith("FF_")]
    assert len(set(components(youtube))) == 500
    assert len(set(components(videos))) == 501


def test_official_splits(official, index, pairs):
    videos = index("ffpp", official)
    youtube = [video for video in videos if video.identities[0].startswith("FF_")]
    assert Counter(video.split for video in youtube) == {"train": 6 * 720, "val": 6 * 140, "test": 6 * 140}
    assert {video.split for video in videos if video.identities[0].startswith("DFD_")} == {None}
    last = pairs[-1][0]
    assert {video.split for video in youtube if f"FF_person_{last}" in video.identities} == {"test"}


def test_the_published_splits(small, index, shared, lay, tmp_path):
    pairs = [
        pair
        for name in ("train", "val", "test")
        for pair in json.loads((shared / f"ffpp_splits/{name}.json").read_text())
    ]
    root = lay(tmp_path / "whole", official_names(pairs))
    videos = index("ffpp", root, f"splits={shared / 'ffpp_splits'}")
    assert Counter(video.split for video in videos) == {"train": 6 * 720, "val": 6 * 140, "test": 6 * 140}
    assert len(set(components(videos))) == 500


def test_purged_folds_share_nobody(official, index):
    listed = make_index(index("ffpp", official, "sample=paper"), "ffpp")
    folds = draw(listed)
    certificate = certify(listed, folds, [plan(listed, folds, k) for k in range(folds.count)], seed=42)
    assert certificate.clean
    assert [fold["shared_identities"] for fold in certificate.content["folds"]] == [0] * 5


def test_the_published_sample_takes_two_hundred_of_each_subset(official, index):
    videos = index("ffpp", official, "sample=paper")
    assert Counter(video.method for video in videos) == dict.fromkeys(PUBLISHED, 200)
    assert all(video.identities[0].startswith("FF_") for video in videos if video.label == 0)


def test_a_sample_is_seeded_stable_and_nested(small, index, lay, pairs):
    def ids(overrides="", **limits):
        return {video.video_id for video in index("ffpp", small, overrides, **limits)}

    few, more = ids(real=3, FaceSwap=3), ids(real=6, FaceSwap=6)
    assert few < more < ids()
    assert ids("seed=1", real=3) != ids(real=3)
    lay(small, [f"original_sequences/youtube/c23/videos/{pairs[9][0]}.mp4"])
    assert len(ids(real=3, FaceSwap=3) - few) <= 1
    drawn = sorted(video_id for video_id in more if "real" in video_id)
    assert drawn != sorted(video_id for video_id in ids() if "real" in video_id)[:6], (
        "not just the first of the alphabet"
    )


def test_the_flat_copy(tmp_path, lay, index, pairs, caplog):
    one, two = pairs[0]
    root = lay(
        tmp_path / "FaceForensics++_C23",
        [
            f"original/{one}.mp4",
            f"original/{two}.mp4",
            f"Deepfakes/{one}_{two}.mp4",
            "DeepFakeDetection/13_02__walking_down_indoor_hall_disgust__AROBAY8R.mp4",
            "csv/Deepfakes.csv",
        ],
    )
    with caplog.at_level(logging.WARNING):
        found = {video.video_id: (video.label, video.identities) for video in index("ffpp", root)}
    assert found == {
        f"ffpp__real__{one}": (0, (f"FF_person_{one}",)),
        f"ffpp__real__{two}": (0, (f"FF_person_{two}",)),
        f"ffpp__Deepfakes__{one}_{two}": (1, (f"FF_person_{one}", f"FF_person_{two}")),
        "ffpp__DeepFakeDetection__13_02__walking_down_indoor_hall_disgust__AROBAY8R": (
            1,
            ("DFD_person_13", "DFD_person_02"),
        ),
    }
    assert "not there: Face2Face, FaceSwap, NeuralTextures, FaceShifter" in caplog.text
    assert "Deepfakes 1 of 1,000" in caplog.text
    with pytest.raises(UsageError, match="flat copy, whose videos have compression c23, not c40"):
        index("ffpp", root, "compression=c40")


def test_names_of_the_published_index_are_all_read(tmp_path, lay, index, shared):
    """The four-stream system's own index of the flat copy."""
    with (shared / "fourstream_csvs/rppg_master_dataset_index.csv").open(newline="") as file:
        names = [row["path"].partition("FaceForensics++_C23/")[2] for row in csv.DictReader(file)]
    names = [name for name in names if name]
    videos = index("ffpp", lay(tmp_path, names))
    assert len(videos) == len(names) > 700
    assert {len(video.identities) for video in videos if video.label} == {2}


def test_a_compression_that_is_not_there_is_refused_with_those_that_are(small, index):
    with pytest.raises(UsageError, match=r"compression 'raw': youtube has c23; Deepfakes has c23") as error:
        index("ffpp", small, "compression=raw")
    assert "compression=c23" in error.value.hint


def test_a_subset_without_the_compression_is_left_out_aloud(small, index, lay, pairs, caplog):
    lay(small, official_names(pairs[:2], "c40"))
    only_c23 = small / "manipulated_sequences/FaceSwap/c40"
    for path in (only_c23 / "videos").iterdir():
        path.unlink()
    (only_c23 / "videos").rmdir()
    with caplog.at_level(logging.WARNING):
        videos = index("ffpp", small, "compression=c40")
    expected = {method: 4 for method in ("real", *YOUTUBE_METHODS) if method != "FaceSwap"}
    assert Counter(video.method for video in videos) == expected
    assert "left out for want of compression c40: FaceSwap has c23" in caplog.text


@pytest.mark.parametrize(
    ("below", "hint"),
    [
        ("..", "one folder further down: give {root}"),
        ("original_sequences", "inside the data set: give {root}"),
        ("manipulated_sequences", "inside the data set: give {root}"),
        ("manipulated_sequences/Deepfakes/c23/videos", "inside the data set: give {root}"),
    ],
)
def test_a_root_beside_the_right_one(small, index, below, hint):
    with pytest.raises(UsageError, match="expected original_sequences/ and manipulated_sequences/") as error:
        index("ffpp", small / below)
    assert hint.format(root=small) in error.value.hint


def test_a_root_without_the_data_set_says_what_is_there(tmp_path, lay, index):
    root = lay(tmp_path / "other", ["movies/a.mp4", "notes.txt"])
    with pytest.raises(UsageError, match=r"found movies/, notes.txt"):
        index("ffpp", root)
    with pytest.raises(UsageError, match="Not a directory"):
        index("ffpp", root / "notes.txt")


def test_an_almost_right_folder_is_named(small, index):
    (small / "manipulated_sequences/FaceSwap").rename(small / "manipulated_sequences/FaceSwaps")
    with pytest.raises(UsageError, match="no folder 'FaceSwap', but one named 'FaceSwaps'"):
        index("ffpp", small)


def test_names_that_tell_nobody_are_refused(small, index, lay):
    lay(small, ["manipulated_sequences/Deepfakes/c23/videos/holiday.mp4"])
    with pytest.raises(InvalidTable, match=r"expected names like 033_097.mp4; found holiday.mp4"):
        index("ffpp", small)


def test_splits_that_part_two_people_of_a_video_are_refused(small, index, pairs):
    torn = [[pairs[0][0], pairs[1][0]], [pairs[0][1], pairs[1][1]], *pairs[2:]]
    write_splits(small / "splits", torn, (1, 2))
    with pytest.raises(InvalidTable, match=r"Deepfakes: the two people of .* are in different splits"):
        index("ffpp", small)


def test_videos_outside_all_splits_get_none_aloud(small, index, pairs, caplog):
    write_splits(small / "splits", pairs[:3], (1, 2))
    with caplog.at_level(logging.WARNING):
        videos = index("ffpp", small)
    assert Counter(video.split for video in videos) == dict.fromkeys(["train", "val", "test", None], 12)
    assert "Deepfakes: in no split" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("val.json", "[[", "val.json: can't be read as JSON"),
        ("val.json", '{"a": 1}', "val.json: expected a JSON list"),
        ("val.json", '[["33", "097"]]', "found 33"),
        ("val.json", '["033"]', "033 is in train.json and in val.json"),
        ("val.json", None, "lacks val.json"),
        ("train.json", None, "lacks train.json"),
    ],
)
def test_broken_splits(small, index, tmp_path, name, content, says):
    folder = write_splits(tmp_path / "splits", [["033", "097"], ["001", "002"], ["003", "004"]], (1, 2))
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises((InvalidTable, UsageError), match=says):
        index("ffpp", small, f"splits={folder}")

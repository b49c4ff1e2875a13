"""Every public data set keeps the contract, on a small tree of empty files named as its own."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from deepfake_core.plugins import installed
from deepfake_core.testing import DatasetConformance


class _Tree(DatasetConformance):
    """A data set on a tree of its own."""

    files: Iterable[str] = ()
    said: tuple[str, object] | None = None

    @pytest.fixture(scope="class")
    @classmethod
    def root(cls, tmp_path_factory, lay):
        root = lay(tmp_path_factory.mktemp("tree") / "root", cls.files)
        if cls.said:
            name, content = cls.said
            (root / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return root


class TestFaceForensics(_Tree):
    name = "ffpp"
    files = (
        *(f"original_sequences/youtube/c23/videos/{number}.mp4" for number in ("000", "003", "001", "870")),
        *(f"manipulated_sequences/Deepfakes/c23/videos/{swap}.mp4" for swap in ("000_003", "003_000", "001_870")),
        *(f"manipulated_sequences/Face2Face/c23/videos/{swap}.mp4" for swap in ("000_003", "870_001")),
    )


class TestCelebDf(_Tree):
    name = "celebdf"
    overrides = "version=v2"
    files = (
        "Celeb-real/id3_0003.mp4",
        "Celeb-real/id28_0000.mp4",
        "YouTube-real/00012.mp4",
        "Celeb-synthesis/id3_id28_0003.mp4",
        "Celeb-synthesis/id28_id3_0000.mp4",
    )
    said = ("List_of_testing_videos.txt", "1 Celeb-real/id3_0003.mp4\n0 Celeb-synthesis/id28_id3_0000.mp4\n")


class TestDfdc(_Tree):
    name = "dfdc"
    files = ("a.mp4", "b.mp4", "c.mp4", "d.mp4")
    said = (
        "metadata.json",
        {
            "a.mp4": {"label": "REAL", "split": "train"},
            "b.mp4": {"label": "REAL", "split": "train"},
            "c.mp4": {"label": "FAKE", "split": "train", "original": "a.mp4"},
            "d.mp4": {"label": "FAKE", "split": "train", "original": "b.mp4"},
        },
    )


class TestDfdcPreview(_Tree):
    name = "dfdc_preview"
    said = (
        "dataset.json",
        {
            "original_videos/1/1_A_001.mp4": {"label": "real", "set": "train", "target_id": 1},
            "original_videos/2/2_A_001.mp4": {"label": "real", "set": "test", "target_id": 2},
            "method_A/1/1_A/2_1_A_001.mp4": {"label": "fake", "set": "train", "target_id": 1, "swapped_id": 2},
            "method_A/2/2_A/1_2_A_001.mp4": {"label": "fake", "set": "test", "target_id": 2, "swapped_id": 1},
        },
    )
    files = tuple(said[1])


class TestCustom(_Tree):
    name = "custom"
    overrides = r"identity=(\d+)(?:_(\d+))?"
    files = (
        "real_videos/033.mp4",
        "real_videos/097.MOV",
        "deepfake_videos/033_097.mp4",
        "deepfake_videos/097_033.avi",
    )


class TestFolder(_Tree):
    name = "folder"
    overrides = r"identity=(\d+)(?:_(\d+))?"
    files = ("real/001.mp4", "real/002.mp4", "fake/swap/001_002.mp4", "fake/swap/002_001.mp4")


def test_every_data_set_of_the_distribution_is_here():
    ours = {each.name for each in installed("datasets") if each.distribution == "deepfake-public-datasets"}
    assert ours == {kind.name for kind in _Tree.__subclasses__()} - {"folder"}

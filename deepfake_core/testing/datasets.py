"""What every data set must pass.

Inherit, name the data set, and give it a folder as it would find one; the files may be empty unless it opens them::

    class TestMyDataset(DatasetConformance):
        name = "my_dataset"

        @pytest.fixture(scope="class")
        @classmethod
        def root(cls, tmp_path_factory):
            return lay_out_some_files(tmp_path_factory.mktemp("root"))
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from deepfake_core.contract.errors import DeepfakeError, HookFailed
from deepfake_core.contract.promises import check_records
from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.contract.settings import Settings
from deepfake_core.data.index import make_index, read_index, write_index
from deepfake_core.plugins import Dataset, load_dataset
from deepfake_core.testing import alone as process
from deepfake_core.testing.alone import Lived
from deepfake_core.testing.plugin import PluginConformance


class DatasetConformance(PluginConformance):
    """Checks of the contract of data sets.

    Attributes:
        name: entry-point name of the data set.
        overrides: settings that the folder needs.
    """

    kind = "dataset"

    @pytest.fixture(scope="class")
    @classmethod
    def root(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder with videos. To be overridden, unless the data set makes its videos itself."""
        if not load_dataset(cls.name).info.self_made:
            raise NotImplementedError("override the fixture `root`")
        return tmp_path_factory.mktemp("root")

    @pytest.fixture(scope="class")
    @classmethod
    def dataset(cls) -> Dataset:
        """The loaded data set."""
        return load_dataset(cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def before(cls, dataset: Dataset, root: Path) -> dict[str, tuple[int, int]] | None:
        """The folder before it was looked at; None where the data set fills it."""
        return None if dataset.info.self_made else _state(root)

    @pytest.fixture(scope="class")
    @classmethod
    def videos(
        cls, dataset: Dataset, settings: Settings, root: Path, before: dict[str, tuple[int, int]] | None
    ) -> Sequence[VideoRecord]:
        """What it lists."""
        return dataset.index(root, {}, settings)

    @pytest.fixture(scope="class")
    @classmethod
    def alone(cls, videos: Sequence[VideoRecord], root: Path, tmp_path_factory: pytest.TempPathFactory) -> Lived:
        """The folder, listed in a process of its own."""
        allowed = [root] if load_dataset(cls.name).info.self_made else []
        return process.call(
            listed, cls.name, cls.overrides, root, folder=tmp_path_factory.mktemp("alone"), allowed=allowed
        )

    def test_records_keep_the_contract(self, videos: Sequence[VideoRecord]) -> None:
        """Each video has an id of its own, a label, a method, people and an absolute path; and there are some."""
        assert videos
        check_records(self.name, videos)

    def test_no_real_video_is_forged(self, videos: Sequence[VideoRecord]) -> None:
        """No method is that of real and of fake videos, or folds by method would be told by it."""
        methods = {label: {video.method for video in videos if video.label == label} for label in (REAL, FAKE)}
        assert methods[REAL] & methods[FAKE] == set()

    def test_some_file_is_there(self, videos: Sequence[VideoRecord]) -> None:
        """Paths lead to files, below the folder that was given."""
        assert any(video.path.is_file() for video in videos)

    def test_no_file_is_listed_twice(self, videos: Sequence[VideoRecord]) -> None:
        """One file, one video: it would stand on both sides of a fold."""
        assert [path for path, count in Counter(video.path for video in videos).items() if count > 1] == []

    def test_it_lists_the_same_again(
        self, dataset: Dataset, settings: Settings, root: Path, videos: Sequence[VideoRecord], alone: Lived
    ) -> None:
        """In the same order; in another process, too."""
        assert dataset.index(root, {}, settings) == tuple(videos)
        assert alone.value == tuple(videos)

    def test_a_relative_folder_is_as_good(
        self,
        dataset: Dataset,
        settings: Settings,
        root: Path,
        videos: Sequence[VideoRecord],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """``deepfake index my_dataset=videos`` lists what the whole path does."""
        monkeypatch.chdir(root.resolve().parent)
        assert dataset.index(Path(root.resolve().name), {}, settings) == dataset.index(root.resolve(), {}, settings)

    def test_limits_cap_a_method(
        self, dataset: Dataset, settings: Settings, root: Path, videos: Sequence[VideoRecord]
    ) -> None:
        """As many videos of it as asked for, of those that were there without limits; 0 takes none."""
        counts = Counter(video.method for video in videos)
        method = max(sorted(counts), key=lambda name: counts[name])
        ids = {video.video_id for video in videos}
        for most in (0, 1):
            found = dataset.index(root, {method: most}, settings)
            assert Counter(video.method for video in found)[method] == most
            assert {video.video_id for video in found} <= ids

    def test_an_index_is_written_and_read(self, videos: Sequence[VideoRecord], tmp_path: Path) -> None:
        """A master index holds what was listed."""
        index = make_index(videos, self.name)
        write_index(index, tmp_path / "index.csv")
        assert read_index(tmp_path / "index.csv").digest == index.digest

    def test_an_empty_folder_is_no_crash(self, dataset: Dataset, settings: Settings, tmp_path: Path) -> None:
        """It lists nothing, or raises a ``UsageError`` that says what it expects."""
        if dataset.info.self_made:
            pytest.skip("it makes its videos itself")
        try:
            assert dataset.index(tmp_path, {}, settings) == ()
        except HookFailed:
            raise
        except DeepfakeError as error:
            assert error.hint

    def test_the_folder_stays_as_it_is(
        self, before: dict[str, tuple[int, int]] | None, root: Path, videos: Sequence[VideoRecord], alone: Lived
    ) -> None:
        """A data set is read only, unless it makes its videos itself."""
        if before is None:
            pytest.skip("it makes its videos itself")
        assert _state(root) == before


def listed(name: str, overrides: str, root: Path) -> tuple[VideoRecord, ...]:
    """What a data set lists."""
    dataset = load_dataset(name)
    return dataset.index(root, {}, dataset.settings(overrides))


def _state(root: Path) -> dict[str, tuple[int, int]]:
    paths = [Path(place, name) for place, _, names in os.walk(root) for name in names]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}

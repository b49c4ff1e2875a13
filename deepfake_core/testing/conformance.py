"""The pytest plugin behind the conformance kit: fixtures that its checks take, and failures that a plugin expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfake_core.data.store import Store


@pytest.fixture(scope="class")
def conformance_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An empty store that the checks of one class share, so that clips are extracted once."""
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def not_a_video(tmp_path: Path) -> Path:
    """A text file with the suffix of a video."""
    path = tmp_path / "not_a_video.mp4"
    path.write_text("this is no video\n")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the checks that a class names in ``expected_failures``: they must fail, and the reason is shown."""
    for item in items:
        cls = getattr(item, "cls", None)
        expected = getattr(cls, "expected_failures", None)
        if not isinstance(expected, dict):
            continue
        unknown = sorted(name for name in expected if not hasattr(cls, name))
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: expected_failures names no check: {', '.join(unknown)}")
        name = getattr(item, "originalname", item.name)
        if name in expected:
            item.add_marker(pytest.mark.xfail(reason=expected[name], strict=True))

"""What callers name or send is examined only where the operator allows it, and leaves nothing behind."""

from __future__ import annotations

import base64
import os
import socket
import stat
from pathlib import Path

import pytest

from deepfake_core.contract.errors import UsageError, VideoMissing
from deepfake_core.detector.intake import (
    DEFAULT_LIMIT_BYTES,
    Roots,
    VideoRefused,
    admit,
    limit_from_environment,
    spooled,
)

EVERYWHERE = Roots((Path("/"),))


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder that may be looked into, beside one that may not."""
    for name in ("inside", "inside/deep", "inside-not", "outside"):
        (tmp_path / name).mkdir()
    for name in ("inside/a.mp4", "inside/deep/b.mp4", "inside-not/c.mp4", "outside/d.mp4"):
        (tmp_path / name).write_bytes(b"video")
    return tmp_path / "inside"


@pytest.fixture
def roots(inside: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    monkeypatch.setenv("DEEPFAKE_VIDEO_ROOTS", str(inside))
    return Roots.from_environment()


def refusal(text: str, roots: Roots) -> str:
    with pytest.raises(VideoRefused) as refused:
        admit(text, roots)
    assert refused.value.status == "refused"
    return refused.value.detail


# ---- paths


def test_a_file_inside_is_admitted_by_its_resolved_path(
    inside: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inside / "link.mp4").symlink_to(inside / "deep" / "b.mp4")
    monkeypatch.chdir(inside)
    for text in (f"{inside}/deep/b.mp4", f"{inside}/deep/../deep//b.mp4", f"{inside}/link.mp4", "deep/b.mp4"):
        assert admit(text, roots) == (inside / "deep" / "b.mp4").resolve()


def test_a_root_may_itself_be_a_link(inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "alias").symlink_to(inside)
    monkeypatch.setenv("DEEPFAKE_VIDEO_ROOTS", str(tmp_path / "alias"))
    assert admit(f"{tmp_path}/alias/a.mp4", Roots.from_environment()) == (inside / "a.mp4").resolve()


@pytest.mark.parametrize(
    "text", ["http://host/a.mp4", "HTTPS://host/a", "s3://bucket/a", "file:///etc/passwd", "File:/etc/passwd"]
)
def test_urls_are_refused_everywhere(text: str, roots: Roots) -> None:
    assert "URL" in refusal(text, roots) and "URL" in refusal(text, EVERYWHERE)


@pytest.mark.parametrize(
    "text", ["", "a\0.mp4", "x" * 256, "ä" * 128, "x/" * 2049, "\ud800.mp4"], ids=lambda text: repr(text[:9])
)
def test_what_is_no_path_is_refused(text: str, inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside)
    assert "possible" in refusal(text, EVERYWHERE)


def test_the_longest_names_are_still_possible(inside: Path, roots: Roots) -> None:
    (inside / ("x" * 255)).write_bytes(b"video")
    assert admit(f"{inside}/{'x' * 255}", roots).name == "x" * 255


def test_nothing_outside_is_looked_at_and_nothing_tells_whether_it_exists(
    inside: Path, roots: Roots, tmp_path: Path
) -> None:
    (inside / "to_file").symlink_to(tmp_path / "outside" / "d.mp4")
    (inside / "to_nothing").symlink_to(tmp_path / "outside" / "none.mp4")
    (inside / "to_folder").symlink_to(tmp_path / "outside")
    (tmp_path / "outside" / "circle").symlink_to(tmp_path / "outside" / "circle")
    there = [
        f"{tmp_path}/outside/d.mp4",
        f"{tmp_path}/inside-not/c.mp4",
        f"{tmp_path}/outside",
        f"{tmp_path}/outside/circle",
        f"{inside}/../outside/d.mp4",
        f"{inside}/to_file",
        f"{inside}/to_folder/d.mp4",
        "/dev/zero",
        "/",
    ]
    not_there = [f"{tmp_path}/outside/none.mp4", f"{inside}/to_nothing", f"{inside}/to_folder/none", "/none/such"]
    assert len({refusal(text, roots) for text in there + not_there}) == 1


def test_a_missing_file_inside_is_told(inside: Path, roots: Roots) -> None:
    (inside / "dangling").symlink_to(inside / "none.mp4")
    for text in (f"{inside}/none.mp4", f"{inside}/a.mp4/none", f"{inside}/dangling"):
        with pytest.raises(VideoMissing, match=r"No such file|Not a directory"):
            admit(text, roots)


def test_only_regular_files_are_admitted(inside: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(inside / "fifo")
    monkeypatch.chdir(inside)  # the name of a socket may have 108 bytes at most
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for name in ("deep", "fifo", "socket", "."):
            assert "regular" in refusal(str(inside / name), roots)
    assert "regular" in refusal("/dev/null", EVERYWHERE)


def test_without_roots_no_file_is_admitted(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", ":"):
        monkeypatch.delenv("DEEPFAKE_VIDEO_ROOTS", raising=False)
        if value is not None:
            monkeypatch.setenv("DEEPFAKE_VIDEO_ROOTS", value)
        refusal(f"{inside}/a.mp4", Roots.from_environment())


def test_the_root_of_all_admits_every_file(inside: Path) -> None:
    assert admit(f"{inside}/a.mp4", EVERYWHERE) == (inside / "a.mp4").resolve()
    with pytest.raises(VideoMissing):
        admit(f"{inside}/none.mp4", EVERYWHERE)


def test_several_roots(inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_VIDEO_ROOTS", os.pathsep.join([str(inside), str(tmp_path / "outside")]))
    roots = Roots.from_environment()
    assert {admit(f"{tmp_path}/{name}", roots).name for name in ("inside/a.mp4", "outside/d.mp4")} == {"a.mp4", "d.mp4"}
    refusal(f"{tmp_path}/inside-not/c.mp4", roots)


@pytest.mark.parametrize("name", ["none", "inside/a.mp4", "relative"])
def test_a_root_that_is_no_folder_is_a_mistake_of_the_operator(
    inside: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inside)
    (inside / "relative").mkdir()
    value = name if name == "relative" else str(inside.parent / name)
    monkeypatch.setenv("DEEPFAKE_VIDEO_ROOTS", value)
    with pytest.raises(UsageError, match="DEEPFAKE_VIDEO_ROOTS"):
        Roots.from_environment()


# ---- sent content


# The last sizes lie around the end of a slice that is decoded by itself: 2^20 characters.
@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000, 3 * 2**18 - 1, 3 * 2**18, 3 * 2**18 + 1])
def test_content_becomes_a_private_file_that_goes_away(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    for video in (content, base64.b64encode(content).decode()):
        with spooled(video, folder=tmp_path, limit_bytes=size) as path:
            assert path.read_bytes() == content
            assert path.parent == tmp_path
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7])
def test_one_byte_too_many_is_refused(tmp_path: Path, size: int) -> None:
    for video in (bytes(size), base64.b64encode(bytes(size)).decode()):
        with pytest.raises(VideoRefused, match=f"{size} bytes"), spooled(video, folder=tmp_path, limit_bytes=size - 1):
            pass
    assert not list(tmp_path.iterdir())


def test_the_size_is_checked_before_anything_is_decoded_or_written(tmp_path: Path) -> None:
    with (
        pytest.raises(VideoRefused, match="at most 99"),
        spooled("!" * 1000, folder=tmp_path / "none", limit_bytes=99),
    ):
        pass


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AAA",
        "AAAA\n",
        "AA\nA",
        "AA A",
        "AA-_",
        "AAA\u00e4",
        "\ud800AAA",
        "A===",
        "====",
        "AA==AAAA",
        "A" * (2**20 - 2) + "==" + "AAAA",
        "A" * 2**20 + "AA!A",
        "data:video/mp4;base64,AAA=",
    ],
    ids=lambda text: repr(text[-9:]),
)
def test_what_is_not_base64_is_refused_and_leaves_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(VideoRefused, match="base64"), spooled(text, folder=tmp_path, limit_bytes=10**7):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("nothing", ["", b""])
def test_no_content_is_refused(tmp_path: Path, nothing: str | bytes) -> None:
    with pytest.raises(VideoRefused, match="no content"), spooled(nothing, folder=tmp_path, limit_bytes=10):
        pass


def test_the_file_goes_away_when_its_examination_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), spooled(b"video", folder=tmp_path, limit_bytes=10) as path:
        assert path.exists()
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_the_limit_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPFAKE_MAX_VIDEO_BYTES", raising=False)
    assert limit_from_environment() == DEFAULT_LIMIT_BYTES == 200_000_000
    monkeypatch.setenv("DEEPFAKE_MAX_VIDEO_BYTES", "1234")
    assert limit_from_environment() == 1234


@pytest.mark.parametrize("text", ["0", "-1", "200MB", "1e8", " ", "9" * 30])
def test_a_limit_that_is_no_number_is_a_mistake_of_the_operator(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_MAX_VIDEO_BYTES", text)
    with pytest.raises(UsageError, match="DEEPFAKE_MAX_VIDEO_BYTES"):
        limit_from_environment()

"""The store computes once, survives kill -9 at any moment, and never shows half an entry."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from pydantic import Field

from deepfake_core import Settings, Store, VideoContentChanged, VideoMissing, VideoNoFace, VideoRecord

SLOW_MAKER = """
import sys, time
from pathlib import Path
from deepfake_core.data.store import Store
def make(folder):
    (folder / "first").write_text("1")
    print("started", flush=True)
    time.sleep(float(sys.argv[2]))
    (folder / "second").write_text("2")
    return {"made_by": sys.argv[3]}
entry = Store(Path(sys.argv[1])).entry("kind", {"a": 1}, make)
print(entry.facts["made_by"], flush=True)
"""


class Margin(Settings):
    """One setting."""

    margin: float = Field(0.4, description="border")


def write(folder, text="x"):
    (folder / "file").write_text(text)
    return {"text": text}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_made_once_and_kept(store):
    calls = []
    for _ in range(3):
        entry = store.entry("kind", {"a": 1}, lambda folder: calls.append(1) or write(folder))
    assert calls == [1]
    assert (entry.path / "file").read_text() == "x"
    assert entry.facts == {"text": "x"}


def test_another_key_is_another_entry(store):
    one = store.entry("kind", {"a": 1}, write)
    assert store.entry("kind", {"a": 2}, write).path != one.path
    assert store.entry("other", {"a": 1}, write).path != one.path


def test_failed_make_leaves_no_entry_and_may_resume(store):
    def broken(folder):
        (folder / "half").write_text("h")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        store.entry("kind", {"a": 1}, broken)
    seen = []
    store.entry("kind", {"a": 1}, lambda f: seen.extend(p.name for p in f.iterdir()) or {}, resume=True)
    assert seen == ["half"]

    with pytest.raises(RuntimeError):
        store.entry("kind", {"a": 2}, broken)
    seen.clear()
    store.entry("kind", {"a": 2}, lambda f: seen.extend(p.name for p in f.iterdir()) or {})
    assert seen == []


def test_damaged_entry_is_made_again(store, caplog):
    entry = store.entry("kind", {"a": 1}, write)
    (entry.path / "file").write_text("longer than before")
    again = store.entry("kind", {"a": 1}, write)
    assert (again.path / "file").read_text() == "x"
    assert "damaged" in caplog.text
    (again.path / "entry.json").write_text("{")
    assert store.entry("kind", {"a": 1}, write).facts == {"text": "x"}


def test_forgotten_entry_is_made_again(store):
    store.entry("kind", {"a": 1}, write)
    store.forget("kind", {"a": 1})
    assert store.entry("kind", {"a": 1}, lambda f: write(f, "new")).facts == {"text": "new"}


def test_kill_9_leaves_no_half_entry(store, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_MAKER, str(store.root), "60", "killed"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "started\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    begun = time.monotonic()
    entry = store.entry("kind", {"a": 1}, write)
    assert time.monotonic() - begun < 5, "the dead process's lock must not block"
    assert sorted(path.name for path in entry.path.iterdir()) == ["entry.json", "file"]


def test_two_processes_make_it_once(store):
    command = [sys.executable, "-c", SLOW_MAKER, str(store.root), "1.0"]
    both = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("one", "two")]
    said = "".join(process.communicate(timeout=60)[0] for process in both).split()
    assert said.count("started") == 1
    makers = [word for word in said if word != "started"]
    assert len(makers) == 2
    assert len(set(makers)) == 1


def test_video_entry_follows_content_and_settings(store, tmp_path):
    one, copy = tmp_path / "one.mp4", tmp_path / "copy.mp4"
    one.write_bytes(b"abc")
    copy.write_bytes(b"abc")

    def entry(path, settings=None, version=1):
        return store.video_entry(
            VideoRecord("v", path), extractor="e", version=version, settings=settings or Margin(), make=write
        ).path

    assert entry(one) == entry(copy)
    assert entry(one, Margin(margin=0.5)) != entry(one)
    assert entry(one, version=2) != entry(one)
    before = entry(one)
    one.write_bytes(b"abcd")
    assert entry(one) != before


def test_unusable_video_is_remembered(store, tmp_path):
    path = tmp_path / "v.mp4"
    path.write_bytes(b"abc")
    calls = []

    def make(folder):
        calls.append(1)
        raise VideoNoFace("0 of 9 frames")

    for _ in range(2):
        with pytest.raises(VideoNoFace, match="0 of 9"):
            store.video_entry(VideoRecord("v", path), extractor="e", version=1, settings=Margin(), make=make)
    assert calls == [1]


def test_missing_and_changed_files(store, tmp_path):
    path = tmp_path / "v.mp4"
    with pytest.raises(VideoMissing):
        store.content_digest(VideoRecord("v", path))
    path.write_bytes(b"abc")
    right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, "abc"
    assert store.content_digest(VideoRecord("v", path, sha256=right)) == right
    with pytest.raises(VideoContentChanged):
        store.content_digest(VideoRecord("v", path, sha256="0" * 64))

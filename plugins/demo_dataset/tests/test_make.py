"""Is the set made once, whole, and again only where it must be?"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from deepfake_demo_dataset.clips import METHODS, REAL_METHOD, cast
from deepfake_demo_dataset.make import MANIFEST, TRUTH, make, path_of
from deepfake_demo_dataset.people import DEMO
from deepfake_demo_dataset.plugin import demo

ONE_REAL = {**dict.fromkeys(METHODS, 0), REAL_METHOD: 1}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of one clip."""
    root = tmp_path_factory.mktemp("demo")
    make(root, DEMO, ONE_REAL)
    return root


def decoded(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_records_describe_files_that_are_there(root: Path) -> None:
    (record,) = demo.index_dataset(root, ONE_REAL)
    assert (record.label, record.dataset, record.method) == (0, DEMO, REAL_METHOD)
    assert record.video_id.startswith("demo__real__")
    assert decoded(record.path) == len(cast(DEMO, ONE_REAL)[0].take.times)


def test_truth_stands_beside_the_videos(root: Path) -> None:
    with (root / TRUTH).open(newline="") as file:
        rows = {row["video_id"]: row for row in csv.DictReader(file)}
    clip = cast(DEMO, ONE_REAL)[0]
    assert float(rows[clip.video_id]["bpm"]) == pytest.approx(clip.take.pulse.bpm, abs=0.01)
    assert rows[clip.video_id]["pulse"] == "own"


def test_a_killed_write_is_rendered_again(root: Path) -> None:
    path = path_of(root, cast(DEMO, ONE_REAL)[0])
    whole = path.read_bytes()
    path.unlink()
    path.with_suffix(".unfinished").write_bytes(whole[: len(whole) // 2])
    make(root, DEMO, ONE_REAL)
    assert path.read_bytes() == whole


def test_a_set_of_another_renderer_is_made_anew(root: Path) -> None:
    path = path_of(root, cast(DEMO, ONE_REAL)[0])
    whole = path.read_bytes()
    path.write_bytes(b"what an older renderer drew")
    (root / MANIFEST).write_text(json.dumps({"renderer": 0}))
    make(root, DEMO, ONE_REAL)
    assert path.read_bytes() == whole


def test_a_finished_set_is_left_alone_and_needs_nothing_heavy(root: Path) -> None:
    path = path_of(root, cast(DEMO, ONE_REAL)[0])
    before = path.stat()
    script = (
        "import sys; from pathlib import Path; from deepfake_demo_dataset.plugin import demo\n"
        f"assert len(list(demo.index_dataset(Path({str(root)!r}), {ONE_REAL!r}))) == 1\n"
        "print([name for name in ('av', 'cv2', 'joblib', 'scipy', 'skimage', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    after = path.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)

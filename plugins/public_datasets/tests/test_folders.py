"""Are folders read as people leave them: odd names, odd files, two of a kind? And is no video opened?"""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata

import pytest

from deepfake_core import InvalidTable

ONE_EACH = "one_person_per_file=true"


@pytest.fixture
def root(tmp_path, lay):
    return lay(tmp_path, ["real_videos/one.mp4", "deepfake_videos/two.mp4"])


def test_only_videos_are_listed_by_name(root, index, lay):
    odd = [
        "._one.mp4",
        ".DS_Store",
        "notes.txt",
        "half.mp4.part",
        "frames.mp4/0001.png",
        "sub/three.mp4",
        "B.MKV",
        "a b.mp4",
    ]
    lay(root, [f"real_videos/{name}" for name in odd])
    found = [video.video_id for video in index("custom", root, ONE_EACH)]
    assert found == ["custom__real__B", "custom__real__a_b", "custom__real__one", "custom__fake__two"]


def test_empty_files_and_broken_links_keep_their_row(root, index):
    (root / "real_videos/link.mp4").symlink_to(root / "gone.mp4")
    found = {video.path.name: video.path.exists() for video in index("custom", root, ONE_EACH)}
    assert found == {"one.mp4": True, "link.mp4": False, "two.mp4": True}


def test_an_accent_gives_one_id_however_the_system_writes_it(tmp_path, index, lay):
    ids = set()
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "José 美")
        root = lay(tmp_path / form, [f"real_videos/{name}.mp4", "deepfake_videos/two.mp4"])
        video = index("custom", root, ONE_EACH)[0]
        assert video.path.is_file()
        ids.add((video.video_id, video.identities))
    assert ids == {("custom__real__José_美", ("Custom_person_José_美",))}


def test_one_stem_twice_is_refused_with_both_paths(root, index, lay):
    lay(root, ["real_videos/one.avi"])
    with pytest.raises(InvalidTable, match=r"2 files are named 'one': .*one.avi, .*one.mp4"):
        index("custom", root, ONE_EACH)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text_is_refused(root, index):
    os.close(os.open(os.fsencode(root / "real_videos") + b"/\xff.mp4", os.O_CREAT))
    with pytest.raises(InvalidTable, match="isn't valid text"):
        index("custom", root, ONE_EACH)


def test_listing_opens_no_video_and_needs_nothing_heavy(root):
    script = f"""
import sys
opened = []
sys.addaudithook(lambda event, args: event == "open" and str(args[0]).endswith(".mp4") and opened.append(args[0]))
from pathlib import Path
from deepfake_public_datasets import celebdf, dfdc, dfdc_preview, ffpp
from deepfake_public_datasets.custom import CustomSettings, index_dataset
assert len(index_dataset(Path({str(root)!r}), {{}}, CustomSettings(one_person_per_file=True))) == 2
print(opened, [name for name in ("av", "cv2", "mlflow", "numpy", "pandas", "scipy", "sklearn", "torch") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"

"""What is missing, broken or the same is found, and every row stays."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.files import examine, repeated, survey, write_problems
from deepfake_core.data.index import make_index
from deepfake_core.data.store import Store


def film(path) -> None:
    """Three frames of noise."""
    import av

    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


@pytest.fixture
def index(tmp_path):
    folder = tmp_path / "vidéos"
    folder.mkdir()
    film(folder / "good.mp4")
    (folder / "copy.mp4").write_bytes((folder / "good.mp4").read_bytes())
    (folder / "empty.mp4").touch()
    (folder / "torn.mp4").write_bytes((folder / "good.mp4").read_bytes()[:200])
    (folder / "folder.mp4").mkdir()
    rows = (
        ("good", "a", 0),
        ("copy", "b", 1),
        ("empty", "a", 0),
        ("torn", "b", 1),
        ("folder", "b", 1),
        ("gone", "a", 0),
    )
    return make_index(
        [
            VideoRecord(name, folder / f"{name}.mp4", label, dataset, "swap" if label else "real", (f"p_{name}",))
            for name, dataset, label in rows
        ],
        "x",
    )


@pytest.fixture
def look(tmp_path):
    store = Store(tmp_path / "store")
    return lambda index, check, hashed=False: examine(index, check=check, hashed=hashed, store=store, workers="1")


def statuses(examined) -> dict[str, str]:
    return {problem.video.video_id: problem.status for problem in examined.problems}


def test_each_check_finds_what_it_looks_for_and_drops_nothing(index, look):
    nothing, there, decoded = look(index, "none"), look(index, "files"), look(index, "decode")
    assert statuses(nothing) == {} and not nothing.checked
    assert statuses(there) == {"empty": "decode_error", "folder": "decode_error", "gone": "missing"}
    assert statuses(decoded) == {**statuses(there), "torn": "decode_error"}
    assert {p.video.video_id: p.detail for p in there.problems}["empty"] == "0 bytes"
    for examined in (nothing, there, decoded):
        assert examined.index.videos == index.videos


def test_hashes_are_the_files_and_notice_what_is_missing(index, look):
    examined = look(index, "none", hashed=True)
    assert examined.checked
    assert statuses(examined)["gone"] == "missing"
    sha256 = {v.video_id: v.sha256 for v in examined.index.videos}
    assert sha256["good"] == hashlib.sha256(index.videos[0].path.read_bytes()).hexdigest()
    assert sha256["gone"] is None
    assert look(index, "files").index.videos[0].sha256 is None


def test_a_file_that_isn_t_the_indexed_one_is_a_problem_and_keeps_what_the_index_says(index, look):
    other = make_index([replace(index.videos[0], sha256="0" * 64)], "x")
    examined = look(other, "files", hashed=True)
    assert statuses(examined) == {"good": "content_changed"}
    assert examined.index.videos[0].sha256 == "0" * 64


def test_equal_content_is_found_across_data_sets_first_and_empty_files_are_no_copies(index, look):
    twin = replace(index.videos[0], video_id="twin")
    more = make_index([*index.videos, replace(index.videos[3], video_id="torn_again"), twin], "x")
    hashed = look(more, "none", hashed=True).index.videos
    found = [[v.video_id for v in group] for group in repeated(hashed)]
    assert found == [["good", "copy", "twin"], ["torn", "torn_again"]]
    empties = [replace(v, video_id=f"e{n}") for n, v in enumerate([hashed[2]] * 2)]
    assert empties[0].sha256 == hashlib.sha256(b"").hexdigest()
    assert repeated(empties) == []


def test_the_survey_counts_by_data_set_and_method(index, look):
    table = survey(look(index, "decode"))
    assert table.to_dict("list") == {
        "dataset": ["a", "b"],
        "method": ["real", "swap"],
        "label": ["real", "fake"],
        "found": [2, 3],
        "missing": [1, 0],
        "broken": [1, 2],
        "used": [1, 1],
        "people": [3, 3],
    }
    unknown = survey(look(index, "none"))
    assert unknown[["found", "missing", "broken"]].isna().all(axis=None)
    assert unknown["used"].tolist() == [3, 3]


def test_problems_are_written_with_where_the_file_was_looked_for(index, look, tmp_path):
    write_problems(look(index, "files").problems, tmp_path / "problems.csv")
    table = pd.read_csv(tmp_path / "problems.csv")
    assert table["video_id"].tolist() == ["empty", "folder", "gone"]
    assert table["path"][2].endswith("vidéos/gone.mp4")
    assert table["detail"][2] == "No such file or directory"

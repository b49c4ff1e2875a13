"""The index is read, checked, digested and written; every fault is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deepfake_core.contract.errors import InvalidTable, UsageError
from deepfake_core.data.index import Index, make_index, read_index, video_id, write_index
from tests.conftest import named_index

HEADER = "video_id,path,label,dataset,method,identity,identities\n"


def written(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "index.csv"
    path.write_text(header + "\n".join(lines))
    return path


def test_round_trip_with_relative_paths(tmp_path):
    index = make_index([replace(v, path=tmp_path / "clips" / f"{v.video_id}.mp4") for v in INDEX.videos], "x")
    path = tmp_path / "index.csv"
    write_index(index, path)
    assert "clips/a.mp4" in path.read_text()
    assert str(tmp_path) not in path.read_text()
    assert read_index(path).videos == index.videos
    assert read_index(path).digest == index.digest


INDEX = named_index(("a", 0, "real", "p"), ("b", 1, "swap", "p;q"))


def test_digest_ignores_paths_and_order_and_sees_the_rest():
    a, b = INDEX.videos
    assert Index((b, replace(a, path=Path("/elsewhere"))), "y").digest == INDEX.digest
    for change in ({"label": 1}, {"identities": ("q",)}, {"method": "m"}, {"sha256": "x"}, {"video_id": "c"}):
        assert Index((replace(a, **change), b), "y").digest != INDEX.digest


def test_seed_style_identities_are_read_with_the_primary_first(tmp_path):
    path = written(tmp_path, "v,x.mp4,1,ff,Deepfakes,b,a; b")
    assert read_index(path).videos[0].identities == ("b", "a")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["a,x,0,d,m,p,p", "a,y,1,d,m,q,q"], "not unique: a"),
        (["a,x,2,d,m,p,p"], "label is '2' in line 2"),
        (["a,x,fake,d,m,p,p"], "'label' holds 'fake'"),
        (["a,x,,d,m,p,p"], "'label' is empty in line 2"),
        (["a,x,0,d,m,p,p", ",y,1,d,m,q,q"], "'video_id' is empty in line 3"),
        (["a,x,0,d,m,p,"], "'identities' is empty"),
        ([], "lists no video"),
    ],
)
def test_faulty_rows_are_named(tmp_path, lines, says):
    with pytest.raises(InvalidTable, match=says):
        read_index(written(tmp_path, *lines))


def test_missing_column_file_and_non_table(tmp_path):
    with pytest.raises(InvalidTable, match="identities; it has"):
        read_index(written(tmp_path, "a,x,0,d,m,p", header=HEADER.replace(",identities", "")))
    with pytest.raises(UsageError, match="no such file"):
        read_index(tmp_path / "none.csv")
    binary = tmp_path / "b.csv"
    binary.write_bytes(bytes(range(128, 256)) * 9)
    with pytest.raises(InvalidTable, match="can't be read"):
        read_index(binary)


def test_a_name_that_no_table_can_hold_is_named(tmp_path):
    a, _ = INDEX.videos
    with pytest.raises(InvalidTable, match=r"b'clips/\\xff.mp4' isn't valid text"):
        make_index([replace(a, path=Path("clips/\udcff.mp4"))], "x")


def test_ids_are_safe():
    assert video_id("my set", "Face2Face", "a b/ü") == "my_set__Face2Face__a_b_ü"

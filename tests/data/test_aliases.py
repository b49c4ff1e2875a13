"""Names of one person become one name, also through others."""

from __future__ import annotations

import pytest

from deepfake_core.contract.errors import InvalidTable, UsageError
from deepfake_core.data import folds
from deepfake_core.data.aliases import merged, read_aliases
from tests.conftest import named_index


def table(tmp_path, text: str):
    path = tmp_path / "people.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("lines", "person"),
    [
        ("a,x\nb,x", {"a": "x", "b": "x", "x": "x"}),
        ("a,b\nb,c", {"a": "c", "b": "c", "c": "c"}),
        ("b,c\na,b", {"a": "c", "b": "c", "c": "c"}),
        ("a,y\na,x", {"a": "x", "x": "x", "y": "x"}),
        ("a,b\nb,a", {"a": "a", "b": "a"}),
        ("a,a\nb,a", {"a": "a", "b": "a"}),
        (" a , x ", {"a": "x", "x": "x"}),
    ],
)
def test_linked_names_are_one_person(tmp_path, lines, person):
    assert read_aliases(table(tmp_path, f"identity,person\n{lines}\n")) == person


def test_merged_people_never_stand_on_both_sides(tmp_path, caplog):
    index = named_index(*[(f"v{n}", n % 2, "swap" if n % 2 else "real", f"p{n // 2};q{n // 2}") for n in range(24)])
    path = table(tmp_path, "identity,person\np1,p0\nq1,p0\np5,p0\nnobody,p0\n")
    one = merged(index, read_aliases(path), path)
    assert one.videos[2].identities == ("p0",), "two names of one person in one video are one"
    assert one.videos[0].identities == ("p0", "q0")
    assert one.digest != index.digest
    drawn = folds.draw(one, count=3)
    assert len({drawn.fold[f"v{n}"] for n in (0, 1, 2, 3, 10, 11)}) == 1
    assert "in no video: nobody" in caplog.text


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("name,person\na,b\n", InvalidTable, r"lacks the column\(s\) identity; it has name, person"),
        ("identity,person\na,b\nc,\n", InvalidTable, "empty in line 3"),
        ("identity,person\na, \n", InvalidTable, "empty in line 2"),
        ("identity,person\nx,y\n", UsageError, "nobody of it is in names: x"),
    ],
)
def test_faulty_aliases_are_named(tmp_path, text, error, says):
    path = table(tmp_path, text)
    with pytest.raises(error, match=says) as caught:
        merged(named_index(("v", 0, "real", "p")), read_aliases(path), path)
    assert caught.value.hint


def test_no_such_file(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_aliases(tmp_path / "none.csv")

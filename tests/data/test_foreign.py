"""Tables of any origin are read under their own column names, and ids of two styles find each other or say why not."""

from __future__ import annotations

import math

import pytest

from deepfake_core.contract.errors import DeepfakeError, InvalidSetting, InvalidTable, UsageError
from deepfake_core.data.foreign import match, parse_columns, read_predictions, read_table


def table_at(folder, text, name="p.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("header", "scores"),
    [
        ("video_id,label,P_CNN", ("P_CNN",)),
        ("Filename,true_label,P_rPPG", ("P_rPPG",)),
        ("video_name,target,prob", ("prob",)),
        ("videoName,y_true,fakeScore", ("fakeScore",)),
        ("path,label,p", ("p",)),
    ],
)
def test_columns_are_recognised_by_name(tmp_path, header, scores):
    read = read_predictions(table_at(tmp_path, f"{header}\n033.mp4,1,0.75\n"))
    assert read.scores == scores
    assert list(read.table.columns) == ["video_id", "label", *scores]
    assert read.table.iloc[0].tolist() == ["033.mp4", 1, 0.75]


def test_several_scores_fold_and_words_as_labels(tmp_path):
    text = "video_id,label,P_a,P_b,fold,predicted_class,p_real\n007,REAL,0.1,,2,0,0.9\n008,Fake,nan,1.2,0,1,0.1\n009,,0.3,0.4,1,0,0.7\n"
    read = read_predictions(table_at(tmp_path, text))
    assert read.scores == ("P_a", "P_b")
    assert read.unused == ("predicted_class", "p_real"), "a class is no score, and P(real) would be upside down"
    assert read.table["video_id"].tolist() == ["007", "008", "009"], "ids keep their zeros"
    assert read.table["label"].tolist()[:2] == [0, 1]
    assert math.isnan(read.table["label"][2])
    assert math.isnan(read.table["P_a"][1])
    assert read.table["P_b"][1] == 1.2, "judging a score is the reader's business"
    assert read.table["fold"].tolist() == [2, 0, 1]


def test_no_label_is_missing_not_zero(tmp_path):
    read = read_predictions(table_at(tmp_path, "video_id,score\na,0.5\n"))
    assert read.table["label"].isna().all()


def test_columns_can_be_given(tmp_path):
    path = table_at(tmp_path, "name,filename,target,gt,u,v\nx,f,1,0,0.1,0.2\n")
    read = read_predictions(path, {"video_id": "name", "label": "target", "score": "u, v"})
    assert read.table.iloc[0].tolist() == ["x", 1, 0.1, 0.2]
    assert read.columns == {"video_id": "name", "label": "target", "score": "u,v"}


def test_the_index_of_anybody(tmp_path):
    read = read_table(table_at(tmp_path, "\ufefffilename,class,source\n033.mp4,x,FF\n"), needs=("video_id",))
    assert dict(read.columns) == {"video_id": "filename", "dataset": "source"}
    assert read.unused == ("class",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (b"\x00\x01\x02PK", "binary"),
        ("<!DOCTYPE html><html></html>", "HTML"),
        ('{"a": 1}', "JSON"),
        ("[1, 2]", "JSON"),
        ("video_id\na\n", "one column only"),
        ("video_id;P\na;0.5\n", "separated by ';'"),
        ("video_id,P\n", "no row"),
        ("video_id,P,P\na,0.1,0.2\n", "two columns are named P"),
        ("video_id,label\na,1\n", "no score column"),
        ("who,score\na,1\n", "no video_id column"),
        ("filename,name,score\na,b,1\n", "filename and name could each be the video_id"),
        ("video_id,label,true_label,score\na,1,1,1\n", "label and true_label could each be the label"),
        ("video_id,score\na,high\n", "column 'score' holds 'high' in line 2"),
        ("video_id,label,score\na,2,0.5\n", "column 'label' holds '2'"),
        ("video_id,fold,score\na,0.5,0.5\n", "column 'fold' holds '0.5'"),
        (b"video_id,score\n\xff\xfe\xfa,0.5\n", "can't be read as a CSV"),
    ],
)
def test_what_is_no_table_says_what_it_is_and_what_to_do(tmp_path, text, says):
    path = table_at(tmp_path, text)
    with pytest.raises(InvalidTable) as raised:
        read_predictions(path)
    assert says in str(raised.value)
    assert str(path) in raised.value.problem
    assert raised.value.hint


@pytest.mark.parametrize(
    ("columns", "says"),
    [({"video": "a"}, "no role is named video"), ({"label": "truth"}, "no column 'truth'"), ({"score": "P,q"}, "'q'")],
)
def test_wrong_columns_given(tmp_path, columns, says):
    with pytest.raises(UsageError, match=says):
        read_predictions(table_at(tmp_path, "video_id,P\na,0.5\n"), columns)


def test_no_such_file(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_predictions(tmp_path / "p.csv")


def test_columns_as_text():
    assert parse_columns(["video_id=name,score=a,b", "x.csv:label=y", "label=z"]) == {
        "": {"video_id": "name", "score": "a,b", "label": "z"},
        "x.csv": {"label": "y"},
    }
    with pytest.raises(InvalidSetting):
        parse_columns(["label"])
    assert issubclass(InvalidSetting, DeepfakeError)


def test_match_exact_before_stem():
    found = match(["a__1.mp4", "1.mp4"], ["a__1.mp4"])
    assert dict(found.pairs) == {"a__1.mp4": "a__1.mp4"}
    assert (found.exact, found.by_stem) == (1, 0)
    assert found.absent == ("1.mp4",), "the one it resembles is taken"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("033.mp4", "FF_real__033.mp4"),
        ("FF_real__033.mp4", "033.mp4"),
        ("033", "033.MP4"),
        ("real/033.mp4", "/data/ff/real/033.mp4"),
        ("04_21__outside__X.mp4", "DFD__04_21__outside__X"),
    ],
)
def test_match_by_stem(one, other):
    found = match([one, "z"], [other, "y"])
    assert dict(found.pairs) == {one: other}
    assert (found.exact, found.by_stem, found.absent) == (0, 1, ("z",))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["033.mp4"], ["FF__033.mp4", "Custom__033.mp4"]),
        (["FF__033.mp4", "Custom__033.mp4"], ["033.mp4"]),
    ],
)
def test_match_refuses_to_guess(first, second):
    found = match(first, second)
    assert not found.pairs
    assert found.ambiguous == tuple(first)


def test_match_keeps_different_prefixes_apart():
    found = match(["Deepfakes__033_097.mp4"], ["FaceSwap__033_097.mp4"])
    assert not found.pairs
    assert found.absent == ("Deepfakes__033_097.mp4",)

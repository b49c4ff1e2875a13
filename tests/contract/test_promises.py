"""What a plugin returns is checked before anything is done with it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepfake_core.contract import promises
from deepfake_core.contract.errors import HookFailed
from deepfake_core.contract.records import Extracted, FoldModel, Predictions, VideoRecord

VIDEO = VideoRecord("v", Path("v.mp4"))
CLIPS = {"a": Extracted("a", Path()), "b": Extracted("b", Path())}


@pytest.mark.parametrize(
    ("extracted", "says"),
    [
        (None, "NoneType"),
        (Extracted("w", Path()), "asked for 'v'"),
        (Extracted("v", None), "with path None"),
        (Extracted("v", Path(), "no_face"), "no_face"),
        (Extracted("v", Path("/nowhere")), "no folder"),
        (Extracted("v", Path(), quality={"x": [1]}), "list"),
    ],
)
def test_bad_extraction(extracted, says):
    with pytest.raises(HookFailed, match=says):
        promises.check_extracted("s", VIDEO, extracted)


def test_good_extraction():
    promises.check_extracted("s", VIDEO, Extracted("v", Path(), quality={"a": 1, "b": None, "c": "x", "d": True}))
    promises.check_extracted("s", VIDEO, Extracted("v", None, "no_face"))


@pytest.mark.parametrize(
    ("ids", "p", "embedding", "size", "says"),
    [
        (("a",), [0.5], None, 0, "b"),
        (("a", "a"), [0.5, 0.5], None, 0, "video_id"),
        (("a", "b"), [0.5, 1.2], None, 0, "outside"),
        (("a", "b"), [0.5, -1e-9], None, 0, "outside"),
        (("a", "b"), [[0.5], [0.5]], None, 0, "shape"),
        (("a", "b"), [0.5, 0.5], None, 4, "no embedding"),
        (("a", "b"), [0.5, 0.5], np.zeros((2, 3)), 4, r"\(2, 4\)"),
        (("a", "b"), [0.5, 0.5], np.zeros((2, 3)), 0, "announced none"),
    ],
)
def test_bad_predictions(ids, p, embedding, size, says):
    with pytest.raises(HookFailed, match=says):
        promises.check_predictions("s", CLIPS, Predictions(ids, np.array(p), embedding), size)


def test_good_predictions_may_abstain():
    promises.check_predictions("s", CLIPS, Predictions(("b", "a"), np.array([np.nan, 1.0])), 0)


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "weights.pth"])
def test_model_folder_with_pickles(tmp_path, name):
    (tmp_path / "m").mkdir()
    promises.check_model("s", "train_fold", FoldModel(tmp_path / "m"), tmp_path)
    (tmp_path / "m" / name).write_bytes(b"")
    with pytest.raises(HookFailed, match=name):
        promises.check_model("s", "train_fold", FoldModel(tmp_path / "m"), tmp_path)


def test_model_folder_elsewhere(tmp_path):
    (tmp_path / "work").mkdir()
    with pytest.raises(HookFailed, match="not inside"):
        promises.check_model("s", "train_fold", FoldModel(tmp_path), tmp_path / "work")


@pytest.mark.parametrize(
    ("p", "message"),
    [
        (np.array([0.1, 0.2, 0.3]), None),
        (np.array([0.1, 0.2]), r"shape \(2,\)"),
        (np.array([0.1, 0.2, 1.3]), "1 of 3 scores"),
        (np.array([0.1, np.nan, 0.3]), "1 of 3 scores"),
        (np.array([0, 1, 1]), "type int64"),
        ([0.1, 0.2, 0.3], "p has list"),
    ],
)
def test_fused_scores(p, message):
    if message is None:
        promises.check_fused("f", 3, p)
    else:
        with pytest.raises(HookFailed, match=message):
            promises.check_fused("f", 3, p)


def test_what_was_extracted_lies_in_the_store(tmp_path):
    store = tmp_path / "store"
    (store / "clip").mkdir(parents=True)
    promises.check_kept("s", Extracted("v", store / "clip"), store)
    promises.check_kept("s", Extracted("v", None, "no_face"), store)
    with pytest.raises(HookFailed, match="not inside the store"):
        promises.check_kept("s", Extracted("v", tmp_path), store)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("weights.bin", lambda path: path.write_bytes(pickle.dumps({"a": 1}))),
        ("table.npy", lambda path: np.save(path, np.array([{}], dtype=object), allow_pickle=True)),
        ("tables.npz", lambda path: np.savez(path, a=np.array([None], dtype=object))),
    ],
)
def test_what_unpickles_is_told_by_its_content(tmp_path, name, write):
    np.savez(tmp_path / "fine.npz", a=np.zeros(3), b=np.array(["text"]))
    (tmp_path / "fine.json").write_text("{}")
    assert promises.unpickling(tmp_path) == []
    write(tmp_path / name)
    assert promises.unpickling(tmp_path) == [name]


def test_a_fold_that_says_nothing_at_all():
    promises.check_speaks("s", "fold 0", Predictions((), np.zeros(0)))
    promises.check_speaks("s", "fold 0", Predictions(("a", "b"), np.array([np.nan, 0.5])))
    with pytest.raises(HookFailed, match="all 2 held-out videos of fold 0"):
        promises.check_speaks("s", "fold 0", Predictions(("a", "b"), np.array([np.nan, np.nan])))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"label": None}, "label"),
        ({"method": ""}, "no method"),
        ({"identities": "anna"}, "identities"),
        ({"path": Path("v.mp4")}, "absolute"),
    ],
)
def test_records_of_a_data_set(changes, says):
    video = replace(VideoRecord("v", Path("/v.mp4"), 0, "d", "real", ("anna",)), **changes)
    if says is None:
        promises.check_records("d", [video])
    else:
        with pytest.raises(HookFailed, match=says):
            promises.check_records("d", [video])

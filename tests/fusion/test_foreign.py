"""Do prediction files of anybody become tables of this index, and is what doesn't match told?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepfake_core.contract.errors import InvalidTable
from deepfake_core.data.folds import Folds
from deepfake_core.data.index import Index, make_index
from deepfake_core.fusion.foreign import read_oof
from deepfake_core.fusion.joining import join
from tests.fusion.conftest import World


@pytest.fixture
def index(world) -> Index:
    return make_index(world.videos, "index.csv")


@pytest.fixture
def folds(world) -> Folds:
    return Folds(
        {i: int(k) for i, k in zip(world.ids, world.fold, strict=True)}, dict(zip(world.ids, world.person, strict=True))
    )


def write(path: Path, **columns: object) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_the_published_columns(world, index, folds, tmp_path):
    p = world.random.random(70).round(6)
    path = write(tmp_path / "rppg_predictions.csv", video_id=world.ids, true_label=world.label, P_rPPG=p)
    oof = read_oof("rppg", path, index, folds, "exact")
    np.testing.assert_allclose(oof["p"], p)
    joined = join({"ours": world.oof("ours"), "rppg": oof})
    assert joined.coverage["all"] == 1


def test_rows_that_are_missing_stay_without_a_score(world, index, folds, tmp_path):
    path = write(tmp_path / "p.csv", video_id=world.ids[:50], score=0.25)
    oof = read_oof("x", path, index, folds, "exact")
    assert oof["p"].notna().sum() == 50 and (oof["status"] == "not_scored").sum() == 20


def test_bare_names_are_offered_and_taken_when_asked(world, index, folds, tmp_path):
    bare = [f"{i.rsplit('__', 1)[1]}.mp4" for i in world.ids]
    path = write(tmp_path / "p.csv", filename=bare, label=world.label, prob=0.5)
    with pytest.raises(
        InvalidTable, match=r"of 70 ids, 0 are in index.csv, 70 match one video by their end, 0 .* 0 none"
    ) as caught:
        read_oof("x", path, index, folds, "exact")
    assert "--match stem" in caught.value.hint
    assert read_oof("x", path, index, folds, "stem")["p"].notna().all()


def test_ambiguous_names_are_never_taken(world, folds, tmp_path):
    videos = world.videos
    index = make_index(
        [*videos[:-1], type(videos[0])("d__other__003", Path("z.mp4"), 1, "d", "other", ("p034",))], "index.csv"
    )
    path = write(tmp_path / "p.csv", video=["003.mp4", "004.mp4"], prob=[0.5, 0.6])
    for how in ("exact", "stem"):
        with pytest.raises(InvalidTable, match="1 could be several videos") as caught:
            read_oof("x", path, index, folds, how)
        assert "--match stem" not in caught.value.hint


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"video_id": ["d__m__001", "d__m__001"], "p": [0.1, 0.2]}, "1 videos come more than once: d__m__001"),
        ({"video_id": ["d__m__001", "d__m__000"], "label": [0, 0], "p": [0.1, 0.2]}, "the label of d__m__001 isn't"),
        ({"video_id": ["d__m__001", "nobody"], "p": [0.1, 0.2]}, "1 none: nobody"),
        ({"video_id": ["d__m__001"], "P_a": [0.1], "P_b": [0.2]}, "which score is x's"),
        ({"video_id": ["d__m__001"], "words": ["a"]}, "score"),
    ],
)
def test_what_doesn_t_fit_is_named(index, folds, tmp_path, columns, message):
    with pytest.raises(InvalidTable, match=message):
        read_oof("x", write(tmp_path / "p.csv", **columns), index, folds, "exact")


def test_a_score_of_1_2_is_found_when_joining(world, index, folds, tmp_path):
    path = write(tmp_path / "p.csv", video_id=world.ids, score=[1.2, *[0.5] * 69])
    with pytest.raises(InvalidTable, match=r"outside \[0, 1\] for d__m__000"):
        join({"ours": World().oof("ours"), "x": read_oof("x", path, index, folds, "exact")})

"""Is the table of meta features whole, and does the map of the videos show what is in it?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from deepfake_core.contract import tables
from deepfake_core.fusion.crossfit import Rows
from deepfake_core.fusion.joining import Joined, join
from deepfake_core.fusion.meta_features import meta_features, video_map
from tests.fusion.conftest import World


def four_encoders(world: World, missing: float = 0.0) -> Joined:
    """Four streams with 64 numbers each."""
    oofs = {
        name: world.oof(name, 1.0, missing, embedding=world.random.normal(0, 1, (len(world.ids), 64)))
        for name in ("a", "b", "c", "d")
    }
    return join(oofs, "model")


def test_four_encoders_give_260_columns_and_a_row_per_video(world):
    joined = four_encoders(world, missing=0.2)
    table = meta_features(joined)
    assert list(table.columns[:4]) == ["video_id", "label", "fold", "identity"]
    columns = [f"{name}_{what}" for name in "abcd" for what in ("p", *(f"f{n:02d}" for n in range(64)))]
    assert list(table.columns[4:]) == columns and len(columns) == 260
    assert list(table["video_id"]) == world.ids
    without = table["a_p"].isna()
    assert 0 < without.sum() < 70 and table.loc[without, "a_f63"].isna().all()
    pd.testing.assert_series_equal(table["c_f07"], joined.table["c_f07"])


@pytest.mark.parametrize(
    ("column", "stream"),
    [("a_p", "a"), ("swin_tiny_f07", "swin_tiny"), ("x_f1_p", "x_f1"), ("x_f1_f00", "x_f1"), ("a_status", None)],
)
def test_whose_column_it_is(column, stream):
    assert tables.stream_of(column) == stream


def test_no_column_about_the_video_is_taken_for_a_streams():
    assert not tables.input_columns(pd.DataFrame(columns=tables.JOINED.names))


def test_the_map_keeps_neighbours_together_and_is_the_same_twice():
    world = World(videos=120)
    centre = 4.0 * (np.arange(120) % 3)[:, None] * np.eye(3, 10)[np.arange(120) % 3]
    oof = world.oof("one", missing=0.1, embedding=centre + world.random.normal(0, 0.5, (120, 10)))
    oof["f000"] = 1.0
    rows = Rows.of(join({"one": oof, "two": world.oof("two")}, "model"), world.videos)
    found = video_map(rows, 0)
    assert list(found["video_id"]) == world.ids
    places = found[["x", "y"]].to_numpy()
    known = rows.table["one_p"].notna().to_numpy()
    cluster = (np.arange(120) % 3)[known]
    near = KNeighborsClassifier(3).fit(places[known][::2], cluster[::2])
    assert near.score(places[known][1::2], cluster[1::2]) > 0.9
    pd.testing.assert_frame_equal(video_map(rows, 0), found)


def test_few_videos_have_a_map_and_scores_alone_have_none(world):
    assert video_map(Rows.of(four_encoders(World(videos=12)), World(videos=12).videos), 0) is not None
    assert video_map(world.rows(1.0, 1.0), 0) is None

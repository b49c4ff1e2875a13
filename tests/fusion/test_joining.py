"""Do tables join one to one, and is everything that doesn't fit named?"""

from __future__ import annotations

import numpy as np
import pytest

from deepfake_core.contract.errors import InvalidTable, NoUsableVideo, UsageError
from deepfake_core.fusion.joining import CoverageTooLow, join
from tests.fusion.conftest import World


def test_streams_stand_side_by_side_in_the_order_of_the_first(world):
    one, two = world.oof("one", 1.0), world.oof("two", 1.0)
    joined = join({"one": one, "two": two.sample(frac=1, random_state=0)})
    assert list(joined.table["video_id"]) == world.ids
    np.testing.assert_array_equal(joined.table["one_p"], one["p"])
    np.testing.assert_array_equal(joined.table["two_p"], two["p"])
    assert joined.coverage == {"one": 1, "two": 1, "all": 1, "fused": 1}


def test_embeddings_keep_their_stream(world):
    one = world.oof("one").assign(f000=1.0, f001=2.0)
    joined = join({"one": one, "two": world.oof("two")})
    assert [name for name in joined.table if "_f" in name] == ["one_f00", "one_f01"]
    assert (joined.table["one_f01"] == 2.0).all()


def test_coverage_counts_who_abstained(world):
    one, two = world.oof("one"), world.oof("two")
    one.loc[:6, "p"], two.loc[:13, "p"] = np.nan, np.nan
    dropped, modelled = join({"one": one, "two": two}), join({"one": one, "two": two}, "model")
    assert dropped.coverage == {"one": 0.9, "two": 0.8, "all": 0.8, "fused": 0.8}
    assert modelled.coverage["fused"] == 0.9
    assert dropped.usable.sum() == 56 and modelled.usable.sum() == 63
    with pytest.raises(CoverageTooLow, match=r"only 80\.0% of 70 videos.*one 90\.0%, two 80\.0%") as caught:
        dropped.require_coverage(0.95)
    assert caught.value.exit_code == 3 and "--missing model" in caught.value.hint
    modelled.require_coverage(0.9)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.assign(p=t["p"].where(t.index != 3, 1.2)), r"two has scores outside \[0, 1\] for d__m__003"),
        (lambda t: t.assign(label=t["label"].where(t.index != 4, 1 - t["label"])), "label of d__m__004"),
        (lambda t: t.assign(fold=t["fold"].where(t.index != 5, 4)), "fold of d__m__005"),
        (lambda t: t.assign(group=t["group"].where(t.index != 6, "x")), "group of d__m__006"),
        (lambda t: t.assign(video_id=t["video_id"].where(t.index != 7, "d__m__008")), "repeats video_id d__m__008"),
        (lambda t: t[t.index != 9], "d__m__009 are in one table only"),
        (lambda t: t.assign(video_id=t["video_id"].str.removeprefix("d__m__")), r"140 in all\) are in one table only"),
        (lambda t: t.drop(columns="p"), r"two lacks|lacks the column\(s\) p"),
        (lambda t: t.assign(p="much"), "holds 'much'"),
        (lambda t: t.iloc[:0], "two"),
    ],
)
def test_what_doesn_t_fit_is_named(world, spoil, message):
    with pytest.raises((InvalidTable, NoUsableVideo), match=message):
        join({"one": world.oof("one"), "two": spoil(world.oof("two"))})


def test_a_stream_that_scored_nothing_is_named_with_its_statuses(world):
    nothing = world.oof("two", missing=1.1)
    with pytest.raises(NoUsableVideo, match="two scored none of 70 videos: 70 no_face"):
        join({"one": world.oof("one"), "two": nothing}, "model")


def test_streams_that_score_different_videos_have_nothing_in_common(world):
    one, two = world.oof("one"), world.oof("two")
    one.loc[:34, "p"], two.loc[35:, "p"] = np.nan, np.nan
    with pytest.raises(
        NoUsableVideo, match="no video has a score of every stream; of 70, one scored 35, two scored 35"
    ):
        join({"one": one, "two": two})


def test_nothing_to_join():
    with pytest.raises(UsageError):
        join({})


def test_the_first_table_is_checked_too():
    first = World().oof("one")
    with pytest.raises(InvalidTable, match="one repeats"):
        join({"one": first.assign(video_id="same")})

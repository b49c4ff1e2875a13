"""A sample is seeded, stable under additions, and nested in a larger one."""

from __future__ import annotations

from pathlib import Path

from deepfake_core import VideoRecord, take


def videos(count: int, method: str = "m") -> list[VideoRecord]:
    return [VideoRecord(f"{method}{n:03d}", Path("x"), 1, "d", method, ("p",)) for n in range(count)]


def ids(taken) -> list[str]:
    return [video.video_id for video in taken]


def test_limits_draw_by_seed_and_keep_the_order():
    few = ids(take({"": videos(100)}, {}, {"m": 10}, 1))
    assert few == sorted(few) and len(few) == 10
    assert few != ids(videos(10)), "not the first ones"
    assert few != ids(take({"": videos(100)}, {}, {"m": 10}, 2))
    assert set(few) < set(ids(take({"": videos(100)}, {}, {"m": 20}, 1)))


def test_a_file_that_is_added_displaces_one_at_most():
    before = set(ids(take({"": videos(100)}, {}, {"m": 30}, 1)))
    after = set(ids(take({"": videos(101)}, {}, {"m": 30}, 1)))
    assert len(before - after) <= 1
    assert after - before <= {"m100"}


def test_subsets_then_methods():
    subsets = {"one": videos(20, "a"), "two": videos(20, "b"), "three": videos(5, "b2")}
    taken = take(subsets, {"one": 8, "two": 30}, {"a": 3, "b2": 0, "strange": 1}, 7)
    assert [sum(v.method == m for v in taken) for m in ("a", "b", "b2")] == [3, 20, 0]
    eight = take(subsets, {"one": 8}, {}, 7)
    assert {v.video_id for v in taken if v.method == "a"} < set(ids(eight))

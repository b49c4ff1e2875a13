"""Folds keep people apart, balance strata, purge what touches a held-out person, and say when they can't."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_core.contract.errors import FoldsImpossible, InvalidTable
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data import folds
from deepfake_core.data.certificate import certify
from deepfake_core.data.identities import components
from deepfake_core.data.index import Index, make_index
from tests.conftest import named_index

FFPP_SPLITS = Path(__file__).parents[3] / "shared" / "data" / "ffpp_splits"
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures")


def plans(index: Index, drawn: folds.Folds) -> list[folds.Plan]:
    return [folds.plan(index, drawn, k) for k in range(drawn.count)]


def shared_people(one: tuple[VideoRecord, ...], other: tuple[VideoRecord, ...]) -> set[str]:
    return {p for v in one for p in v.identities} & {p for v in other for p in v.identities}


def assert_kept_apart(index: Index, drawn: folds.Folds) -> None:
    held_out = []
    for plan in plans(index, drawn):
        assert not shared_people(plan.train, plan.held_out)
        assert not shared_people(plan.stop, plan.held_out)
        assert not shared_people(plan.train, plan.stop)
        ids = [v.video_id for part in (plan.train, plan.stop, plan.held_out, plan.purged) for v in part]
        assert sorted(ids) == sorted(v.video_id for v in index.videos)
        assert {v.label for v in plan.train} == {0, 1}
        held_out += [v.video_id for v in plan.held_out]
    assert sorted(held_out) == sorted(v.video_id for v in index.videos)


def ffpp_like(pairs: list[tuple[str, str]]) -> Index:
    rows = [(f"ff__original__{i}", 0, "original", i) for pair in pairs for i in pair]
    for method, (a, b) in itertools.product(METHODS, pairs):
        rows += [(f"ff__{method}__{a}_{b}", 1, method, f"{a};{b}"), (f"ff__{method}__{b}_{a}", 1, method, f"{b};{a}")]
    return named_index(*rows)


def celeb_like(seed: int = 0, people: int = 59, partners: int = 13) -> Index:
    rng = np.random.default_rng(seed)
    rows = [(f"real_{i}_{j}", 0, "Celeb-real", f"id{i}") for i in range(people) for j in range(10)]
    for i in range(people):
        others = [j for j in range(people) if j != i]
        for j in rng.choice(others, partners, replace=False):
            rows += [(f"fake_{i}_{j}_{n}", 1, "Celeb-synthesis", f"id{i};id{j}") for n in range(5)]
    return named_index(*rows)


@pytest.mark.skipif(not FFPP_SPLITS.is_dir(), reason="needs FaceForensics++'s official split files")
def test_ffpp_pairs_are_500_components_that_folds_never_split():
    pairs = [
        tuple(p) for part in ("train", "val", "test") for p in json.loads((FFPP_SPLITS / f"{part}.json").read_text())
    ]
    index = ffpp_like(pairs)
    assert Counter(v.method for v in index.videos) == {"original": 1000, **dict.fromkeys(METHODS, 1000)}
    component = dict(zip((v.video_id for v in index.videos), components(index.videos), strict=True))
    assert len(set(component.values())) == 500
    drawn = folds.draw(index)
    fold_of_component = {}
    for video_id, fold in drawn.fold.items():
        assert fold_of_component.setdefault(component[video_id], fold) == fold
    assert all(not plan.purged for plan in plans(index, drawn))
    assert_kept_apart(index, drawn)
    for plan in plans(index, drawn):
        assert Counter(v.method for v in plan.held_out) == {"original": 200, **dict.fromkeys(METHODS, 200)}


def test_pairs_made_here_balance_exactly():
    index = ffpp_like([(f"{2 * i:03d}", f"{2 * i + 1:03d}") for i in range(50)])
    drawn = folds.draw(index)
    assert_kept_apart(index, drawn)
    for plan in plans(index, drawn):
        assert set(Counter(v.method for v in plan.held_out).values()) == {20}


def test_swap_graph_that_is_one_component_gets_purged_folds():
    index = celeb_like()
    assert len(set(components(index.videos))) == 1
    drawn = folds.draw(index)
    assert_kept_apart(index, drawn)
    sizes = Counter(drawn.fold.values())
    assert max(sizes.values()) - min(sizes.values()) <= 0.02 * len(index.videos)
    for plan in plans(index, drawn):
        assert plan.purged
        assert len(plan.train) > 0.05 * len(index.videos)
    assert certify(index, drawn, plans(index, drawn), seed=42).clean


def test_equal_content_under_two_names_stays_together():
    rows = [
        VideoRecord(f"v{i}", Path(f"v{i}"), i % 2, "d", "m", (f"person{i}",), sha256="same" if i in (3, 8) else f"s{i}")
        for i in range(20)
    ]
    index = make_index(rows, "twins")
    drawn = folds.draw(index)
    assert drawn.fold["v3"] == drawn.fold["v8"]
    assert drawn.group["v3"] == drawn.group["v8"]


def test_empty_files_tie_nobody_together():
    nothing = hashlib.sha256(b"").hexdigest()
    rows = [VideoRecord(f"v{i}", Path(f"v{i}"), i % 2, "d", "m", (f"p{i}",), sha256=nothing) for i in range(20)]
    index = make_index(rows, "empty")
    drawn = folds.draw(index)
    assert len(set(drawn.group.values())) == 20
    certificate = certify(index, drawn, plans(index, drawn), seed=42)
    assert certificate.clean
    assert certificate.content["content_checked"]["sha256"] == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from("xyz"), st.sets(st.integers(0, 30), min_size=1, max_size=2)),
        min_size=12,
        max_size=60,
    ),
    st.integers(2, 5),
    st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_graph_nobody_is_on_both_sides(rows, count, seed):
    index = named_index(
        *[(f"v{n}", y, m, ";".join(f"p{i}" for i in sorted(who))) for n, (y, m, who) in enumerate(rows)]
    )
    try:
        drawn = folds.draw(index, count=count, seed=seed)
    except FoldsImpossible:
        return
    assert drawn.count == count
    assert_kept_apart(index, drawn)
    assert certify(index, drawn, plans(index, drawn), seed=seed).clean


def test_order_of_rows_does_not_matter_but_the_seed_does():
    index = ffpp_like([(f"{2 * i:03d}", f"{2 * i + 1:03d}") for i in range(20)])
    shuffled = Index(tuple(reversed(index.videos)), "names")
    assert folds.draw(index).digest == folds.draw(shuffled).digest
    assert folds.draw(index, seed=1).digest != folds.draw(index, seed=2).digest


def test_inner_folds_cover_everything_and_keep_people_apart():
    index = celeb_like(people=20, partners=2)
    splits = folds.inner_folds(index.videos, count=4, seed=1)
    assert sorted(row for _, test in splits for row in test) == list(range(len(index.videos)))
    for train, test in splits:
        assert not shared_people(tuple(index.videos[i] for i in train), tuple(index.videos[i] for i in test))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([(f"v{i}", 1, "m", f"p{i}") for i in range(10)], "all 10 videos are fake"),
        ([(f"v{i}", i % 2, "m", "p") for i in range(10)], "1 people form"),
        ([(f"v{i}", i % 2, "m", f"p{i % 3}") for i in range(12)], "fewer than 5 folds"),
        ([("r", 0, "m", "a"), *[(f"f{i}", 1, "m", f"p{i}") for i in range(9)]], "of one class or none"),
    ],
)
def test_impossible_folds_say_why(rows, says):
    with pytest.raises(FoldsImpossible, match=says) as caught:
        folds.draw(named_index(*rows))
    assert caught.value.hint


def test_one_fold_is_refused():
    with pytest.raises(FoldsImpossible, match="at least 2"):
        folds.draw(ffpp_like([("1", "2"), ("3", "4")]), count=1)


def test_folds_file_round_trip_and_faults(tmp_path):
    index = ffpp_like([(f"{2 * i}", f"{2 * i + 1}") for i in range(10)])
    drawn = folds.draw(index)
    path = tmp_path / "folds.csv"
    folds.write_folds(drawn, path)
    assert folds.read_folds(path, index) == drawn

    text = path.read_text().splitlines()
    path.write_text("\n".join(text[:-1]))
    with pytest.raises(InvalidTable, match="missing video_id"):
        folds.read_folds(path, index)
    path.write_text("\n".join([*text, text[-1]]))
    with pytest.raises(InvalidTable, match="repeated"):
        folds.read_folds(path, index)
    path.write_text("\n".join([text[0], *[line.rsplit(",", 3)[0] + ",7,g,kfold" for line in text[1:]]]))
    with pytest.raises(InvalidTable, match="fold numbers"):
        folds.read_folds(path, index)

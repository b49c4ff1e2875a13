"""Each protocol holds every video out once, and keeps from a fold's model what it says, and people always."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_core.contract.errors import FoldsImpossible, InvalidTable, LeakageFound, UsageError
from deepfake_core.data import folds, protocols
from deepfake_core.data.certificate import certify
from deepfake_core.data.folds import Folds, Plan
from deepfake_core.data.index import Index, make_index
from deepfake_core.data.separation import (
    KFOLD,
    LEAVE_ONE_DATASET_OUT,
    LEAVE_ONE_METHOD_OUT,
    OFFICIAL,
    PROTOCOLS,
    SPLITS,
    withheld,
)
from tests.conftest import named_index

FFPP_SPLITS = Path(__file__).parents[3] / "shared" / "data" / "ffpp_splits"
METHODS = ("Deepfakes", "Face2Face", "FaceSwap")
PAIRS = [(f"{2 * i:03d}", f"{2 * i + 1:03d}") for i in range(30)]


def swapped_pairs() -> Index:
    """Everybody is in every method, as in FaceForensics++: 60 reals, 60 fakes of each method."""
    rows = [(f"real_{i}", 0, "real", i) for pair in PAIRS for i in pair]
    for method, (a, b) in itertools.product(METHODS, PAIRS):
        rows += [(f"{method}_{a}_{b}", 1, method, f"{a};{b}"), (f"{method}_{b}_{a}", 1, method, f"{b};{a}")]
    return named_index(*rows)


def split_by(index: Index, split) -> Index:
    return make_index([replace(v, split=split(int(v.identities[0]) // 2)) for v in index.videos], "split")


def official_pairs() -> Index:
    """20 pairs train, 4 validate, 6 test."""
    return split_by(swapped_pairs(), lambda pair: "train" if pair < 20 else "val" if pair < 24 else "test")


def plans_of(index: Index, drawn: Folds) -> list[Plan]:
    return [folds.plan(index, drawn, k) for k in range(drawn.count)]


def assert_kept_apart(index: Index, drawn: Folds) -> list[Plan]:
    plans = plans_of(index, drawn)
    for plan in plans:
        sides = [{p for v in side for p in v.identities} for side in (plan.train, plan.stop, plan.held_out)]
        assert not any(a & b for a, b in itertools.combinations(sides, 2))
        assert {v.label for v in plan.train} == {0, 1}
        ids = [v.video_id for part in (plan.train, plan.stop, plan.held_out, plan.purged) for v in part]
        assert sorted(ids) == sorted(v.video_id for v in index.videos)
    held_out = [v.video_id for plan in plans for v in plan.held_out]
    assert sorted(held_out) == sorted(v.video_id for v in index.videos)
    assert certify(index, drawn, plans, seed=42).clean
    return plans


def test_a_fold_of_leave_one_method_out_sees_no_fake_of_its_method():
    index = swapped_pairs()
    drawn = protocols.draw(index, LEAVE_ONE_METHOD_OUT)
    plans = assert_kept_apart(index, drawn)
    assert len(plans) == 3 * len(METHODS)
    for number, plan in enumerate(plans):
        held = Counter(v.method for v in plan.held_out)
        method = METHODS[number // 3]
        assert set(held) == {method, "real"}
        assert held[method] == 20 and 6 <= held["real"] <= 7, "people and reals are dealt evenly"
        seen = Counter(v.method for v in (*plan.train, *plan.stop))
        assert set(seen) == {"real", *METHODS} - {method}
        assert set(seen.values()) == {40}, "of the other methods, everything but the held-out people is there"


def test_its_certificate_names_the_method_and_would_catch_it():
    index = swapped_pairs()
    drawn = protocols.draw(index, LEAVE_ONE_METHOD_OUT)
    plans = plans_of(index, drawn)
    content = certify(index, drawn, plans, seed=42).content
    assert content["protocol"] == LEAVE_ONE_METHOD_OUT
    assert [fold["left_out"] for fold in content["folds"]] == [[f"method:{m}"] for m in METHODS for _ in range(3)]
    fake = next(v for v in plans[0].held_out if v.label == 1)
    stranger = replace(fake, video_id="new", identities=("nobody",))
    leaking = certify(index, drawn, [replace(plans[0], train=(*plans[0].train, stranger)), *plans[1:]], seed=42)
    with pytest.raises(LeakageFound, match="left_out in train/held_out: method:Deepfakes"):
        leaking.require_clean()


def test_people_in_every_method_need_two_parts():
    with pytest.raises(FoldsImpossible, match="fold 0 is left with 0 train videos") as caught:
        protocols.draw(swapped_pairs(), LEAVE_ONE_METHOD_OUT, count=1)
    assert "2 parts" in caught.value.hint
    assert protocols.draw(swapped_pairs(), LEAVE_ONE_METHOD_OUT, count=2).count == 6


def test_methods_of_other_people_need_one_part_and_keep_their_own_reals():
    rows = [(f"real_{m}{i}", 0, "real", f"{m}{i}") for m in "ab" for i in range(8)]
    rows += [(f"fake_{m}{i}", 1, m, f"{m}{i}") for m in "ab" for i in range(8)]
    index = named_index(*rows)
    one, other = assert_kept_apart(index, protocols.draw(index, LEAVE_ONE_METHOD_OUT, count=1))
    assert {v.identities[0][0] for v in one.held_out} == {"a"}
    assert {v.identities[0][0] for v in other.held_out} == {"b"}


def test_reals_of_nobody_s_fakes_go_with_their_data_set_and_no_fold_is_without_reals():
    videos = [*swapped_pairs().videos]
    sora = named_index(*[(f"sora_{i}", 1, "sora", f"s{i}") for i in range(12)])
    youtube = named_index(*[(f"youtube_{i}", 0, "real", f"y{i}") for i in range(12)])
    videos += [replace(v, dataset="generated") for v in (*sora.videos, *youtube.videos)]
    index = make_index(videos, "several")
    for plan in assert_kept_apart(index, protocols.draw(index, LEAVE_ONE_METHOD_OUT)):
        sides = Counter(v.dataset for v in plan.held_out if v.label == 0)
        assert set(sides) == {"generated" if any(v.method == "sora" for v in plan.held_out) else "names"}
    index = make_index([v for v in videos if not v.video_id.startswith("youtube")], "no reals of their own")
    for plan in assert_kept_apart(index, protocols.draw(index, LEAVE_ONE_METHOD_OUT)):
        assert {v.label for v in plan.held_out} == {0, 1}


def test_official_holds_out_the_test_split_and_no_model_sees_it():
    index = official_pairs()
    plans = assert_kept_apart(index, protocols.draw(index, OFFICIAL))
    assert len(plans) == 5
    first, *others = plans
    assert {v.split for v in first.held_out} == {"test"} and len(first.held_out) == 6 * 8
    assert {v.split for v in first.train} == {"train"} and len(first.train) == 20 * 8
    assert {v.split for v in first.stop} == {"val"} and len(first.stop) == 4 * 8
    assert not first.purged
    for plan in others:
        assert {v.split for v in plan.held_out} <= {"train", "val"}
        assert not any(withheld(v, OFFICIAL) for v in (*plan.train, *plan.stop))
        assert len(plan.train) + len(plan.stop) + len(plan.held_out) == 24 * 8


@pytest.mark.skipif(not FFPP_SPLITS.is_dir(), reason="needs FaceForensics++'s official split files")
def test_the_official_splits_of_ffpp_share_nobody():
    split_of = {
        number: split
        for split in ("train", "val", "test")
        for pair in json.loads((FFPP_SPLITS / f"{split}.json").read_text())
        for number in pair
    }
    partner = {a: b for split in SPLITS for a, b in json.loads((FFPP_SPLITS / f"{split}.json").read_text())}
    rows = [(f"real_{i}", 0, "real", i) for i in split_of]
    rows += [
        (f"{m}_{a}_{b}", 1, m, f"{a};{b}") for m in METHODS for x, y in partner.items() for a, b in ((x, y), (y, x))
    ]
    index = make_index([replace(v, split=split_of[v.identities[0]]) for v in named_index(*rows).videos], "ffpp")
    plan = assert_kept_apart(index, protocols.draw(index, OFFICIAL))[0]
    assert [len(side) for side in (plan.train, plan.stop, plan.held_out, plan.purged)] == [2880, 560, 560, 0]


def test_a_test_video_in_any_fold_s_train_is_a_leak():
    index = official_pairs()
    drawn = protocols.draw(index, OFFICIAL)
    plans = plans_of(index, drawn)
    leaked = next(v for v in plans[2].purged if v.split == "test")
    leaking = [*plans[:2], replace(plans[2], train=(*plans[2].train, leaked)), *plans[3:]]
    with pytest.raises(LeakageFound, match=r"fold 2 .* left_out in train/held_out: split:test"):
        certify(index, drawn, leaking, seed=42).require_clean()


def test_official_without_a_validation_split_cuts_one():
    index = split_by(swapped_pairs(), lambda pair: "test" if pair >= 24 else "train")
    plan = folds.plan(index, protocols.draw(index, OFFICIAL), 0)
    assert {v.split for v in plan.stop} == {"train"}
    assert len(plan.train) + len(plan.stop) == 24 * 8


def test_videos_of_no_split_count_as_train_and_that_is_said(caplog):
    index = split_by(swapped_pairs(), lambda pair: None if pair < 5 else "test" if pair >= 24 else "train")
    plan = assert_kept_apart(index, protocols.draw(index, OFFICIAL))[0]
    assert None in {v.split for v in plan.train}
    assert "40 of 240 videos are in no split" in caplog.text


def test_leave_one_dataset_out_has_a_fold_for_each():
    sets = [
        replace(v, video_id=f"{name}_{v.video_id}", dataset=name, identities=tuple(f"{name}{i}" for i in v.identities))
        for name in ("celebdf", "dfdc", "ffpp")
        for v in swapped_pairs().videos
    ]
    # Footage that one set took from another, under the other's name.
    sets[0] = replace(sets[0], identities=("ffpp000",))
    index = make_index(sets, "three")
    drawn = protocols.draw(index, LEAVE_ONE_DATASET_OUT)
    plans = assert_kept_apart(index, drawn)
    assert [{v.dataset for v in plan.held_out} for plan in plans] == [{"celebdf"}, {"dfdc"}, {"ffpp"}]
    assert sum(v.identities == ("ffpp000",) for v in plans[2].purged) == 1
    left_out = [fold["left_out"] for fold in certify(index, drawn, plans, seed=42).content["folds"]]
    assert left_out == [["dataset:celebdf"], ["dataset:dfdc"], ["dataset:ffpp"]]
    with pytest.raises(UsageError, match="one for each data set"):
        protocols.draw(index, LEAVE_ONE_DATASET_OUT, count=3)


@pytest.mark.parametrize(
    ("index", "protocol", "count", "says"),
    [
        (swapped_pairs(), OFFICIAL, None, "test split has 0 real and 0 fake"),
        (split_by(swapped_pairs(), lambda pair: "held" if pair else "test"), OFFICIAL, None, "'split' holds held"),
        (split_by(swapped_pairs(), lambda pair: "test"), OFFICIAL, None, "all videos are test"),
        (official_pairs(), OFFICIAL, 2, "2 fold"),
        (swapped_pairs(), LEAVE_ONE_DATASET_OUT, None, "all videos are of the data set 'names'"),
        (swapped_pairs(), LEAVE_ONE_METHOD_OUT, 0, "0 part"),
        (swapped_pairs(), LEAVE_ONE_METHOD_OUT, 31, "part 0 of 31 has 1 real videos for 3 method"),
        (named_index(("r", 0, "real", "a"), ("f", 1, "swap", "b")), LEAVE_ONE_METHOD_OUT, None, r"1 method\(s\): swap"),
        (
            named_index(("r", 0, "real", "a"), *[(f"f{n}", 1, f"m{n % 2}", f"p{n}") for n in range(9)]),
            LEAVE_ONE_METHOD_OUT,
            None,
            "has 0 real videos for 2 method",
        ),
    ],
)
def test_impossible_folds_say_why_and_what_to_do(index, protocol, count, says):
    with pytest.raises(FoldsImpossible, match=says) as caught:
        protocols.draw(index, protocol, count=count)
    assert caught.value.hint


def test_a_data_set_of_one_class_and_a_split_that_shares_its_people_are_refused():
    one_class = [replace(v, dataset="fakes" if v.method == "FaceSwap" else "rest") for v in swapped_pairs().videos]
    with pytest.raises(FoldsImpossible, match="'fakes' has 0 real and 60 fake"):
        protocols.draw(make_index(one_class, "x"), LEAVE_ONE_DATASET_OUT)
    same_people = [replace(v, split="test" if v.method in ("real", "FaceSwap") else "train") for v in one_class]
    with pytest.raises(FoldsImpossible, match="fold 0 is left with 0 train") as caught:
        protocols.draw(make_index(same_people, "x"), OFFICIAL)
    assert "same people" in caught.value.hint


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("real", "real", "a", "b", "c")),
            st.sampled_from(("x", "y")),
            st.sampled_from(("train", "val", "test", None)),
            st.sets(st.integers(0, 25), min_size=1, max_size=2),
        ),
        min_size=20,
        max_size=70,
    ),
    st.sampled_from(PROTOCOLS),
    st.sampled_from((None, 2, 3)),
    st.integers(0, 3),
)
@settings(max_examples=80, deadline=None)
def test_whatever_the_graph_a_protocol_keeps_its_promise_or_refuses(rows, protocol, count, seed):
    named = named_index(
        *[
            (f"v{n}", int(m != "real"), m, ";".join(f"p{i}" for i in sorted(who)))
            for n, (m, _, _, who) in enumerate(rows)
        ]
    )
    videos = [replace(v, dataset=d, split=s) for v, (_, d, s, _) in zip(named.videos, rows, strict=True)]
    index = make_index(videos, "drawn")
    try:
        drawn = protocols.draw(index, protocol, count=None if protocol == LEAVE_ONE_DATASET_OUT else count, seed=seed)
    except FoldsImpossible:
        return
    plans = assert_kept_apart(index, drawn)
    again = protocols.draw(
        Index(tuple(reversed(index.videos)), "again"),
        protocol,
        count=None if protocol == LEAVE_ONE_DATASET_OUT else count,
        seed=seed,
    )
    assert again.digest == drawn.digest, "the order of the rows doesn't matter"
    for plan in plans:
        if protocol == LEAVE_ONE_METHOD_OUT:
            assert {v.label for v in plan.held_out} == {0, 1}
            (method,) = {v.method for v in plan.held_out if v.label == 1}
            assert method not in {v.method for v in (*plan.train, *plan.stop)}


def test_folds_carry_their_protocol_through_the_file(tmp_path):
    index = swapped_pairs()
    for protocol in (KFOLD, LEAVE_ONE_METHOD_OUT):
        drawn = protocols.draw(index, protocol)
        folds.write_folds(drawn, tmp_path / "folds.csv")
        again = folds.read_folds(tmp_path / "folds.csv", index)
        assert again == drawn and again.digest == drawn.digest
        assert plans_of(index, again) == plans_of(index, drawn)
    text = (tmp_path / "folds.csv").read_text()
    (tmp_path / "folds.csv").write_text(text.replace(f",{LEAVE_ONE_METHOD_OUT}\n", f",{OFFICIAL}\n", 1))
    with pytest.raises(InvalidTable, match="'protocol' holds leave_one_method_out, official"):
        folds.read_folds(tmp_path / "folds.csv", index)


def test_the_protocol_is_part_of_the_digest():
    index = swapped_pairs()
    drawn = protocols.draw(index)
    assert replace(drawn, protocol=OFFICIAL).digest != drawn.digest

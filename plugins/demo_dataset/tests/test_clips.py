"""Does the cast list keep people apart, the classes balanced, and the encoder settings equal?"""

from __future__ import annotations

from collections import Counter

import pytest

from deepfake_demo_dataset.clips import FORGERIES, METHODS, REAL_METHOD, cast
from deepfake_demo_dataset.people import CASTS

pytestmark = pytest.mark.parametrize("dataset", CASTS)


def pair(who: str) -> int:
    return (int(who[1:]) - 1) // 2


def test_there_are_enough_clips_of_enough_people(dataset: str) -> None:
    clips = cast(dataset)
    assert len(clips) >= 48
    assert len({clip.take.who for clip in clips}) >= 12
    assert len({clip.video_id for clip in clips}) == len(clips)
    assert all(clip.take.seconds >= 8 and 25 <= clip.take.fps <= 30 for clip in clips)


def test_people_mix_only_within_their_pair_and_each_pair_has_both_classes(dataset: str) -> None:
    methods: dict[int, Counter[str]] = {}
    for clip in cast(dataset):
        (group,) = {pair(who) for who in clip.identities}
        methods.setdefault(group, Counter())[clip.method] += 1
    assert len(methods) >= 5
    for found in methods.values():
        assert found[REAL_METHOD] == sum(found[method] for method in FORGERIES) > 0


def test_a_borrowed_face_or_expression_names_both_people_and_a_selfblend_one(dataset: str) -> None:
    for clip in cast(dataset):
        two = clip.method in ("faceswap", "reenactment")
        assert len(set(clip.identities)) == (2 if two else 1)
        assert clip.take.who in clip.identities


def test_every_filmed_take_is_forged_once_so_footage_and_encoder_tell_nothing(dataset: str) -> None:
    reals = Counter(clip.take for clip in cast(dataset) if clip.method == REAL_METHOD)
    fakes = Counter(clip.take for clip in cast(dataset) if clip.method != REAL_METHOD)
    assert reals == fakes
    assert set(reals.values()) == {1}


def test_frame_rate_and_encoder_quality_vary(dataset: str) -> None:
    assert len({clip.take.fps for clip in cast(dataset)}) > 1
    assert len({clip.take.crf for clip in cast(dataset)}) > 1


def test_a_borrowed_heart_or_motion_is_sampled_at_the_targets_times(dataset: str) -> None:
    for clip in cast(dataset):
        if clip.other is not None:
            assert len(clip.other.times) == len(clip.take.times)
            assert (clip.other.times == clip.take.times).all()


def test_limits_cap_each_method_and_keep_the_order(dataset: str) -> None:
    limits = {REAL_METHOD: 3, "faceswap": 1, "selfblend": 0}
    some = cast(dataset, limits)
    counts = Counter(clip.method for clip in some)
    whole = Counter(clip.method for clip in cast(dataset))
    for method in METHODS:
        assert counts[method] == min(limits.get(method, whole[method]), whole[method])
    assert [clip.video_id for clip in cast(dataset) if clip in some] == [clip.video_id for clip in some]

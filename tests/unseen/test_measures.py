"""The numbers of an evaluation against closed forms, and what ties videos together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.index import make_index
from deepfake_core.data.pseudo import DEEPFAKES
from deepfake_core.detector.verdict import Band, Opinion, Verdict
from deepfake_core.evaluation.metrics import auc
from deepfake_core.evaluation.resampling import Resamples, interval
from deepfake_core.fusion.results import FINAL
from deepfake_core.unseen import measures, overlap
from deepfake_core.unseen.answers import Answers, groups
from tests.conftest import named_index

BAND, THRESHOLD = Band(0.4, 0.6), 0.5


def video(number: int, label: int, dataset: str = "d", method: str | None = None) -> VideoRecord:
    method = method or ("swap" if label else "real")
    return VideoRecord(f"{dataset}__{method}__{number}", Path("x"), label, dataset, method, (f"{dataset}{number}",))


def answered(videos: list[VideoRecord], p: list[float | None]) -> Answers:
    """What a detector of one stream says; None where the file can't be read."""
    verdicts = []
    for each, q in zip(videos, p, strict=True):
        status = "decode_error" if q is None else "ok"
        opinion = (Opinion("one", q, None, status, {}),)
        verdicts.append(
            Verdict.failed(each.video_id, "broken", DEEPFAKES, opinion)
            if q is None
            else Verdict(each.video_id, BAND.answer(q), q, None, None, (), opinion, DEEPFAKES)
        )
    return Answers.of(videos, groups(videos), verdicts, THRESHOLD)


def test_decisions_are_counted_by_class_and_part():
    videos = [video(0, 0), video(1, 0), video(2, 0), video(3, 1), video(4, 1, method="other"), video(5, 1)]
    found = measures.decision_table(answered(videos, [0.1, 0.55, 0.9, 0.7, 0.3, None]))
    rows = found.set_index(["dataset", "method", "label"])
    everybody, reals, fakes = (rows.loc[("all", "all", label)] for label in ("all", "real", "fake"))
    assert (everybody["videos"], everybody["scored"], everybody["examined"], everybody["decided"]) == (6, 5, 5, 4)
    assert everybody["wrong"] == 3 / 5 and everybody["inconclusive"] == 1 / 5 and everybody["wrong_decided"] == 2 / 4
    assert reals["wrong"] == 2 / 3 and reals["inconclusive"] == 1 / 3 and reals["wrong_decided"] == 1 / 2
    assert fakes["wrong"] == 1 / 2 and rows.loc[("d", "other", "fake"), "wrong"] == 1
    assert len(found) == 3 + 3


def test_a_share_has_the_interval_of_its_accuracy_and_skips_what_does_not_count():
    holds = np.array([1.0, 1.0, 0.0, np.nan, 1.0])
    resamples = Resamples.draw(np.ones(5), np.arange(5))
    found = measures.share(resamples, holds)
    assert found.estimate == 3 / 4
    low, high = interval(found)
    assert 0 < low < 3 / 4 < high < 1


def test_the_mean_over_data_sets_is_surer_than_each_and_pooled_differs():
    """Nine data sets alike but for a shift: the mean's standard error is a third of each one's."""
    random = np.random.default_rng(0)
    videos, p = [], []
    for place in range(9):
        for number in range(40):
            label = number % 2
            videos.append(video(number, label, f"set{place}"))
            p.append(float(np.clip(random.normal(0.3 + 0.1 * label + 0.04 * place, 0.1), 0, 1)))
    answers = answered(videos, p)
    found = measures.domain_table(answers).query(f"score == '{FINAL}'").set_index(["over", "dataset"])
    apart = found.loc["dataset"]
    labels = answers.label.reshape(9, 40)
    assert apart["auc"].tolist() == pytest.approx(
        [auc(y, q) for y, q in zip(labels, np.reshape(p, (9, 40)), strict=True)]
    )
    mean, pooled = found.loc[("mean", "all")], found.loc[("pooled", "all")]
    assert mean["auc"] == pytest.approx(apart["auc"].mean()) and pooled["auc"] == pytest.approx(auc(answers.label, p))
    assert pooled["auc"] < mean["auc"]
    width, widths = mean["auc_high"] - mean["auc_low"], apart["auc_high"] - apart["auc_low"]
    assert width == pytest.approx(widths.mean() / 3, rel=0.25)


def test_a_data_set_of_one_class_is_in_no_mean():
    videos = [*(video(k, k % 2, "both") for k in range(8)), *(video(k, 0, "reals") for k in range(4))]
    found = measures.domain_table(answered(videos, [0.2, 0.8] * 4 + [0.9] * 4)).query(f"score == '{FINAL}'")
    rows = found.set_index(["over", "dataset"])
    assert np.isnan(rows.loc[("dataset", "reals"), "auc"]) and rows.loc[("mean", "all"), "auc"] == 1
    assert rows.loc[("mean", "all"), "reals"] == 4 and rows.loc[("pooled", "all"), "auc"] == 0.5


def test_methods_are_compared_with_their_own_data_sets_reals():
    videos = [video(0, 0, "a"), video(1, 1, "a"), video(2, 0, "b"), video(3, 1, "b"), video(4, 1, "b", "other")]
    found = measures.method_table(answered(videos, [0.1, 0.4, 0.5, 0.6, 0.3]))
    rows = found[found["score"] == FINAL].set_index(["dataset", "method"])
    assert rows["auc"].to_dict() == {("a", "swap"): 1, ("b", "other"): 0, ("b", "swap"): 1}
    assert rows.loc[("a", "swap"), "auc_all_reals"] == 0.5


def test_people_who_appear_together_are_one_group():
    index = named_index(
        ("1", 0, "real", "a"), ("2", 1, "swap", "a;b"), ("3", 0, "real", "b"), *((str(k), k % 2, "real", f"p{k}") for k in range(4, 20))
    )  # fmt: skip
    found = groups(index.videos)
    assert found["1"] == found["2"] == found["3"] == "a" and len(set(found.values())) == 17


def test_what_is_shared_is_named_once_for_each_video():
    known = make_index([VideoRecord("1", Path("x"), 0, "d", "real", ("ann", "bob"), sha256="f0")], "known")
    new = [
        VideoRecord("1", Path("x"), 0, "d", "real", ("eve",)),
        VideoRecord("2", Path("x"), 1, "d", "swap", ("eve", "bob", "ann")),
        VideoRecord("3", Path("x"), 1, "d", "swap", ("eve",), sha256="f0"),
        VideoRecord("4", Path("x"), 1, "d", "swap", ("zed",), sha256="f1"),
    ]
    found = overlap.between(make_index(new, "new"), known)
    shared = [(each.video_id, each.what, each.name) for each in found.shared]
    assert shared == [("1", "video_id", "1"), ("2", "person", "ann"), ("2", "person", "bob"), ("3", "content", "f0")]
    assert found.videos == {"1", "2", "3"} and found.unhashed == 2
    assert str(found) == "video ids: 1; people: ann, bob; files of equal content: 3"
    with pytest.raises(overlap.OverlapFound, match=r"3 videos share.*\n.*list\.csv"):
        overlap.require_none(found, "new", "list.csv")
    overlap.require_none(overlap.between(make_index(new[3:], "new"), known), "new", "list.csv")

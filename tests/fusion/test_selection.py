"""Is what comes out of choosing honest? On noise, and on streams of known worth."""

from __future__ import annotations

import numpy as np
import pytest

from deepfake_core.evaluation.metrics import auc
from deepfake_core.fusion.crossfit import CrossFitted, Rows
from deepfake_core.fusion.results import optimism
from deepfake_core.fusion.selection import Nested, decisions, nested
from tests.fusion.conftest import World, candidates, crossfitted


def chosen(rows: Rows, *names: str, rule: str = "f1") -> tuple[dict[str, CrossFitted], Nested]:
    found = {each.name: crossfitted(each, rows) for each in candidates(*names)}
    return found, nested(found, rows, rule)


def test_on_noise_the_best_of_five_looks_good_and_the_nested_score_doesn_t():
    naive, honest = [], []
    for seed in range(10):
        rows = World(videos=70, seed=seed).rows(0, 0, 0, 0)
        found = optimism(rows, *chosen(rows))
        naive.append(found.naive)
        honest.append(found.nested)
        assert found.naive >= found.crossfitted - 0.1
    assert np.mean(naive) > 0.6
    assert np.mean(honest) < 0.53


def test_on_streams_that_know_something_nearly_nothing_is_lost():
    rows = World(videos=400).rows(1.0, 1.0, 0.2, 0.0)
    found, result = chosen(rows)
    best = max(auc(rows.label, each.outer) for each in found.values())
    assert auc(rows.label, result.p) > best - 0.01 > 0.9
    assert abs(optimism(rows, found, result).optimism) < 0.02


def test_the_choice_for_a_fold_doesn_t_depend_on_its_labels():
    rows = World(videos=100).rows(1.0, 0.3)
    _, before = chosen(rows)
    mine = rows.fold == 3
    other = rows.table.copy()
    other.loc[mine, "label"] = 1 - other.loc[mine, "label"]
    _, after = chosen(Rows(other, rows.clear))
    assert after.choices[3] == before.choices[3]
    for name in ("raw", "p", "threshold"):
        np.testing.assert_array_equal(getattr(after, name)[mine], getattr(before, name)[mine])


def test_the_calibrated_score_is_a_probability_where_the_fusion_is_none():
    rows = World(videos=2000).rows(1.0, 1.0)
    _, result = chosen(rows, "rank_mean")
    top = result.p > 0.9
    assert rows.label[top].mean() == pytest.approx(result.p[top].mean(), abs=0.03)
    assert np.mean((result.p - rows.label) ** 2) < np.mean((result.raw - rows.label) ** 2) - 0.02


@pytest.mark.parametrize("rule", ["f1", "youden", "fpr=0.05"])
def test_thresholds_follow_their_rule_outside_the_fold(rule):
    rows = World(videos=2000).rows(1.2)
    _, result = chosen(rows, "mean", rule=rule)
    false_positives = result.decision[rows.label == 0].mean()
    if rule == "fpr=0.05":
        assert false_positives == pytest.approx(0.05, abs=0.02)
    assert result.decision[rows.label == 1].mean() > false_positives + 0.5
    by_hand = decisions(rows.table["s0_p"].to_numpy(), rows, rule)
    assert np.mean(by_hand == result.decision) > 0.97


def test_constant_scores_are_chosen_without_an_error():
    rows = World().rows(0.0)
    table = rows.table.assign(s0_p=0.5)
    _, result = chosen(Rows(table, rows.clear))
    assert not np.isnan(result.p).any()


def test_a_stream_that_abstains_is_fused_from_the_others():
    rows = World(videos=300).rows(1.5, 0.5, missing=0.3)
    _, result = chosen(rows)
    without = rows.table["s0_p"].isna().to_numpy()
    assert without.any() and not np.isnan(result.p).any()
    assert auc(rows.label[~without], result.p[~without]) > auc(rows.label[without], result.p[without])

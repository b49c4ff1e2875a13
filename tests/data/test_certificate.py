"""The certificate finds every planted leak and accuses no clean fold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from deepfake_core.contract.errors import LeakageFound
from deepfake_core.data import folds
from deepfake_core.data.certificate import certify, find_leaks
from deepfake_core.data.near_duplicates import near_duplicates
from tests.conftest import named_index


@pytest.fixture
def index():
    rows = [(f"r{i}", 0, "real", f"p{i}") for i in range(20)] + [(f"f{i}", 1, "fake", f"p{i}") for i in range(20)]
    return named_index(*rows)


@pytest.fixture
def drawn(index):
    return folds.draw(index)


@pytest.fixture
def plans(index, drawn):
    return [folds.plan(index, drawn, k) for k in range(5)]


def with_planted(plans, k, **changes):
    return [replace(plan, **{s: f(plan) for s, f in changes.items()}) if plan.index == k else plan for plan in plans]


def test_clean_folds_are_clean(index, drawn, plans, tmp_path):
    certificate = certify(index, drawn, plans, seed=42)
    certificate.require_clean()
    certificate.write(tmp_path / "c.json")
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["verdict"] == "clean"
    assert content["index_digest"] == index.digest
    assert [fold["shared_identities"] for fold in content["folds"]] == [0] * 5
    assert sum(fold["held_out"] for fold in content["folds"]) == 40


def test_planted_person_is_found(index, drawn, plans):
    person = plans[2].held_out[0].identities
    leaky = with_planted(plans, 2, train=lambda p: (replace(p.train[0], identities=person), *p.train[1:]))
    certificate = certify(index, drawn, leaky, seed=42)
    assert [fold["leaks"] for fold in certificate.content["folds"]] == [0, 0, 1, 0, 0]
    with pytest.raises(LeakageFound, match=person[0]) as caught:
        certificate.require_clean()
    assert caught.value.exit_code == 3


def test_second_person_of_a_swap_counts(plans):
    person = plans[0].held_out[0].identities[0]
    swap = replace(plans[0].train[0], identities=("somebody_else", person))
    leaks = find_leaks({"train": (swap,), "held_out": plans[0].held_out})
    assert [(leak.kind, leak.what) for leak in leaks] == [("identity", person)]


def test_planted_content_video_and_near_duplicate_are_found(plans):
    train, held_out = plans[0].train, plans[0].held_out
    same = (replace(train[0], sha256="x"), *train[1:])
    twin = (replace(held_out[0], sha256="x"), *held_out[1:])
    assert [leak.kind for leak in find_leaks({"train": same, "held_out": twin})] == ["content"]
    assert {leak.kind for leak in find_leaks({"train": (*train, held_out[0]), "held_out": held_out})} == {
        "video",
        "identity",
    }
    pairs = [(held_out[1].video_id, train[1].video_id), (train[0].video_id, train[1].video_id)]
    found = find_leaks({"train": train, "held_out": held_out}, pairs)
    assert [leak.kind for leak in found] == ["near_duplicate"]


def test_a_video_held_out_twice_or_never_is_not_clean(index, drawn, plans):
    assert not certify(index, drawn, plans[:4], seed=42).clean
    assert not certify(index, drawn, [*plans, plans[0]], seed=42).clean


def test_near_duplicates_of_random_hashes_are_the_planted_ones():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (300, 8 * 64), dtype=np.uint8)
    bits[17] = bits[200]
    bits[17, rng.choice(512, 40, replace=False)] ^= 1  # 5 bits per crop: near
    bits[40] = bits[41]
    bits[40, rng.choice(512, 41, replace=False)] ^= 1  # a little more: not near
    hashes = {f"v{i}": np.packbits(row).tobytes().hex() for i, row in enumerate(bits)}
    assert near_duplicates(hashes) == (("v17", "v200"),)


def test_near_duplicate_from_the_hashes_stops_the_step(index, drawn, plans):
    one, other = plans[1].held_out[0].video_id, plans[1].train[0].video_id
    rng = np.random.default_rng(1)
    hashes = {v.video_id: rng.bytes(64).hex() for v in index.videos}
    hashes[one] = hashes[other]
    certificate = certify(index, drawn, plans, seed=42, content_hashes=hashes)
    assert certificate.content["content_checked"]["perceptual"] == 40
    with pytest.raises(LeakageFound, match="near_duplicate"):
        certificate.require_clean()

"""Pseudo-fakes in an index: twins that stay with their originals, and that nobody takes for files."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract.errors import InvalidTable
from deepfake_core.data import folds, protocols, pseudo
from deepfake_core.data.certificate import certify
from deepfake_core.data.index import make_index, read_index, read_logged_index, write_index
from deepfake_core.data.separation import PROTOCOLS
from tests.conftest import named_index


def reals(people: int = 24, per_person: int = 2):
    """Real videos of two data sets, some of two people, each with content of its own."""
    rows = [
        (f"v{p}_{n}", 0, "real", f"p{p};p{p + 1}" if p % 6 == 0 else f"p{p}")
        for p in range(people)
        for n in range(per_person)
    ]
    videos = named_index(*rows).videos
    splits = {0: "test", 1: "val"}
    return make_index(
        [
            replace(v, dataset=f"d{n // 2 % 2}", sha256=f"{n:064x}", split=splits.get(n // 2 % 4 // 2, "train"))
            for n, v in enumerate(videos)
        ],
        "reals",
    )


def test_each_real_video_gets_a_twin_with_all_that_ties_it():
    index = reals()
    found = pseudo.with_twins(index)
    assert [v.video_id for v in found.videos[:4]] == ["v0_0", "v0_0~pseudo", "v0_1", "v0_1~pseudo"]
    for original, twin in zip(found.videos[::2], found.videos[1::2], strict=True):
        assert (twin.label, twin.method, twin.pseudo) == (1, "pseudo", True)
        assert replace(twin, video_id=original.video_id, label=0, method="real", pseudo=False) == original
    assert pseudo.without_twins(found) == index
    assert (pseudo.basis(index.videos), pseudo.basis(found.videos)) == ("deepfakes", "pseudo-fakes")
    assert pseudo.lacks_fakes(index) and not pseudo.lacks_fakes(found)


@pytest.mark.parametrize("protocol", [protocol for protocol in PROTOCOLS if protocol != "leave_one_method_out"])
def test_no_protocol_parts_a_twin_from_its_original(protocol):
    index = pseudo.with_twins(reals())
    drawn = protocols.draw(index, protocol, seed=3)
    assert all(drawn.fold[v.video_id] == drawn.fold[v.video_id + "~pseudo"] for v in index.videos[::2])
    plans = [folds.plan(index, drawn, k) for k in range(drawn.count)]
    # Streams that hash face tracks find each twin nearly equal to its original.
    hashes = {v.video_id: f"{int(v.sha256, 16) * 0x9E3779B97F4A7C15 % 2**64:016x}" * 8 for v in index.videos}
    certificate = certify(index, drawn, plans, seed=3, content_hashes=hashes)
    assert certificate.clean, certificate.content["folds"]


def test_the_digest_differs_from_the_plain_one_and_from_rows_that_only_look_alike():
    index = reals()
    found = pseudo.with_twins(index)
    alike = make_index([replace(v, pseudo=False) for v in found.videos], "alike")
    assert len({index.digest, found.digest, alike.digest}) == 3


def test_a_name_doesnt_make_a_twin(tmp_path):
    """Ids and methods that look like a twin's are the user's own affair."""
    index = named_index(("a~pseudo", 1, "pseudo", "a"), ("b", 0, "real", "b"))
    write_index(index, tmp_path / "own.csv")
    assert pseudo.basis(read_index(tmp_path / "own.csv").videos) == "deepfakes"
    assert "pseudo" not in pd.read_csv(tmp_path / "own.csv").columns
    with pytest.raises(InvalidTable, match="not unique: a~pseudo"):
        pseudo.with_twins(named_index(("a", 0, "real", "a"), ("a~pseudo", 0, "real", "b")))


def test_a_logged_index_is_honest_and_no_index_to_start_from(tmp_path):
    found, path = pseudo.with_twins(reals()), tmp_path / "logged.csv"
    write_index(found, path)
    table = pd.read_csv(path)
    assert list(table["method"].unique()) == ["real", "pseudo"] and table["pseudo"].sum() == 48
    assert read_logged_index(path).digest == found.digest
    with pytest.raises(InvalidTable, match="48 rows are pseudo-fakes") as caught:
        read_index(path)
    assert "index of the real videos" in caught.value.hint
    again = CliRunner().invoke(main, ["index", f"csv={path}", "--out", str(tmp_path / "again.csv"), "--check", "none"])
    assert again.exit_code == 2 and "48 rows are pseudo-fakes" in again.output


def test_figures_on_pseudo_fakes_have_names_of_their_own():
    assert pseudo.metric_name("auc", pseudo.DEEPFAKES) == "auc"
    assert [pseudo.metric_name(name, pseudo.PSEUDO_FAKES) for name in ("auc", "auc_low", "scored")] == [
        "pseudo_auc",
        "pseudo_auc_low",
        "scored",
    ]

"""Protocols from the index to fused scores: what is held out is what nothing that scores it has seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract.errors import FoldsImpossible, UsageError
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.files import Check
from deepfake_core.data.index import make_index, read_index, write_index
from deepfake_core.data.separation import LEAVE_ONE_DATASET_OUT, LEAVE_ONE_METHOD_OUT, OFFICIAL, PROTOCOLS
from deepfake_core.fusion.crossfit import Rows
from deepfake_core.steps import folds, fuse, stream

METHODS = ("blend", "swap", "warp")


@pytest.fixture
def toy_index(home: Path) -> Path:
    """Eighteen pairs of people in three data sets; each pair has two reals, and a fake by each of three methods."""
    rng = np.random.default_rng(3)
    folder = home / "videos"
    folder.mkdir()
    videos = []
    for pair in range(18):
        dataset, split = "abc"[pair % 3], "test" if pair < 5 else "val" if pair < 8 else "train"
        people = (f"p{pair:02d}x", f"p{pair:02d}y")
        for method, who in (("real", people[:1]), ("real", people[1:]), *((m, people) for m in METHODS)):
            name = f"{method}_{'_'.join(who)}"
            label = int(method != "real")
            (folder / f"{name}.mp4").write_text(f"{rng.normal(label, 0.7):.4f}\n{name}")
            videos.append(VideoRecord(name, folder / f"{name}.mp4", label, dataset, method, who, split))
    write_index(make_index(videos, "toy"), home / "index.csv")
    return home / "index.csv"


def number(video: VideoRecord) -> float:
    return float(video.path.read_text().split()[0])


@pytest.mark.parametrize("protocol", [LEAVE_ONE_METHOD_OUT, OFFICIAL, LEAVE_ONE_DATASET_OUT])
def test_streams_and_their_fusion_run_under_each_protocol(toys, toy_index, protocol, tmp_path):
    index = read_index(toy_index)
    oofs = {}
    for name in ("toy", "blurry"):
        oofs[name] = stream.run(name, str(toy_index), folds_given=protocol, refit=False, workers="1").oof
    drawn = folds.draw(index, protocol, 42)
    oof = oofs["toy"].set_index("video_id")
    assert oof["p"].notna().all()
    for plan in drawn.plans:
        # The toy's model is the mean of the two class means of its train videos.
        means = [np.mean([number(v) for v in plan.train if v.label == label]) for label in (0, 1)]
        for video in plan.held_out:
            expected = 1 / (1 + np.exp(-(number(video) - np.mean(means)) / 0.2))
            assert oof.loc[video.video_id, "p"] == pytest.approx(expected)

    result = fuse.run(
        "toys", str(toy_index), fuser="mean,logistic", folds_given=protocol, register=False, out=tmp_path / "out"
    )
    assert result.findings.joined.coverage["fused"] == 1
    assert not np.isnan(result.findings.nested.p).any()
    certificate = json.loads((tmp_path / "out" / "leakage_certificate.json").read_text())
    assert certificate["verdict"] == "clean" and certificate["protocol"] == protocol
    if protocol == LEAVE_ONE_METHOD_OUT:
        assert_no_fusion_learns_of_the_method_it_scores(result.findings.rows)


def assert_no_fusion_learns_of_the_method_it_scores(rows: Rows) -> None:
    assert len(rows.folds) == 9
    for k in rows.folds:
        held, known = rows.table[rows.fold == k], rows.table[rows.learnable([k])]
        (method,) = set(held["method"]) - {"real"}
        assert set(known["method"]) == {"real", *METHODS} - {method}
        assert not set(known["group"]) & set(held["group"])


def test_a_drawn_file_is_the_protocol_by_name(toy, toy_index, home):
    runner = CliRunner()
    drawn = runner.invoke(
        main, ["folds", "--index", str(toy_index), "--protocol", LEAVE_ONE_METHOD_OUT, "--out", "by_method.csv"]
    )
    assert drawn.exit_code == 0, drawn.output
    lines = [line.split() for line in drawn.output.splitlines()]
    assert [line[-1] for line in lines if line[:1] == ["4"]] == ["method:swap"]
    assert "content compared: 0 of 90 videos" in drawn.output
    assert set(pd.read_csv("by_method.csv")["protocol"]) == {LEAVE_ONE_METHOD_OUT}
    index = read_index(toy_index)
    assert folds.draw(index, "by_method.csv", 42).digests == folds.draw(index, LEAVE_ONE_METHOD_OUT, 42).digests


def test_parts_of_people_are_asked_for_by_number(toy_index, home):
    run = CliRunner().invoke
    command = ["folds", "--index", str(toy_index), "--protocol", LEAVE_ONE_METHOD_OUT, "--folds"]
    assert run(main, [*command, "2"]).exit_code == 0
    assert pd.read_csv("folds.csv")["fold"].max() == 5
    for count, says in (("1", "2 parts of people"), ("many", "is no number")):
        found = run(main, [*command, count])
        assert found.exit_code == 2 and says in found.output


def test_the_command_offers_every_protocol_and_check():
    def choices(command: str, option: str) -> tuple[str, ...]:
        (found,) = (each for each in main.commands[command].params if each.name == option)
        return tuple(found.type.choices)

    assert choices("folds", "protocol") == PROTOCOLS
    assert choices("index", "check") == get_args(Check)


def test_folds_that_are_nothing_known_are_named(toy_index):
    with pytest.raises(UsageError, match="'leave_one_out' is no number, protocol or file") as caught:
        folds.draw(read_index(toy_index), "leave_one_out", 42)
    assert LEAVE_ONE_METHOD_OUT in caught.value.hint
    with pytest.raises(FoldsImpossible, match=r"1 fold\(s\) asked for"):
        folds.draw(read_index(toy_index), "1", 42)

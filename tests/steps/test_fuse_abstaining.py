"""The fuse step on indices of its own: videos that a stream abstains on, streams that were never run, too few people."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from deepfake_core.contract import tables
from deepfake_core.contract.errors import FoldsImpossible, UsageError
from deepfake_core.fusion.joining import CoverageTooLow
from deepfake_core.steps import fuse, stream
from tests.conftest import index_again, write_toy_index


def test_a_video_without_a_face_is_dropped_or_modelled(toys, toy_index, home):
    index = pd.read_csv(toy_index)
    for path in index["path"][[2, 9, 20]]:
        Path(path).write_text("no face")
    index = index_again(toy_index)
    for name in ("toy", "blurry"):
        stream.run(name, str(index), workers="1", refit=False)
    with pytest.raises(CoverageTooLow, match=r"92\.5%"):
        fuse.run(toys, str(index), register=False)
    result = fuse.run(toys, str(index), fuser="mean,logistic", min_coverage=0.9, register=False)
    assert len(result.findings.rows.label) == 37
    assert "3 no_face" in (result.out / "report.md").read_text()
    fused = pd.read_parquet(result.out / tables.FUSED_FILE)
    assert len(fused) == 40 and fused["p"].isna().sum() == 3
    assert set(fused.loc[fused["p"].isna(), "toy_status"]) == {"no_face"}


def test_a_stream_that_was_never_run_is_named_with_the_command(toys, toy_index):
    with pytest.raises(UsageError, match="no finished run at all") as caught:
        fuse.run(toys, str(toy_index), register=False)
    assert "deepfake stream --name toy" in caught.value.hint


def test_three_people_are_too_few_to_choose_on(toys, home):
    folder = home / "few"
    folder.mkdir()
    index = write_toy_index(folder, home / "few.csv", people=2)
    for name in ("toy", "blurry"):
        stream.run(name, str(index), folds_given="2", workers="1", refit=False)
    with pytest.raises(FoldsImpossible, match="needs 3 folds"):
        fuse.run(toys, str(index), folds_given="2", register=False)

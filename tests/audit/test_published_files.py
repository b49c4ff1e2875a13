"""The published prediction files of the four-stream system: the faults that are known in them are found."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from deepfake_core.audit.run import run

FILES = Path(__file__).parents[3] / "shared" / "data" / "fourstream_csvs"
pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="needs the published files beside the repository")
INDEX, CNN, RPPG = (
    FILES / name
    for name in ("efficientnet_master_dataset_index.csv", "cnn_predictions_efficientnet.csv", "rppg_predictions.csv")
)


@pytest.fixture(scope="module")
def report():
    return run(INDEX, None, [CNN, RPPG])


def test_join_is_empty_as_shipped(report):
    cnn, rppg = pd.read_csv(CNN), pd.read_csv(RPPG)
    assert len(cnn.merge(rppg, on="video_id")) == 0
    (join,) = report.joins
    assert (join["rows_as_shipped"], join["ids_by_index"]) == (0, 256)


def test_repeated_ids(report):
    (found,) = [f for f in report.findings if f.kind == "duplicate_ids"]
    assert found.file == str(RPPG)
    assert found.counts == {"rows": 1631, "repeated_rows": 215, "repeated_ids": 198}


def test_shared_people_per_subset(report):
    """Counted here from the file names alone; the set called Custom carries numbers of FF++."""
    index = pd.read_csv(INDEX)
    held_out = index["video_id"].isin(pd.read_csv(CNN)["video_id"])

    def people(row):
        stem = row["video_id"].split("__", 1)[1].removesuffix(".mp4")
        if row["source"].startswith("Celeb"):
            return {part for part in stem.split("_") if part.startswith("id")}
        if row["source"] == "FF_DeepFakeDetection":
            return {f"actor {part}" for part in stem.split("__")[0].split("_")}
        return set(stem.split("_")) if row["source"].startswith(("FF", "Custom")) else {f"{row['source']} {stem}"}

    index["people"] = [people(row) for row in index.to_dict("records")]
    train = set().union(*index["people"][~held_out])
    index["shared"] = [bool(who & train) for who in index["people"]]
    expected = index[held_out].groupby("source")["shared"].agg(["size", "sum"])
    (leak,) = [f for f in report.findings if f.kind == "identity_leak"]
    found = {part["subset"]: (part["held_out"], part["shared"]) for part in leak.parts}
    assert found == {name: (row["size"], row["sum"]) for name, row in expected.iterrows()}
    assert (leak.counts["shared"], leak.counts["held_out"]) == (212, 367)
    assert found["Celeb_fake"] == (17, 17)
    assert report.exit_code == 3

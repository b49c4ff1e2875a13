"""Versions, the gate before champion, the way back, and the model as MLflow loads it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract import tables
from deepfake_core.contract.errors import EXIT_REFUSED, EXIT_USAGE, UsageError
from deepfake_core.detector import promotion, references, registry
from deepfake_core.detector.manifest import Manifest
from deepfake_core.evaluation.metrics import auc
from deepfake_core.steps import fuse, predict

NAME = registry.NAME


def said(*command: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    result = CliRunner().invoke(main, list(command))
    return result.exit_code, result.output


def test_a_new_version_is_the_challenger_with_its_figures(made):
    version = registry.version(NAME, "challenger")
    assert version == made.version and version.number == 1
    manifest = Manifest.read(made.folder)
    assert float(version.tags["auc"]) == pytest.approx(manifest.measured.auc, abs=1e-4)
    assert version.tags["index_digest"] == manifest.trained_on.index_digest
    code, text = said("models")
    assert code == 0 and "challenger" in text and f"{manifest.measured.auc:.3f} [" in text
    assert said("models", "--name", "other") == (0, "other has no versions yet: `deepfake run` makes the first.\n")


def test_the_model_card_says_what_it_is_how_good_and_where_its_limits_lie(made):
    text = (made.folder / "model_card.md").read_text()
    for heading in (
        "What it is",
        "What it was made from",
        "By method",
        "Calibration",
        "Limits",
        "How to make it again",
    ):
        assert f"## {heading}" in text
    assert "40 videos, 20 of them fake, of 20 people" in text and "| swap |" in text
    assert "![" not in text, "figures aren't beside the card"


def test_a_fresh_process_says_the_same(made):
    """``predict``, and the pyfunc in another process, by path and by content."""
    files = sorted(str(path) for path in made.videos.glob("swap_*.mp4"))[:3]
    here = [each.probability for each in predict.run(files, made.version.uri, workers="1").verdicts]
    sent = [f"data:video/mp4;base64,{base64.b64encode(Path(path).read_bytes()).decode()}" for path in files]
    script = (
        "import json, sys, mlflow, pandas as pd\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "found = model.predict(pd.DataFrame({'video': json.load(sys.stdin)}))\n"
        "print('ANSWER', found.to_json(orient='records'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, made.version.uri],
        input=json.dumps([*files, *sent, "/etc/passwd", "https://example.org/a.mp4"]),
        env={**os.environ, "DEEPFAKE_VIDEO_ROOTS": str(made.videos)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    rows = json.loads(done.stdout.partition("ANSWER ")[2])
    assert [row["probability"] for row in rows[:6]] == pytest.approx(here * 2, abs=1e-9)
    assert [row["verdict"] for row in rows[:3]] == [row["verdict"] for row in rows[3:6]]
    assert rows[6]["error"].startswith("refused") and rows[7]["error"].startswith("refused: a URL")
    assert rows[3]["video"] == "sent" and json.loads(rows[0]["streams"])[0]["stream"] == "toy"
    assert "index" in rows[0]["model"]


def test_without_folders_that_are_allowed_no_path_is_looked_at(made, monkeypatch):
    monkeypatch.delenv("DEEPFAKE_VIDEO_ROOTS", raising=False)
    model = mlflow.pyfunc.load_model(made.version.uri)
    path = next(made.videos.iterdir())
    found = model.predict(pd.DataFrame({"video": [str(path)]}))
    assert found["error"][0].startswith("refused") and "DEEPFAKE_VIDEO_ROOTS" in found["error"][0]


def test_requirements_and_signature_are_written(made):
    info = mlflow.models.get_model_info(made.version.uri)
    assert info.signature.inputs.input_names() == ["video"]
    assert {"verdict", "probability", "low", "high"} <= set(info.signature.outputs.input_names())
    folder = Path(mlflow.artifacts.download_artifacts(made.version.uri))
    needed = (folder / "requirements.txt").read_text().split()
    assert {"deepfake-core==0.1.0", "deepfake-toys==1.0", "deepfake-late-fusion==0.1.0"} <= set(needed)
    assert not list(folder.rglob("*.pkl"))


def test_champion_refusal_force_and_rollback(made, tmp_path):
    """The life of a detector, by the commands people use."""
    code, text = said("promote")
    assert code == 0 and "version 1 is champion" in text and "against" not in text
    first = registry.version(NAME, "champion")
    assert first.aliases == ("champion",) and first.tags["previous_champion"] == ""
    assert said("promote", "--version", "1")[0] == EXIT_USAGE
    assert said("rollback")[0] == EXIT_USAGE

    worse = registered_again(made, tmp_path, lambda p: 1 - p)
    code, text = said("promote", "--version", str(worse.number))
    assert code == EXIT_REFUSED, text
    assert "comparison: AUC -" in text and "--force" in text
    assert registry.version(NAME, "champion").number == 1
    assert said("promote", "--version", str(worse.number), "--force")[0] == EXIT_USAGE

    code, text = said("promote", "--version", str(worse.number), "--force", "--reason", "a drill")
    assert code == 0 and "against  comparison" in text
    forced = registry.version(NAME, "champion")
    assert forced.number == worse.number and forced.tags["forced_reason"] == "a drill"
    assert forced.tags["previous_champion"] == "1" and "comparison against" in forced.tags["gate"]

    code, text = said("rollback", "--reason", "the drill is over")
    assert code == 0 and "version 1 is champion again" in text
    assert registry.version(NAME, "champion").number == 1
    assert registry.version(NAME, str(worse.number)).tags["rolled_back_reason"] == "the drill is over"


def registered_again(made, tmp_path: Path, change) -> registry.Version:
    """Another version of the same detector whose out-of-fold scores are other ones."""
    folder = tmp_path / "changed"
    shutil.copytree(made.folder, folder)
    table = pd.read_parquet(folder / tables.FUSED_FILE)
    table.assign(p=change(table["p"])).to_parquet(folder / tables.FUSED_FILE, index=False)
    with mlflow.start_run():
        return registry.register(folder, Manifest.read(folder), NAME)


@pytest.mark.parametrize(
    ("spoilt", "check", "found"),
    [
        (lambda folder: (folder / tables.CERTIFICATE_FILE).unlink(), "certificate", "can't be read"),
        (lambda folder: rewrite(folder / tables.CERTIFICATE_FILE, verdict="leaking"), "certificate", "leaking"),
        (lambda folder: rewrite(folder / tables.CERTIFICATE_FILE, index_digest="0"), "certificate", "another index"),
    ],
)
def test_the_gate_sees(made, tmp_path, spoilt, check, found):
    folder = tmp_path / "copy"
    shutil.copytree(made.folder, folder)
    spoilt(folder)
    result = promotion._certificate(folder, Manifest.read(folder))
    assert result.name == check and not result.passed and found in result.found


def rewrite(path: Path, **fields: object) -> None:
    """Changes fields of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_reference_clips_that_are_gone_changed_or_scored_otherwise(made, tmp_path):
    assert references.check(made.version.uri, made.folder) == []
    folder = tmp_path / "copy"
    shutil.copytree(made.folder, folder)
    known = json.loads((folder / "references.json").read_text())
    assert len(known) == 4 and sum("swap" in each["path"] for each in known) == 2
    known[0]["probability"] += 2e-3
    (folder / "references.json").write_text(json.dumps(known))
    assert "was" in references.check(made.version.uri, folder)[0]
    (folder / "references.json").write_text(
        json.dumps([{**known[0], "sha256": "0"}, {**known[1], "path": "/gone.mp4"}])
    )
    assert [text.rpartition(" ")[2] for text in references.check(made.version.uri, folder)] == ["changed", "here"]


def test_the_gate_asks_for_coverage_and_the_same_index(made):
    checks = {check.name: check for check in promotion.gate(made.version, None, margin=0.005, min_coverage=1.0)}
    assert list(checks) == ["certificate", "coverage", "references"] and all(c.passed for c in checks.values())
    assert not promotion._coverage(Manifest.read(made.folder), 1.01).passed


def test_a_champion_of_another_index_cant_be_compared(made, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(made.folder, folder)
    content = json.loads((folder / "detector.json").read_text())
    rewrite(folder / "detector.json", trained_on={**content["trained_on"], "index_digest": "0"})
    found = promotion._comparison(made.folder, folder, made.version, 0.005)
    assert not found.passed and "another index" in found.found


def test_a_version_may_be_below_by_the_margin(made, tmp_path):
    """The most fake of the fakes and the most real of the reals change places."""
    folder = tmp_path / "swapped"
    shutil.copytree(made.folder, folder)
    table = pd.read_parquet(folder / tables.FUSED_FILE).sort_values("p", ignore_index=True)
    real, fake = int((table["label"] == 0).idxmax()), int((table["label"] == 1).cumsum().idxmax())
    table.loc[[real, fake], "p"] = table.loc[[fake, real], "p"].to_numpy()
    table.to_parquet(folder / tables.FUSED_FILE, index=False)
    drop = -paired(made.folder, folder)
    assert drop > 0
    assert promotion._comparison(folder, made.folder, made.version, drop + 1e-9).passed
    assert not promotion._comparison(folder, made.folder, made.version, drop - 1e-9).passed


def paired(old: Path, new: Path) -> float:
    """AUC of the new scores minus that of the old ones."""
    one, other = (pd.read_parquet(folder / tables.FUSED_FILE) for folder in (new, old))
    return auc(one["label"], one["p"]) - auc(other["label"], other["p"])


def test_no_such_version(made):
    with pytest.raises(UsageError, match="no version '77'"):
        registry.version(NAME, "77")
    with pytest.raises(UsageError, match="has no version 'champion'"):
        registry.version("nothing", "champion")


def test_scores_from_a_file_leave_nothing_to_register(made, tmp_path):
    table = pd.DataFrame({"video_id": [v.stem for v in made.videos.iterdir()]})
    ids = "toy__" + table["video_id"].str.replace("_", "__", n=1)
    csv = tmp_path / "theirs.csv"
    pd.DataFrame({"video_id": ids, "p": 0.5}).to_csv(csv, index=False)
    result = fuse.run("toy,theirs", str(made.index), fuser="mean", predictions={"theirs": csv}, out=tmp_path / "out")
    assert result.version is None

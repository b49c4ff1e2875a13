"""From an index of real videos alone to a verdict, by the commands people use; and what nobody may be led to believe."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract import tables
from deepfake_core.contract.errors import EXIT_REFUSED, EXIT_USAGE
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.index import make_index, read_index, write_index
from deepfake_core.data.pseudo import CAUTION
from deepfake_core.detector import promotion, registry
from deepfake_core.detector.manifest import Manifest
from tests.conftest import install_blend, leave_home, make_home, write_real_index, write_toy_index

NAME = registry.NAME


def said(*command: object) -> tuple[int, str]:
    """Exit code and output of a command."""
    result = CliRunner().invoke(main, [str(word) for word in command])
    return result.exit_code, result.output


def newest(step: str) -> mlflow.entities.Run:
    return mlflow.search_runs(
        search_all_experiments=True,
        filter_string=f"tags.`deepfake.step` = '{step}' and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
        output_format="list",
    )[0]


@dataclass(frozen=True)
class Done:
    """A detector that was made from real videos alone: their index, what was printed, the run's folder, the detector's."""

    home: Path
    index: Path
    printed: str
    out: Path
    folder: Path

    @property
    def manifest(self) -> Manifest:
        return Manifest.read(self.folder)


@pytest.fixture(scope="module")
def done(tmp_path_factory, empty_tracking_store) -> Iterator[Done]:
    """``deepfake run`` on twenty real videos."""
    with pytest.MonkeyPatch.context() as patch:
        home = make_home(tmp_path_factory.mktemp("home"), patch, empty_tracking_store)
        install_blend(tmp_path_factory, patch)
        (home / "videos").mkdir()
        index = write_real_index(home / "videos", home / "reals.csv")
        code, printed = said(
            "run", "--ensemble", "blend", "--index", index, "--fuser", "logistic", "--workers", "1", "--out", "made"
        )
        assert code == 0, printed
        folder = registry.fetch(f"models:/{NAME}/1", tmp_path_factory.mktemp("fetched"))
        yield Done(home, index, printed, home / "made", folder)
        leave_home()


def test_every_real_video_and_its_pseudo_fake_is_scored_out_of_fold(done):
    table = pd.read_parquet(done.out / tables.FUSED_FILE)
    assert len(table) == 40 and table["p"].notna().all()
    assert table.groupby("method")["label"].agg(["size", "max"]).to_dict() == {
        "size": {"pseudo": 20, "real": 20},
        "max": {"pseudo": 1, "real": 0},
    }
    original = table["video_id"].str.removesuffix("~pseudo")
    assert (table.groupby(original)["fold"].nunique() == 1).all()
    certificate = json.loads((done.out / tables.CERTIFICATE_FILE).read_text())
    assert certificate["verdict"] == "clean" and certificate["people"] == 20
    assert certificate["index_digest"] != read_index(done.index).digest


def test_printed_and_written_words_say_what_was_measured(done):
    assert "AUC on pseudo-fakes" in done.printed and CAUTION in done.printed
    for name in ("report.md", "report.html"):
        text = html.unescape((done.out / name).read_text())
        assert CAUTION in text and "How good is the ensemble on pseudo-fakes?" in text
        assert "Shown a pseudo-fake and a real video" in text and "20 real videos and 20 pseudo-fakes of them" in text
        assert "pseudo_auc" in text and not re.search(r"[| >]auc[ |<]", text)
    metrics = pd.read_csv(done.out / tables.EXPORTS_DIR / "ensemble" / tables.ENSEMBLE_METRICS_FILE)
    assert "pseudo_auc_low" in metrics and "auc" not in metrics and "scored" in metrics
    card = (done.folder / "model_card.md").read_text()
    assert CAUTION in card and "20 real videos alone, and a pseudo-fake of each, of 20 people" in card


@pytest.mark.parametrize("step", ["run", "fuse", "stream"])
def test_runs_carry_the_basis_and_no_metric_that_looks_like_one_on_deepfakes(done, step):
    run = newest(step)
    assert run.data.tags["deepfake.basis"] == "pseudo-fakes"
    assert "pseudo_auc" in run.data.metrics
    assert not [name for name in run.data.metrics if name.startswith(("auc", "brier", "balanced", "optimism"))]


def test_fold_runs_neither(done):
    fold = newest("fold")
    children = mlflow.search_runs([fold.info.experiment_id], "tags.`deepfake.step` = 'fold'", output_format="list")
    held_out = [child.data.metrics for child in children if child.data.tags["deepfake.fold"] != "refit"]
    assert len(held_out) == 5
    assert all("pseudo_auc" in metrics and "auc" not in metrics for metrics in held_out)


def test_the_logged_index_names_pseudo_fakes_and_starts_nothing(done):
    logged = mlflow.artifacts.download_artifacts(run_id=newest("fuse").info.run_id, artifact_path=tables.INDEX_FILE)
    assert (pd.read_csv(logged)["method"] == "pseudo").sum() == 20
    code, text = said("stream", "--name", "blend", "--index", logged)
    assert code == EXIT_USAGE and "20 rows are pseudo-fakes" in text and "index of the real videos" in text
    counts = json.loads(newest("fuse").inputs.dataset_inputs[0].dataset.profile)
    assert counts == {"videos": 20, "fakes": 0, "pseudo_fakes": 20}


def test_the_manifest_and_the_version_carry_the_basis(done):
    manifest, version = done.manifest, registry.version(NAME, "1")
    assert manifest.basis == "pseudo-fakes" and manifest.videos == "20 real videos alone"
    assert version.basis == "pseudo-fakes" and version.auc[0] == pytest.approx(manifest.measured.auc, abs=1e-4)
    assert not [name for name in version.tags if name.startswith("auc")]
    code, text = said("models")
    assert code == 0 and f"none (pseudo-fakes {manifest.measured.auc:.3f})" in text


def test_a_manifest_of_before_is_on_deepfakes(done, tmp_path):
    content = json.loads((done.folder / "detector.json").read_text())
    del content["basis"]
    (tmp_path / "detector.json").write_text(json.dumps(content))
    assert Manifest.read(tmp_path).basis == "deepfakes"


def test_reference_clips_are_real_files(done):
    known = json.loads((done.folder / "references.json").read_text())
    paths = {each["path"] for each in known}
    assert len(paths) == 4 and all(Path(path).name.startswith("real_") for path in paths)


def test_a_verdict_names_the_basis_everywhere(done, tmp_path):
    video = next(iter((done.home / "videos").glob("swap_*.mp4")))
    files = {kind: tmp_path / f"v.{kind}" for kind in ("json", "csv", "html")}
    code, text = said(
        *("predict", video, "--model", f"models:/{NAME}/1", "--workers", "1"),
        *("--json", files["json"], "--csv", files["csv"], "--report", files["html"]),
    )
    assert code == 0 and CAUTION in text
    assert json.loads(files["json"].read_text())["verdicts"][0]["basis"] == "pseudo-fakes"
    assert list(pd.read_csv(files["csv"])["basis"]) == ["pseudo-fakes"]
    page = html.unescape(files["html"].read_text())
    assert CAUTION in page and "AUC on pseudo-fakes" in page and "ways to forge" not in page


def test_so_does_a_served_model(done):
    model = mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    assert "basis" in model.metadata.signature.outputs.input_names()
    found = model.predict(pd.DataFrame({"video": ["/etc/passwd"]}))
    assert list(found["basis"]) == ["pseudo-fakes"] and found["error"][0].startswith("refused")


def test_stream_and_fuse_alone_give_the_same(done):
    code, text = said("stream", "--name", "blend", "--index", done.index, "--workers", "1")
    assert code == 0 and "out-of-fold AUC on pseudo-fakes" in text and CAUTION in text, text
    run_id = newest("stream").info.run_id
    for more in (["--ensemble", "blend"], ["--runs", run_id]):
        options = ["--index", done.index, "--fuser", "mean", "--register", "false", "--out", "again"]
        code, text = said("fuse", *more, *options)
        assert code == 0 and "AUC on pseudo-fakes" in text, text


def test_extract_makes_the_pseudo_fakes_that_training_takes(done):
    code, text = said("extract", "--name", "blend", "--index", done.index, "--workers", "1")
    assert code == 0 and "40 ok" in text
    code, text = said("extract", "--name", "toy", "--index", done.index, "--workers", "1")
    assert code == 0 and "20 ok" in text


@pytest.mark.parametrize(
    "command",
    [
        ("stream", "--name", "toy"),
        ("run", "--ensemble", "toy,blend"),
        ("fuse", "--ensemble", "toy,blend"),
        ("fuse", "--ensemble", "blend", "--predictions", "blend=scores.csv"),
        ("folds",),
    ],
    ids=" ".join,
)
def test_whatever_needs_fakes_refuses_and_names_the_way(done, command):
    code, text = said(*command, "--index", done.index)
    assert code == EXIT_USAGE and "all 20 videos are real" in text
    assert "--ensemble blend" in text or "selfblend,blend" in text or "blend,selfblend" in text


def test_an_index_with_both_classes_gets_no_pseudo_fakes(done, tmp_path):
    index = write_toy_index(tmp_path, tmp_path / "both.csv")
    code, text = said("stream", "--name", "blend", "--index", index, "--workers", "1", "--refit", "false")
    assert code == 0 and "pseudo" not in text and "40 of 40 videos" in text
    assert newest("stream").data.tags["deepfake.basis"] == "deepfakes"
    assert "auc" in newest("stream").data.metrics


def test_evaluate_measures_it_on_deepfakes_of_other_people(done, tmp_path):
    index = read_index(write_toy_index(tmp_path, tmp_path / "both.csv", people=8))
    others = [
        VideoRecord(f"o{n}", v.path, v.label, "others", v.method, (f"other{v.identities[0]}",))
        for n, v in enumerate(index.videos)
    ]
    # The same content is in both: only the numbers of people differ, so a line is added.
    for each in others:
        each.path.write_text(each.path.read_text() + "\nothers")
    write_index(make_index(others, "others"), tmp_path / "others.csv")
    model = ("--model", f"models:/{NAME}/1", "--workers", "1", "--out", tmp_path / "evaluation")
    code, text = said("evaluate", "--index", tmp_path / "others.csv", *model)
    assert code == 0 and "shared with the videos it was made from: nothing" in text, text
    assert newest("evaluate").data.metrics["auc"] > 0.5
    report = (tmp_path / "evaluation" / "report.md").read_text()
    assert "but on pseudo-fakes: it was made from real videos alone" in report
    assert "Compared with the 20 videos that it was made from" in report


def test_evaluate_knows_the_people_that_it_was_made_from(done, tmp_path):
    """Its fakes show people whose real videos it has seen; an id that looks like a twin's is no overlap of its own."""
    real = read_index(done.index).videos[0]
    (tmp_path / "fake.mp4").write_text("0.9\nnew")
    fake = VideoRecord(f"{real.video_id}~pseudo", tmp_path / "fake.mp4", 1, "d", "swap", real.identities)
    stranger = VideoRecord("stranger", tmp_path / "fake.mp4", 0, "d", "real", ("nobody",))
    write_index(make_index([fake, stranger], "d"), tmp_path / "d.csv")
    model = ("--model", f"models:/{NAME}/1", "--workers", "1", "--out", tmp_path / "evaluation")
    code, text = said("evaluate", "--index", tmp_path / "d.csv", *model)
    assert code == EXIT_REFUSED and f"people: {real.identities[0]}" in text and "video ids" not in text


def test_the_gate_says_what_it_knows_and_never_compares_the_two_kinds(done, tmp_path):
    code, text = said("promote", "--version", "1")
    assert code == 0 and "ok       basis: No deepfake was there" in text, text
    version = registry.version(NAME, "1")
    other = tmp_path / "other"
    shutil.copytree(done.folder, other)
    content = json.loads((other / "detector.json").read_text())
    (other / "detector.json").write_text(json.dumps(content | {"basis": "deepfakes"}))
    for one, champion in ((done.folder, other), (other, done.folder)):
        found = promotion._comparison(one, champion, version, 0.005)
        assert not found.passed and "on one index that has deepfakes" in found.found and "+0" not in found.found
    same = promotion._comparison(done.folder, done.folder, version, 0.005)
    assert same.passed and same.found.startswith("AUC on pseudo-fakes +0.000")


def test_the_audit_tells_ids_that_the_index_lacks(done):
    exported = done.out / tables.EXPORTS_DIR / "ensemble" / tables.ENSEMBLE_PREDICTIONS_FILE
    code, text = said("audit", "--index", done.index, exported)
    assert code == 0 and "20 ids aren't in the index" in text and "toy__real__0~pseudo" in text, text
    logged = mlflow.artifacts.download_artifacts(run_id=newest("fuse").info.run_id, artifact_path=tables.INDEX_FILE)
    code, text = said("audit", "--index", logged, exported)
    assert code == 0 and "unknown_ids" not in text and "40 held out in 5 folds" in text, text

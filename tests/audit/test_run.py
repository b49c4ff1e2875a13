"""An audit finds every planted leak and fault, finds none in what this project draws, and its exit code follows from the leaks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.audit.findings import FAULT, KINDS, LEAK, Report
from deepfake_core.audit.run import run
from deepfake_core.cli import main
from deepfake_core.data import folds as drawing
from deepfake_core.data import protocols
from deepfake_core.data.certificate import certify
from deepfake_core.data.identities import NOTHING
from deepfake_core.data.index import Index, write_index
from deepfake_core.data.separation import KFOLD, OFFICIAL, TEST, Protocol
from tests.data.test_folds import celeb_like, ffpp_like
from tests.data.test_protocols import official_pairs

PAIRS = [(f"{a:03d}", f"{a + 1:03d}") for a in range(100, 180, 2)]


@pytest.fixture
def clean(tmp_path, monkeypatch) -> Path:
    """FF++-like index with folds of this project, a good detector's out-of-fold scores, and a held-out fold of it."""
    monkeypatch.chdir(tmp_path)
    index = ffpp_like(PAIRS)
    drawn = save(index)
    rng = np.random.default_rng(0)
    label = np.array([video.label for video in index.videos])
    oof = pd.DataFrame({"video_id": [v.video_id for v in index.videos], "label": label})
    oof["P_CNN"] = np.clip(rng.normal(0.2 + 0.6 * label, 0.1), 0, 1)
    oof["fold"] = oof["video_id"].map(drawn.fold)
    oof.to_csv("oof.csv", index=False)
    oof[oof["fold"] == 0].drop(columns="fold").to_csv("fold0.csv", index=False)
    return tmp_path


def save(index: Index, protocol: Protocol = KFOLD) -> drawing.Folds:
    write_index(index, Path("index.csv"))
    drawn = protocols.draw(index, protocol)
    drawing.write_folds(drawn, Path("folds.csv"))
    certify(index, drawn, [drawing.plan(index, drawn, k) for k in range(5)], seed=42).write(
        Path("leakage_certificate.json")
    )
    return drawn


def audit(*predictions: str, folds: str | None = None, index: str = "index.csv", **options) -> Report:
    return run(Path(index), Path(folds) if folds else None, [Path(name) for name in predictions], **options)


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.findings}


def only(report: Report, kind: str):
    found = [finding for finding in report.findings if finding.kind == kind]
    assert len(found) == 1, [f.kind for f in report.findings]
    return found[0]


def edit(name: str, change) -> None:
    table = pd.read_csv(name, dtype={"video_id": str, "sha256": str})
    changed = change(table)
    (table if changed is None else changed).to_csv(name, index=False)


@pytest.mark.parametrize(
    ("predictions", "folds", "rule"),
    [
        ([], "folds.csv", ["purged folds"]),
        (["oof.csv"], None, ["fold column"]),
        (["oof.csv"], "folds.csv", ["purged folds"]),
        (["fold0.csv"], None, ["coverage"]),
    ],
)
def test_what_this_project_draws_is_clean(clean, predictions, folds, rule):
    report = audit(*predictions, folds=folds)
    assert kinds(report) <= {"unscored_videos"}
    assert [side["rule"] for side in report.sides] == rule
    assert report.exit_code == 0
    assert report.to_json()["verdict"] == "no leak found"
    assert report.people == {"identities column": len(PAIRS) * 10}


def test_purged_folds_of_a_dense_swap_graph_are_clean_only_with_their_certificate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(celeb_like(people=20, partners=6))
    report = audit(folds="folds.csv")
    assert report.sides[0]["rule"] == "purged folds"
    assert report.exit_code == 0
    edit("index.csv", lambda table: table.iloc[1:])
    edit("folds.csv", lambda table: table.iloc[1:])
    report = audit(folds="folds.csv")
    assert report.sides[0]["rule"] == "folds", "the certificate is about another index"
    assert only(report, "identity_leak").counts["share"] > 0.9


def test_official_test_videos_train_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    index = official_pairs()
    drawn = save(index, OFFICIAL)
    side = audit(folds="folds.csv").sides[0]
    assert side["rule"] == "purged folds"
    trained = [sum(v.split != TEST and drawn.fold[v.video_id] != k for v in index.videos) for k in range(drawn.count)]
    assert side["train"] == min(trained)


def test_empty_files_share_no_content(clean):
    edit("index.csv", lambda table: table.assign(sha256=NOTHING))
    assert kinds(audit("oof.csv")).isdisjoint({"repeated_content", "content_leak"})


def test_planted_identity_leak_is_counted_per_subset(clean):
    """Two fold-0 videos of one pair stay without a score: they train, and the pair's other eight videos are held out."""
    fold0 = pd.read_csv("fold0.csv")
    a, b = next(pair for pair in PAIRS if fold0["video_id"][0].endswith(pair))
    moved = {f"ff__original__{a}", f"ff__FaceSwap__{b}_{a}"}
    fold0[~fold0["video_id"].isin(moved)].to_csv("fold0.csv", index=False)
    report = audit("fold0.csv")
    leak = only(report, "identity_leak")
    assert leak.severity == LEAK
    assert report.exit_code == 3
    # b's original, and both directions of four methods less the moved one.
    assert (leak.counts["shared"], leak.counts["people"]) == (8, 2)
    shared = {part["subset"]: part["shared"] for part in leak.parts}
    assert shared == {f"names {m}": 2 for m in ("Deepfakes", "Face2Face", "NeuralTextures")} | {
        "names FaceSwap": 1,
        "names original": 1,
    }


def test_one_identity_reading_of_a_swap_is_found_out(clean):
    """The identities column keeps the base person only: folds drawn from it are not disjoint, and the audit sees that."""

    def base_only(table):
        table["identities"] = "FF_person_" + table["identity"].astype(str)
        table["dataset"] = "FaceForensics++"

    edit("index.csv", base_only)
    edit("folds.csv", lambda table: table.assign(fold=table["video_id"].str.extract(r"__(\d+)")[0].astype(int) % 2))
    report = audit(folds="folds.csv")
    assert only(report, "identities_incomplete").counts["incomplete"] == len(PAIRS) * 8
    assert only(report, "identity_leak").counts["share"] == 1
    assert report.people == {"file name": len(PAIRS) * 10}


def test_planted_copies_across_the_sides(clean):
    def same_hash(table):
        table["sha256"] = [f"{n:064x}" for n in range(len(table))]
        fold = drawn["fold"].to_numpy()
        table.loc[[np.flatnonzero(fold == 0)[0], np.flatnonzero(fold == 1)[0]], "sha256"] = "f" * 64

    drawn = pd.read_csv("folds.csv")
    edit("index.csv", same_hash)
    report = audit(folds="folds.csv")
    assert only(report, "content_leak").counts["shared"] == 2
    assert only(report, "repeated_content").counts == {"videos": 2, "files": 1, "files_of_both_labels": 0}
    assert report.exit_code == 3


def test_planted_label_conflict_is_a_fault(clean):
    edit("oof.csv", lambda table: table.assign(label=table["label"].where(table.index != 7, 1 - table["label"])))
    report = audit("oof.csv")
    conflict = only(report, "label_conflict")
    assert conflict.severity == FAULT
    assert conflict.counts == {"compared": len(PAIRS) * 10, "conflicts": 1}
    assert conflict.named == [pd.read_csv("oof.csv")["video_id"][7]]
    assert report.exit_code == 0


def test_label_as_score_is_a_leak(clean):
    edit("oof.csv", lambda table: table.assign(P_CNN=table["label"] * 0.8 + 0.1))
    assert "label_in_scores" in kinds(audit("oof.csv"))
    assert audit("oof.csv").exit_code == 3


def test_video_in_two_folds(clean):
    edit("folds.csv", lambda table: pd.concat([table, table.head(1).assign(fold=(table["fold"][0] + 1) % 5)]))
    found = only(audit(folds="folds.csv"), "video_on_both_sides")
    assert found.counts["shared"] == 1
    assert found.severity == LEAK


def test_other_folds_than_those_given_are_audited_too(clean):
    edit("oof.csv", lambda table: table.assign(fold=table.index % 5))
    report = audit("oof.csv", folds="folds.csv")
    assert only(report, "fold_conflict").severity == FAULT
    assert [side["rule"] for side in report.sides] == ["purged folds", "fold column"]
    assert only(report, "identity_leak").file == "oof.csv"


@pytest.mark.parametrize(
    ("change", "kind", "counts"),
    [
        (lambda t: pd.concat([t, t.head(3)]), "duplicate_ids", {"repeated_rows": 3, "repeated_ids": 3}),
        (lambda t: t.assign(P_CNN=t["P_CNN"].where(t.index > 1, 1.2)), "scores_out_of_range", {"outside": 2}),
        (lambda t: t.assign(P_CNN=np.nan), "no_scores", {"missing": 400}),
        (lambda t: t.assign(P_CNN=t["P_CNN"].where(t.index > 1)), "missing_scores", {"missing": 2}),
        (lambda t: t.assign(P_CNN=0.5), "constant_scores", {"rows": 400}),
        (lambda t: t.assign(P_CNN=1 - t["P_CNN"]), "scores_inverted", {"rows": 400}),
        (lambda t: t[t["label"] == 1], "one_class", {"rows": 320}),
        (lambda t: t.assign(video_id=t["video_id"].where(t.index > 1, "x" + t["video_id"])), "unknown_ids", {"ids": 2}),
        (lambda t: t.assign(video_id=t["video_id"].where(t.index > 1)), "empty_ids", {"empty": 2}),
        (lambda t: t.assign(fold=np.where(t["label"] == 1, t["fold"], 4)), "prevalence_shift", {}),
    ],
)
def test_each_fault_of_a_file_is_found_and_counted(clean, change, kind, counts):
    edit("oof.csv", change)
    finding = only(audit("oof.csv"), kind)
    assert counts.items() <= finding.counts.items()
    assert finding.file == "oof.csv"
    assert finding.do


def test_bare_names_lose_the_join_and_are_told_apart_by_the_index(clean):
    """The four methods' swaps share their bare names, originals don't: those alone can be found in the index."""
    table = pd.read_csv("oof.csv")
    table["video_id"] = table["video_id"].str.rpartition("__")[2] + ".mp4"
    table.rename(columns={"P_CNN": "P_rPPG"}).drop(columns="fold").to_csv("bare.csv", index=False)
    report = audit("oof.csv", "bare.csv")
    assert only(report, "join_empty").counts["rows_as_shipped"] == 0
    assert only(report, "join_empty").counts["ids_by_index"] == 80
    assert only(report, "ids_of_other_style").counts == {
        "ids": 160,
        "exact": 0,
        "by_stem": 80,
        "ambiguous": 80,
        "absent": 0,
    }
    assert only(report, "duplicate_ids").counts["repeated_rows"] == 240


def test_join_of_three_files_loses_what_any_of_them_lacks(clean):
    table = pd.read_csv("oof.csv")
    table.iloc[:300].to_csv("b.csv", index=False)
    table.iloc[200:].to_csv("c.csv", index=False)
    joins = {tuple(join["files"]): join["ids_as_shipped"] for join in audit("oof.csv", "b.csv", "c.csv").joins}
    assert joins == {
        ("oof.csv", "b.csv"): 300,
        ("oof.csv", "c.csv"): 200,
        ("b.csv", "c.csv"): 100,
        ("oof.csv", "b.csv", "c.csv"): 100,
    }


def test_two_data_sets_of_one_numbering_are_one(clean):
    """A second data set numbers its swaps as FF++ does; a third uses the same numbers in other pairs."""
    rng = np.random.default_rng(0)
    numbers = [f"{n:03d}" for n in range(1000)]
    pairs = ["_".join(rng.choice(numbers, 2, replace=False)) for _ in range(200)]
    others = ["_".join(rng.choice(numbers, 2, replace=False)) for _ in range(200)]
    rows = [("FF_Deepfakes", pair) for pair in pairs] + [("Mine_fake", pair) for pair in pairs[:100]]
    rows += [("Other_fake", pair) for pair in [*others, pairs[0]]]
    index = pd.DataFrame(rows, columns=["source", "name"])
    index["video_id"], index["label"] = index["source"] + "__" + index["name"] + ".mp4", 1
    index.drop(columns="name").assign(path=index["name"] + ".mp4").to_csv("i.csv", index=False)
    pd.DataFrame({"video_id": index["video_id"][200:300], "p": 0.5}).to_csv("p.csv", index=False)
    report = audit("p.csv", index="i.csv")
    found = {finding.subset: finding.counts for finding in report.findings if finding.kind == "repeated_names"}
    assert found["ffpp / Mine"]["one_numbering"] == 1
    assert found["ffpp / Mine"]["names"] == 100
    assert found["ffpp / Other"]["one_numbering"] == 0
    assert only(report, "identity_leak").counts["share"] == 1


def test_few_videos_without_a_score_are_failures_not_the_train_set(clean):
    edit("oof.csv", lambda table: table.drop(columns="fold").iloc[5:])
    report = audit("oof.csv")
    assert "train_unknown" in kinds(report)
    assert not report.sides
    assert report.exit_code == 0


def test_failures_of_a_file_with_folds_have_trained_nothing(clean):
    edit("oof.csv", lambda table: table.iloc[::2])
    report = audit("oof.csv")
    assert report.sides[0]["rule"] == "fold column"
    assert kinds(report) == {"unscored_videos"}


def test_split_column_of_a_file(clean):
    edit("oof.csv", lambda t: t.drop(columns="fold").assign(split=t["fold"].map({0: "test", 1: ""}).fillna("train")))
    report = audit("oof.csv")
    assert kinds(report) == set()
    assert (report.sides[0]["rule"], report.sides[0]["held_out"] + report.sides[0]["train"]) == ("split column", 320)


def test_folds_that_lack_videos_or_know_others(clean):
    edit(
        "folds.csv", lambda table: table.iloc[3:].assign(video_id=table["video_id"].where(table.index != 5, "stranger"))
    )
    report = audit(folds="folds.csv")
    assert only(report, "without_fold").counts == {"videos": 400, "without": 4}
    assert only(report, "unknown_ids").named == ["stranger"]


def test_a_file_about_other_videos_has_no_side(clean):
    edit("oof.csv", lambda table: table.assign(video_id="z" + table["video_id"]))
    report = audit("oof.csv")
    assert only(report, "unknown_ids").counts["ids"] == 400
    assert not report.sides


def test_paths_that_name_no_file_are_no_copies(clean):
    edit("index.csv", lambda table: table.assign(path="frames/"))
    assert kinds(audit(folds="folds.csv")) == set()
    edit("index.csv", lambda table: table.assign(path="v.mp4"))
    assert only(audit(folds="folds.csv"), "repeated_content").counts["files"] == 5


def test_split_column_of_the_index(clean):
    fold = pd.read_csv("folds.csv")["fold"]
    edit("index.csv", lambda table: table.assign(split=np.where(fold == 0, "test", "train")))
    assert kinds(audit()) == set()
    assert audit().sides[0]["held_out"] == int((fold == 0).sum())
    edit("index.csv", lambda table: table.assign(split=np.where(table.index % 2, "val", "Train")))
    assert audit().exit_code == 3


def test_identity_pattern_given(clean):
    edit("index.csv", lambda table: table[["video_id", "label"]])
    report = audit("fold0.csv", identity=r"(\d+)(?:_(\d+))?$")
    assert report.people == {"option": 400}
    assert report.exit_code == 0
    report = audit("fold0.csv", identity=r"__(1)\d\d")
    assert only(report, "identity_leak").counts["share"] == 1


def test_people_that_nothing_tells_are_unknown_not_apart(clean):
    edit(
        "index.csv", lambda t: t[["video_id", "label"]].assign(video_id=[f"clip-{n}" for n in t.index], dataset="mine")
    )
    pd.DataFrame({"video_id": ["clip-1", "clip-2"], "score": [0.1, 0.2]}).to_csv("p.csv", index=False)
    report = audit("p.csv")
    assert only(report, "people_unknown").counts == {"videos": 400, "unknown": 400}
    assert report.sides[0]["shared_people_videos"] == 0


GOLDEN = {
    "": {"audit", "verdict", "exit_code", "found", "inputs", "people", "sides", "scores", "joins", "findings"},
    "found": {"leak", "fault", "warning", "note"},
    "inputs": {"role", "file", "rows", "columns", "unused"},
    "sides": {
        "file", "rule", "parts", "held_out", "train", "shared_people_videos", "shared_content_videos", "prevalence",
    },
    "scores": {
        "file", "column", "rows", "missing", "outside", "labelled", "auc", "f1_best", "f1_crossfitted", "f1_optimism",
        "accuracy_best", "accuracy_crossfitted", "accuracy_optimism",
    },
    "joins": {
        "files", "smallest_file_ids", "rows_as_shipped", "ids_as_shipped", "ids_by_index", "share_as_shipped",
        "share_by_index", "covers_index",
    },
    "findings": {"kind", "severity", "what", "where", "counts", "examples", "parts", "do"},
}  # fmt: skip


def test_command_prints_writes_json_and_exits_3(clean):
    edit("oof.csv", lambda table: table.assign(fold=table.index % 5))
    edit("fold0.csv", lambda table: table.assign(P_CNN=np.nan))
    done = CliRunner().invoke(main, ["audit", "--index", "index.csv", "oof.csv", "fold0.csv", "--json", "out/a.json"])
    assert done.exit_code == 3, done.output
    assert "oof.csv: 400 rows; video_id, label, fold, score=P_CNN" in done.output
    assert "identity_leak  oof.csv" in done.output
    content = json.loads(Path("out/a.json").read_text())
    assert set(content) == GOLDEN[""]
    assert set(content["found"]) == GOLDEN["found"]
    for name in ("inputs", "sides", "scores", "joins", "findings"):
        assert all(set(row) == GOLDEN[name] for row in content[name]), name
        assert content[name]
    assert content["scores"][1]["auc"] is None, "what can't be computed is null"
    assert {f["severity"] for f in content["findings"]} <= set(content["found"])
    assert all(set(f["where"]) == {"file", "subset"} and f["do"] for f in content["findings"])


def test_command_exits_0_with_faults(clean):
    edit("oof.csv", lambda table: table.assign(P_CNN=0.5))
    done = CliRunner().invoke(main, ["audit", "--index", "index.csv", "--folds", "folds.csv", "oof.csv"])
    assert done.exit_code == 0, done.output
    assert "constant_scores" in done.output
    assert "no leak found: 0 leak(s), 1 fault(s)" in done.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing.csv"], "nothing.csv: no such file"),
        (["page.csv"], "HTML"),
        (["oof.csv", "--columns", "x.csv:label=y"], "no file is named x.csv"),
        (["oof.csv", "--columns", "oof.csv:label=y"], "no column 'y'"),
        (["oof.csv", "--identity", "("], "no regular expression"),
        (["oof.csv", "--identity", "ff"], "has no group"),
        (["oof.csv", "--identity", "(zebra)"], "finds nobody"),
        (["oof.csv", "--folds", "other.csv"], "in 0 fold(s)"),
    ],
)
def test_command_exits_2_with_a_hint(clean, arguments, says):
    Path("page.csv").write_text("<html></html>")
    Path("other.csv").write_text("video_id,fold\nz,0\ny,1\n")
    done = CliRunner().invoke(main, ["audit", "--index", "index.csv", *arguments])
    assert done.exit_code == 2, done.output
    assert says in done.output
    assert "hint:" in done.output


def test_every_kind_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    for kind, (severity, _) in KINDS.items():
        assert f"| `{kind}` | {severity} |" in page

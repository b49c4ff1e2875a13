"""What does it cost that each fold's model has an embedding space of its own, and which inference suits people never seen?

The meta-classifier learns from embeddings of K fold models. Compared are three ways to feed it: scores only, the
embeddings as they are, and embeddings turned onto fold 0's by the orthogonal Procrustes rotation of videos that both
models trained on. Each is judged twice: cross-fitted on the videos it was made from, and on people whom no model has
seen, by the averaged fold models and by the refitted ones. For the latter the people of an index are parted; each part is
left out once, and everything is trained on the rest. About 50 minutes for the demo set on two cores; interrupted,
it goes on where it stopped.

    python benchmarks/embedding_spaces.py [--index demo] [--preset demo] [--parts 4] [--seed 42]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.linalg import orthogonal_procrustes

from deepfake_core import tracking, workspace
from deepfake_core.contract import tables
from deepfake_core.contract.records import FoldModel
from deepfake_core.data import folds as drawing
from deepfake_core.data.index import Index, write_index
from deepfake_core.detector.scoring import REFIT, Fusion, Members, member_rows
from deepfake_core.evaluation.comparison import paired_difference
from deepfake_core.evaluation.metrics import auc
from deepfake_core.evaluation.resampling import Resamples, auc_interval
from deepfake_core.fusion import crossfit
from deepfake_core.fusion.crossfit import Candidate, Rows
from deepfake_core.fusion.joining import join
from deepfake_core.plugins import ensemble, load_fuser, load_stream
from deepfake_core.steps import folds, stream
from deepfake_core.steps.extract import extract_all
from deepfake_core.steps.index import open_index

FED = ("scores", "raw", "aligned")
JUDGED = ("cross-fitted", "unseen, folds", "unseen, refit")


@dataclass(frozen=True)
class Trained:
    """Streams that were trained on an index.

    Attributes:
    XX
    """

    rows: Rows
    results: dict[str, stream.StreamResult]
    folds: list[Members]
    refit: list[Members]
    trained_on: dict[str, set[str]]


def trained(names: tuple[str, ...], index: Path | str, preset: str, seed: int, keep: Path) -> Trained:
    """Trains the streams, or takes what an interrupted run has trained."""
    drawn = folds.opened(str(index), "5", seed, workers="auto")
    results = {name: stream.run(name, str(index), preset=preset, seed=seed) for name in names}
    members = {name: members_of(name, result.run_id, keep) for name, result in results.items()}
    joined = join({name: result.oof for name, result in results.items()})
    plans = {f"fold_{plan.index}": plan for plan in drawn.plans} | {REFIT: drawing.refit_plan(drawn.index, seed=seed)}
    return Trained(
        Rows.of(joined, drawn.index.videos),
        results,
        [only(each, refit=False) for each in members.values()],
        [only(each, refit=True) for each in members.values()],
        {member: {video.video_id for video in plan.train} for member, plan in plans.items()},
    )


def members_of(name: str, run_id: str, keep: Path) -> Members:
    """All models that a stream's run has logged."""
    plugin = load_stream(name)
    settings = plugin.info.settings.logged(tracking.read_settings(run_id))
    models = {member: FoldModel(path) for member, path in tracking.fold_models(run_id, keep / run_id).items()}
    return Members(plugin, settings, models)


def only(members: Members, *, refit: bool) -> Members:
    """The refitted model, or the others."""
    return replace(members, models={name: m for name, m in members.models.items() if (name == REFIT) is refit})


def rotations(done: Trained) -> dict[str, dict[str, np.ndarray]]:
    """By member and stream: what turns its embeddings onto those of fold 0 (Schönemann 1966, doi:10.1007/BF02289451)."""
    everything = [result.extracted for result in done.results.values()]
    rows = member_rows(done.folds, everything) | member_rows(done.refit, everything)
    found: dict[str, dict[str, np.ndarray]] = {}
    for member, table in rows.items():
        both = table["video_id"].isin(done.trained_on["fold_0"] & done.trained_on[member])
        found[member] = {}
        for name in done.results:
            columns = embedding(name, table)
            pair = [np.nan_to_num(each.loc[both, columns].to_numpy()) for each in (table, rows["fold_0"])]
            found[member][name] = orthogonal_procrustes(*pair)[0]
    return found


def embedding(name: str, table: pd.DataFrame) -> list[str]:
    """The stream's embedding columns."""
    return [c for c in tables.input_columns(table) if tables.stream_of(c) == name and c != tables.score_column(name)]


def turned(table: pd.DataFrame, turns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The same rows, each stream's embedding turned."""
    found = table.copy()
    for name, turn in turns.items():
        columns = embedding(name, table)
        found[columns] = table[columns].to_numpy() @ turn
    return found


def fed(done: Trained) -> dict[str, tuple[Candidate, Rows, dict[str, dict[str, np.ndarray]]]]:
    """The ways to feed the fusion: its settings, the rows it learns from, how each member's rows are turned."""
    fuser = load_fuser("xgboost_meta")
    turns = rotations(done)
    parts = [turned(part, turns[f"fold_{fold}"]) for fold, part in done.rows.table.groupby("fold")]
    aligned = replace(done.rows, table=pd.concat(parts).sort_index())
    still = {member: {} for member in turns}
    everything = Candidate(fuser, fuser.settings("features=all"))
    return {
        "scores": (Candidate(fuser, fuser.settings("features=scores")), done.rows, still),
        "raw": (everything, done.rows, still),
        "aligned": (everything, aligned, turns),
    }


def unseen(done: Trained, rest: Index, seed: int) -> pd.DataFrame:
    """Scores of videos of people whom no model has seen, for each way of feeding and of inference."""
    known = [extract_all(each.stream, rest, each.settings, workspace.store(), workers="auto") for each in done.folds]
    rows = {"unseen, folds": member_rows(done.folds, known), "unseen, refit": member_rows(done.refit, known)}
    found = {}
    for way, (candidate, learned, turns) in fed(done).items():
        with tempfile.TemporaryDirectory() as folder:
            fusion = Fusion(candidate, crossfit.fit(candidate, learned, [], Path(folder), seed))
            for judged, members in rows.items():
                seen = {member: turned(table, turns[member]) for member, table in members.items()}
                found[way, judged] = fusion.scores(seen).mean(axis=0)
    for each in done.folds:
        column = tables.score_column(each.stream.name)
        for judged, members in rows.items():
            found[each.stream.name, judged] = np.mean([table[column] for table in members.values()], axis=0)
    return pd.DataFrame(found, index=[video.video_id for video in rest.videos])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", default="demo")
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--out", type=Path, default=Path("embedding_spaces"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    names = ensemble("metaclassifier").streams
    index = open_index(asked.index, workers="auto")

    whole = trained(names, asked.index, asked.preset, asked.seed, asked.out / "models")
    scores = whole.rows.table[["video_id", "label", "group", *(tables.score_column(name) for name in names)]]
    scores = scores.set_index("video_id")
    scores.columns = pd.MultiIndex.from_tuples(
        [("label", ""), ("group", ""), *((name, "cross-fitted") for name in names)]
    )
    for way, (candidate, rows, _) in fed(whole).items():
        scores[way, "cross-fitted"] = crossfit.outer_scores(candidate, rows, asked.seed)

    held = drawing.draw(index, count=asked.parts, seed=asked.seed)
    parts = []
    for part in range(asked.parts):
        inside = tuple(video for video in index.videos if held.fold[video.video_id] != part)
        people = {name for video in inside for name in video.identities}
        outside = tuple(v for v in index.videos if held.fold[v.video_id] == part and not people & set(v.identities))
        path = asked.out / f"without_{part}.csv"
        write_index(Index(inside, str(path)), path)
        done = trained(names, path, asked.preset, asked.seed, asked.out / "models")
        parts.append(unseen(done, Index(outside, str(path)), asked.seed))
    scores = scores.join(pd.concat(parts))
    scores.to_csv(asked.out / "scores.csv")
    report(scores, names)


def report(scores: pd.DataFrame, names: tuple[str, ...]) -> None:
    """AUC and interval of each column, and each way of feeding against scores only."""
    label, group = scores["label", ""].to_numpy(), scores["group", ""].to_numpy(str)
    print(f"\n{'':18}" + "".join(f"{judged:>24}" for judged in JUDGED))
    for row in (*names, *FED):
        cells = []
        for judged in JUDGED:
            p = scores[row, judged].to_numpy()
            known = ~np.isnan(p)
            low, high = auc_interval(label[known], p[known], group[known])
            cells.append(f"{auc(label[known], p[known]):.3f} [{low:.3f}, {high:.3f}]")
        print(f"{row:18}" + "".join(f"{cell:>24}" for cell in cells))
    print()
    for judged in JUDGED:
        for way in FED[1:]:
            pair = scores[way, judged].to_numpy(), scores["scores", judged].to_numpy()
            known = ~np.isnan(pair[0]) & ~np.isnan(pair[1])
            draws = Resamples.draw(label[known], group[known])
            found = paired_difference(draws, label[known], pair[0][known], pair[1][known])
            print(f"{judged}: {way} minus scores {found.estimate:+.3f} [{found.low:+.3f}, {found.high:+.3f}]")


if __name__ == "__main__":
    main()

"""How long does an audit of 100,000 videos take?

Run ``python benchmarks/bench_audit.py``. An index of swaps and real videos of as many people as there are fold groups is
written, with folds that ignore people, an out-of-fold file under the index's ids and a second one under bare file names.
Then ``deepfake audit`` runs in a process of its own, start of Python included, with the index alone, with both
prediction files, and with the folds as well.

Aim: at most 10 s for each.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

AIM_SECONDS = 10.0
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures")


def write_tables(folder: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    number = np.arange(rows)
    person = number // 5
    method = np.where(number % 5 == 0, "real", np.array(METHODS)[number % 4])
    fake = method != "real"
    other = person ^ 1
    stem = [f"{a:05d}_{b:05d}_{m}" if f else f"{a:05d}" for a, b, m, f in zip(person, other, method, fake, strict=True)]
    people = [f"p{a};p{b}" if f else f"p{a}" for a, b, f in zip(person, other, fake, strict=True)]
    index = pd.DataFrame({"video_id": [f"big__{m}__{s}" for m, s in zip(method, stem, strict=True)], "label": fake * 1})
    index["path"] = [f"{m}/{s}.mp4" for m, s in zip(method, stem, strict=True)]
    index["dataset"], index["method"], index["identities"] = "big", method, people
    index["identity"] = [f"p{a}" for a in person]
    index = index.drop_duplicates("video_id")
    p = np.clip(rng.normal(0.4 + 0.2 * index["label"], 0.2), 0, 1)
    index.to_csv(folder / "index.csv", index=False)
    fold = rng.integers(0, 5, len(index))
    index[["video_id"]].assign(fold=fold).to_csv(folder / "folds.csv", index=False)
    index[["video_id", "label"]].assign(P_CNN=p, fold=fold).to_csv(folder / "cnn.csv", index=False)
    bare = index["path"].str.rpartition("/")[2]
    pd.DataFrame({"filename": bare, "true_label": index["label"], "P_rPPG": 1 - p}).to_csv(
        folder / "rppg.csv", index=False
    )


def seconds(folder: Path, *arguments: str) -> tuple[float, float]:
    """On the clock, and of the processor: the clock counts whatever else the machine does."""
    start, used = time.perf_counter(), processor()
    done = subprocess.run(
        [sys.executable, "-m", "deepfake_core.cli", "audit", "--index", "index.csv", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    return time.perf_counter() - start, processor() - used


def processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="videos of the index")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tables(folder, options.rows)
        for arguments in (
            (),
            ("cnn.csv",),
            ("cnn.csv", "rppg.csv"),
            ("--folds", "folds.csv", "cnn.csv", "rppg.csv", "--json", "audit.json"),
        ):
            clock, used = seconds(folder, *arguments)
            print(f"{clock:6.1f} s of {AIM_SECONDS:.0f} s ({used:.1f} s processor): audit {' '.join(arguments)}")


if __name__ == "__main__":
    main()

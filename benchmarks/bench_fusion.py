"""How long does a fusion take on a large data set: choice among all installed fusers, intervals, report?

Simulated scores of 5,000 videos of 800 people by 8 streams; everything after the streams' tables are read and before MLflow
gets the files.

    python benchmarks/bench_fusion.py [--videos 5000] [--streams 8]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.index import make_index
from deepfake_core.fusion import pages, selection
from deepfake_core.fusion.crossfit import Candidate
from deepfake_core.fusion.joining import join
from deepfake_core.plugins import installed, load_fuser
from deepfake_core.steps.fuse import measure


def tables(videos: int, streams: int) -> tuple[dict[str, pd.DataFrame], list[VideoRecord]]:
    """Out-of-fold tables of streams that are worth less and less, and the videos they are about."""
    random = np.random.default_rng(0)
    label, person = np.arange(videos) % 2, random.integers(0, 800, videos)
    habit = random.normal(0, 0.7, (800, streams))
    base = pd.DataFrame(
        {
            "video_id": [f"d__m__{n:05d}" for n in range(videos)],
            "label": label,
            "dataset": np.where(person % 3 == 0, "a", "b"),
            "method": np.where(label == 0, "real", np.where(person % 2 == 0, "swap", "reenactment")),
            "identity": [f"p{n}" for n in person],
            "group": [f"p{n}" for n in person],
            "fold": person % 5,
        }
    )
    oofs = {}
    for stream, strength in enumerate(np.linspace(1.2, 0.1, streams)):
        logit = strength * (2 * label - 1) + habit[person, stream] + random.normal(0, 1, videos)
        p = 1 / (1 + np.exp(-logit))
        oofs[f"s{stream}"] = base.assign(stream=f"s{stream}", p=p, status="ok", quality="{}")
    records = [
        VideoRecord(row.video_id, Path(f"{row.video_id}.mp4"), row.label, row.dataset, row.method, (row.identity,))
        for row in base.itertuples()
    ]
    return oofs, records


def main() -> None:
    """Prints seconds and the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=5000)
    parser.add_argument("--streams", type=int, default=8)
    arguments = parser.parse_args()
    oofs, records = tables(arguments.videos, arguments.streams)
    fusers = [load_fuser(listing.name) for listing in installed("fusers")]
    candidates = selection.ordered([Candidate(fuser, fuser.settings("")) for fuser in fusers])
    index = make_index(records, "simulated")
    began = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        findings = measure(join(oofs), (), index, candidates, "f1", 0, Path(folder, "models"))
        measured = perf_counter()
        pages.write(findings, Path(folder))
    written = perf_counter()
    print(f"{len(candidates)} fusers, chosen {findings.nested.final.fuser}: nested AUC {findings.optimism.nested:.4f}")
    print(f"fits, choice, intervals {measured - began:.1f} s, tables, figures, report {written - measured:.1f} s")
    print(f"{written - began:.1f} s (at most 60 s on two cores)")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

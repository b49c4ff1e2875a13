"""How long does a bootstrap over identity groups take, and how long with scikit-learn on repeated rows?

Five metrics of six score columns of 5,000 videos in about 800 groups, 2,000 replicates. scikit-learn computes a few replicates
in turns with ours, and its time is scaled up. CPU time with one thread, so that on an idle machine it is wall time::

    OMP_NUM_THREADS=1 python benchmarks/bench_statistics.py --rounds 3
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn import metrics

from deepfake_core.evaluation.resampling import Resamples, bootstrap

NAMES = ("auc", "average_precision", "f1", "brier", "log_loss")
REQUIRED_RATIO, ALLOWED_MB = 100, 1000


def plain(label: NDArray[np.bool_], p: NDArray[np.float64], decision: NDArray[np.bool_]) -> list[float]:
    """The five, in the order of ``NAMES``."""
    return [
        metrics.roc_auc_score(label, p),
        metrics.average_precision_score(label, p),
        metrics.f1_score(label, decision),
        metrics.brier_score_loss(label, p),
        metrics.log_loss(label, p),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=5000)
    parser.add_argument("--groups", type=int, default=800)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--by-loop", type=int, default=5, help="replicates that scikit-learn computes per round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    label = random.random(options.videos) < 0.5
    group = random.integers(0, options.groups, options.videos)
    columns = [expit(2 * label - 1 + random.normal(0, 1.5, options.videos)) for _ in range(options.columns)]
    ours, loop, worst = [], [], 0.0
    for _ in range(options.rounds):
        # In turn, so that a busy machine slows both alike.
        began = time.process_time()
        resamples = Resamples.draw(label, group, replicates=options.replicates)
        found = [bootstrap(resamples, label, p, NAMES, p >= 0.5) for p in columns]
        ours.append(time.process_time() - began)
        began = time.process_time()
        expected = []
        for counts in resamples.counts[: options.by_loop]:
            rows = np.repeat(np.arange(options.videos), counts[resamples.group])
            expected.append([plain(label[rows], p[rows], p[rows] >= 0.5) for p in columns])
        loop.append((time.process_time() - began) * options.replicates / options.by_loop)
        here = [[[by_name[name].values[n] for name in NAMES] for by_name in found] for n in range(options.by_loop)]
        worst = max(worst, float(np.abs(np.subtract(here, expected)).max()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    ratio = median(there / here for there, here in zip(loop, ours, strict=True))
    print(
        f"{options.replicates} replicates, {len(NAMES)} metrics, {options.columns} columns, "
        f"{options.videos} videos in {resamples.counts.shape[1]} groups; medians of {options.rounds}"
    )
    print(
        f"here {median(ours):.2f} s, loop over scikit-learn {median(loop):.0f} s: {ratio:.0f} times; aim {REQUIRED_RATIO}"
    )
    print(f"largest difference {worst:.1e}; peak memory {peak:.0f} MB, aim {ALLOWED_MB}")


if __name__ == "__main__":
    main()

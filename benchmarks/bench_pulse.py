"""How near to the truth are the heart rates? CHROM, POS and GREEN on the demo set, and on a real clip with a known rate.

Prints one row per method: median and 90th percentile of the absolute error over the demo set's real clips, share within
3 bpm; the same for clips whose pulse is not weak; then each real clip given as ``path=bpm``::

    python benchmarks/bench_pulse.py ../shared/data/clips/rppg/evm_face.mp4=53
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from deepfake_core import VideoRecord, workspace
from deepfake_core.plugins import load_stream
from deepfake_core.steps.extract import extract_all
from deepfake_core.steps.index import open_index

WEAK = 0.005
"""Pulse strength (share of brightness at the forehead) under which a demo clip's pulse counts as weak."""


def main(real_clips: list[str]) -> None:
    """Measures and prints."""
    stream, store, index = load_stream("rppg"), workspace.store(), open_index("demo")
    truth = pd.read_csv(workspace.dataset_root("demo") / "truth.csv").set_index("video_id")
    reals = [video.video_id for video in index.videos if video.label == 0]
    print(
        f"{'method':<8}{'clips':>7}{'median':>8}{'p90':>7}{'<= 3 bpm':>10}   not weak: clips, median, <= 3 bpm   real clips"
    )
    for method in ("chrom", "pos", "green"):
        settings = stream.settings("paper", f"method={method}")
        extracted = extract_all(stream, index, settings, store, workers="auto")
        found = pd.Series({i: extracted[i].quality.get("bpm") for i in reals}, dtype=float)
        error = (found - truth.loc[reals, "bpm"]).abs()
        strong = error[truth.loc[reals, "strength"] > WEAK]
        others = []
        for given in real_clips:
            path, _, bpm = given.rpartition("=")
            measured = stream.extract(VideoRecord(Path(path).stem, Path(path).absolute()), settings, store).quality
            others.append(f"{Path(path).stem}: {measured['bpm']} (known {bpm}), SNR {measured['snr_db']} dB")
        print(
            f"{method:<8}{len(error):>7}{error.median():>8.2f}{error.quantile(0.9):>7.1f}{(error <= 3).mean():>10.0%}"
            f"   {len(strong)}, {strong.median():.2f}, {(strong <= 3).mean():.0%}   {'; '.join(others)}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])

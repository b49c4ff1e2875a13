"""How does a set come onto the disk? Take by take, each file whole or not at all, over as many runs as it needs."""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from deepfake_demo_dataset.clips import Clip, cast

RENDERER = 1
"""Raised when the same clip would look different: a set made by another renderer is made anew."""

VIDEOS, MANIFEST, TRUTH = "videos", "manifest.json", "truth.csv"


def make(root: Path, dataset: str, limits: Mapping[str, int]) -> tuple[Clip, ...]:
    """Renders what isn't there yet, on all cores, and returns the clips.

    A killed run leaves whole clips and unfinished files under other names; the next one goes on from there. Two
    processes never render at once.

    Args:
        root: folder of the set.
        dataset: its name.
        limits: largest number of clips by method.
    """
    clips = cast(dataset, limits)
    if _is_current(root) and not _absent(root, clips):
        return clips
    from filelock import FileLock

    (root / VIDEOS).mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".lock"):
        if not _is_current(root):
            for path in (root / VIDEOS).iterdir():
                path.unlink()
            (root / MANIFEST).write_text(json.dumps({"renderer": RENDERER}))
        absent = _absent(root, clips)
        if absent:
            # Before the videos: a run that is killed among them leaves some absent, so the next one comes here again.
            _write_truth(root, dataset)
            _render_all(root, absent)
    return clips


def path_of(root: Path, clip: Clip) -> Path:
    """Where the clip's video is."""
    return root / VIDEOS / f"{clip.video_id}.mp4"


def render(root: Path, clips: Sequence[Clip]) -> None:
    """Renders clips of one take."""
    import cv2

    from deepfake_demo_dataset.film import write

    cv2.setNumThreads(1)
    paths = [path_of(root, clip) for clip in clips]
    unfinished = [path.with_suffix(".unfinished") for path in paths]
    write(clips, unfinished)
    for before, after in zip(unfinished, paths, strict=True):
        before.replace(after)


def _is_current(root: Path) -> bool:
    try:
        return bool(json.loads((root / MANIFEST).read_text())["renderer"] == RENDERER)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _absent(root: Path, clips: Sequence[Clip]) -> list[Clip]:
    there = {path.name for path in (root / VIDEOS).glob("*.mp4")}
    return [clip for clip in clips if path_of(root, clip).name not in there]


def _render_all(root: Path, clips: Sequence[Clip]) -> None:
    from joblib import Parallel, delayed
    from tqdm import tqdm

    takes: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        takes[clip.take.seed].append(clip)
    jobs = (delayed(render)(root, together) for together in takes.values())
    finished = Parallel(n_jobs=-1, return_as="generator_unordered", inner_max_num_threads=1, backend="loky")(jobs)
    for _ in tqdm(finished, desc="render the demo data set", total=len(takes), disable=not sys.stderr.isatty()):
        pass


def _write_truth(root: Path, dataset: str) -> None:
    """Writes what is known of every clip of the set."""
    from deepfake_demo_dataset.film import truth

    rows = [{"video_id": clip.video_id, **truth(clip)} for clip in cast(dataset)]
    unfinished = root / f"{TRUTH}.unfinished"
    with unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    unfinished.replace(root / TRUTH)

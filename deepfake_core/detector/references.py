"""Does a detector say elsewhere what it said where it was made? A few clips, and what it said of them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from pydantic import TypeAdapter

from deepfake_core.contract.records import FAKE, REAL, VideoRecord
from deepfake_core.data.store import file_sha256
from deepfake_core.data.taking import shuffled
from deepfake_core.detector.intake import ROOTS_VARIABLE
from deepfake_core.detector.manifest import Record
from deepfake_core.detector.verdict import Verdict

REFERENCES_FILE = "references.json"

CLIPS = 4
"""Half of them reals and half fakes, where there are both."""

TOLERANCE = 1e-3
"""In P(fake). On one machine it is below 1e-6; other processors and versions of PyTorch round differently."""


class Reference(Record):
    """A clip, and P(fake) that the detector gave it when it was made."""

    path: str
    sha256: str
    probability: float | None


_LIST = TypeAdapter(tuple[Reference, ...])


def chosen(videos: Sequence[VideoRecord]) -> list[VideoRecord]:
    """Two reals and two fakes, always the same of the same videos; four reals where there are only pseudo-fakes, which are no files."""
    files = [video for video in videos if not video.pseudo]
    classes = [[video for video in files if video.label == label] for label in (REAL, FAKE)]
    there = [shuffled(videos) for videos in classes if videos]
    return [video for of_class in there for video in of_class[: CLIPS // len(there)]]


def write(videos: Sequence[VideoRecord], verdicts: Sequence[Verdict], folder: Path) -> None:
    """Writes down what a detector says of some clips.

    Args:
        videos: as in the index.
        verdicts: on them.
        folder: of the detector.
    """
    found = tuple(
        Reference(path=str(video.path), sha256=file_sha256(video.path), probability=verdict.probability)
        for video, verdict in zip(videos, verdicts, strict=True)
    )
    (folder / REFERENCES_FILE).write_bytes(_LIST.dump_json(found, indent=1))


def check(uri: str, folder: Path) -> list[str]:
    """Has a fresh process load the model and score the clips again.

    Args:
        uri: of the MLflow model.
        folder: of its detector.

    Returns:
        What is wrong; nothing, if every clip gets the score that it got.
    """
    known = _LIST.validate_json((folder / REFERENCES_FILE).read_bytes())
    wrong = []
    for each in known:
        path = Path(each.path)
        if not path.is_file():
            wrong.append(f"the reference clip {path} isn't here")
        elif file_sha256(path) != each.sha256:
            wrong.append(f"the reference clip {path} has changed")
    if wrong:
        return wrong
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        try:
            found = fresh.submit(_probabilities, uri, [each.path for each in known]).result()
        except Exception as error:
            return [f"a fresh process can't load and use it: {type(error).__name__}: {error}"]
    return [
        f"{each.path}: P(fake) is {now}, was {each.probability}"
        for each, now in zip(known, found, strict=True)
        if (now is None) != (each.probability is None)
        or (now is not None and each.probability is not None and abs(now - each.probability) > TOLERANCE)
    ]


def _probabilities(uri: str, paths: Sequence[str]) -> list[float | None]:
    import mlflow
    import pandas as pd

    os.environ[ROOTS_VARIABLE] = os.pathsep.join(sorted({str(Path(path).parent) for path in paths}))
    found = mlflow.pyfunc.load_model(uri).predict(pd.DataFrame({"video": list(paths)}))
    return [None if p is None or p != p else float(p) for p in found["probability"]]

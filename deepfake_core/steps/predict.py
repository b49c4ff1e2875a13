"""``predict``: from video files to verdicts, by a registered detector."""

from __future__ import annotations

import glob
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from deepfake_core import workspace
from deepfake_core.contract.errors import UsageError
from deepfake_core.contract.records import Panel, VideoRecord
from deepfake_core.data.generic import VIDEO_SUFFIXES
from deepfake_core.data.store import Store
from deepfake_core.detector import registry
from deepfake_core.detector import report as page
from deepfake_core.detector.detector import Detector, Extracts
from deepfake_core.detector.registry import CHALLENGER, CHAMPION, Version
from deepfake_core.detector.report import About
from deepfake_core.detector.verdict import Verdict
from deepfake_core.steps.extract import extract_for

DEFAULT_MODEL = f"models:/{registry.NAME}@{CHAMPION}"


@dataclass(frozen=True)
class Predicted:
    """What was said of some videos.

    Attributes:
        verdicts: one per video, in their order.
        detector: that said it.
        version: of the registered model; None if it came from elsewhere.
        panels: by verdict, figures with the stream that drew them; empty unless asked for.
    """

    verdicts: list[Verdict]
    detector: Detector
    version: Version | None
    panels: list[list[tuple[str, Panel]]]


def run(
    videos: Sequence[str],
    model: str = DEFAULT_MODEL,
    *,
    streams: Sequence[str] = (),
    illustrated: bool = False,
    workers: str = "auto",
) -> Predicted:
    """Examines videos.

    Args:
        videos: files, folders (all videos below them), or patterns such as ``clips/*.mp4``.
        model: an MLflow model URI, or the folder of a model.
        streams: use only these of the detector's streams.
        illustrated: draw what the streams saw, too.
        workers: processes for decoding and faces.

    Raises:
        UsageError: no such file, model or stream.
    """
    paths = list(found_files(videos))
    with tempfile.TemporaryDirectory() as scratch:
        version, folder = fetched(model, Path(scratch))
        detector = Detector.load(folder)
        records = [VideoRecord(str(number), path.absolute()) for number, path in enumerate(paths)]
        extracts = extracted(detector, records, workspace.store(), streams=streams, workers=workers)
        rows = detector.rows(extracts)
        verdicts = detector.judge(rows, extracts, {str(number): str(path) for number, path in enumerate(paths)})
        drawn = tqdm(records, desc="draw", unit="video", disable=None) if illustrated else ()
        panels = [detector.panels(rows, extracts, video.video_id) for video in drawn] or [[] for _ in paths]
    return Predicted(verdicts, detector, version, panels)


def extracted(
    detector: Detector,
    videos: Sequence[VideoRecord],
    store: Store,
    *,
    streams: Sequence[str] = (),
    workers: str = "auto",
) -> Extracts:
    """What a detector's streams make of videos.

    Args:
        detector: whose streams.
        videos: with ids of their own.
        store: where extractions are kept.
        streams: use only these.
        workers: see ``parallel.map``.
    """
    wanted = detector.asked(streams)
    used = [(each.stream.name, each.settings) for each in detector.streams if each.stream.name in wanted]
    done = extract_for(used, videos, store, workers=workers, label="examine")
    by_name = dict(zip((name for name, _ in used), done, strict=True))
    nothing = {video.video_id: detector.left_out(video.video_id) for video in videos}
    return [by_name.get(name, nothing) for name in detector.names]


def found_files(videos: Sequence[str]) -> Iterator[Path]:
    """The files that are meant, each once.

    Raises:
        UsageError: a folder or pattern without videos, or no file of that name.
    """
    seen = set()
    for text in videos:
        path = Path(text).expanduser()
        if path.is_dir():
            files = sorted(each for each in path.rglob("*") if each.suffix.lower() in VIDEO_SUFFIXES)
        elif path.exists() or not glob.has_magic(text):
            # A file that isn't there gets its row, like one that is broken.
            files = [path]
        else:
            root, pattern = (
                (Path(path.anchor), str(path.relative_to(path.anchor))) if path.is_absolute() else (Path(), text)
            )
            files = sorted(each for each in root.glob(pattern) if each.is_file())
        if not files:
            raise UsageError(
                f"{text}: no video there.",
                hint=f"videos end in {', '.join(sorted(VIDEO_SUFFIXES))}; name files by themselves.",
            )
        for file in files:
            if file not in seen:
                seen.add(file)
                yield file


def fetched(model: str, scratch: Path) -> tuple[Version | None, Path]:
    """The version that a model URI names, None if it names none, and the detector's folder.

    Raises:
        UsageError: no such model.
    """
    asked = re.fullmatch(r"models:/([^/@]+)(?:@([^/]+)|/(\d+))", model)
    if not asked:
        return None, registry.fetch(model, scratch)
    name, which = asked[1], asked[2] or asked[3]
    version = registry.find(name, which)
    if version is None:
        raise UsageError(f"there is no {which} of the model {name!r}.", hint=_ways_out(name, which))
    return version, registry.fetch(version.uri, scratch)


def _ways_out(name: str, which: str) -> str:
    if which == CHAMPION and registry.find(name, CHALLENGER):
        return f"deepfake promote makes the challenger champion; --model models:/{name}@{CHALLENGER} asks it as it is."
    return (
        "make one: `deepfake run` trains and registers a detector on the demo data set, `deepfake run --index my.csv` on "
        "your videos; then `deepfake promote`. Or name the folder of a model that you were given: --model FOLDER. "
        "MLFLOW_TRACKING_URI says where models are looked for."
    )


def write(found: Predicted, *, json_path: Path | None, csv_path: Path | None, report: Path | None) -> None:
    """Writes verdicts to the files that are named."""
    import pandas as pd

    about = {"model": found.detector.manifest.title, "version": found.version.uri if found.version else ""}
    if json_path:
        content = {**about, "band": found.detector.manifest.band, "verdicts": [asdict(each) for each in found.verdicts]}
        json_path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    if csv_path:
        pd.DataFrame([{**each.row(), **about} for each in found.verdicts]).to_csv(csv_path, index=False)
    if report:
        page.write(found.verdicts, found.panels, About(found.detector.manifest, found.version), report)

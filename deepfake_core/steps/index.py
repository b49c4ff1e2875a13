"""``index``: lists the videos of one or more data sets in one master index, and says what of them is there."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfake_core import tracking, workspace
from deepfake_core.contract.errors import InvalidSetting, InvalidTable, UsageError
from deepfake_core.contract.records import VideoRecord
from deepfake_core.contract.settings import Settings, parse_overrides
from deepfake_core.contract.tables import listed
from deepfake_core.data import pseudo
from deepfake_core.data.aliases import merged, read_aliases
from deepfake_core.data.files import Check, Examined, examine, repeated, write_problems
from deepfake_core.data.index import Index, make_index, read_index, write_index
from deepfake_core.plugins import Dataset, installed, load_dataset, load_stream

LOG = logging.getLogger(__name__)

SHOWN = 5
"""So many groups of equal content are named, and videos of each."""


@dataclass(frozen=True)
class Source:
    """A data set to list: its plugin's name, and where its videos lie (None for one that makes its own)."""

    dataset: str
    root: Path | None


def run(
    sources: Sequence[Source],
    out: Path,
    *,
    limits: Mapping[str, int],
    overrides: str = "",
    aliases: Path | None = None,
    check: Check = "files",
    hashed: bool = True,
    workers: str = "auto",
) -> Examined:
    """Lists every source, looks at the files, and writes one index.

    A file that is missing or broken keeps its row; those files are listed beside the index, in ``problems_path``.

    Args:
        sources: what to list.
        out: where the index goes.
        limits: largest number of videos by method, of each source; 0 leaves a method out.
        overrides: settings; each goes to every source that has it.
        aliases: CSV of identities that are one person.
        check: what is asked of each file.
        hashed: whether each file's sha256 is taken, so that equal content is found.
        workers: processes for reading files.

    Raises:
        UsageError, UnknownPlugin, InvalidSetting: a source, method or setting that isn't there.
        InvalidTable: ids that repeat and the like, or not a single file of a source.
    """
    most = {method: number for method, number in limits.items() if number > 0}
    plugins = [load_dataset(source.dataset) for source in sources]
    settings = _settings(plugins, overrides)
    found = [
        video
        for source, plugin, chosen in zip(sources, plugins, settings, strict=True)
        for video in _list(source, plugin, most, chosen)
    ]
    unknown = sorted(set(limits) - {video.method for video in found})
    if unknown:
        raise UsageError(
            f"limits name the method(s) {listed(unknown)}, which no video has.",
            hint=f"the methods found are: {', '.join(sorted({video.method for video in found}))}.",
        )
    wanted = [video for video in found if limits.get(video.method) != 0]
    index = make_index(wanted, " + ".join(source.dataset for source in sources))
    if aliases is not None:
        index = merged(index, read_aliases(aliases), aliases)
    examined = examine(index, check=check, hashed=hashed, store=workspace.store(), workers=workers)
    _require_some(examined)
    _tell_repeated(examined.index)
    write_index(examined.index, out)
    files = [out]
    problems_path(out).unlink(missing_ok=True)
    if examined.problems:
        write_problems(examined.problems, problems_path(out))
        files.append(problems_path(out))
    tracking.record("index", f"index {index.source}", {}, files, examined.index)
    return examined


def problems_path(out: Path) -> Path:
    """Where the missing and broken files of an index are listed: ``my_problems.csv`` beside ``my.csv``."""
    return out.with_name(f"{out.stem}_problems.csv")


def open_index(name: str, *, workers: str = "auto") -> Index:
    """The index that a step was given: a CSV file, or the name of a data set that makes its own videos.

    Raises:
        UsageError: it is neither.
    """
    path = Path(name)
    if path.suffix.lower() == ".csv" or path.exists():
        return read_index(path)
    if name in {listing.name for listing in installed("datasets")} and load_dataset(name).info.self_made:
        plugin = load_dataset(name)
        videos = _list(Source(name, None), plugin, {}, plugin.settings(""))
        return with_contents(make_index(videos, name), workers=workers)
    raise UsageError(
        f"index {name!r} is neither a file nor a data set that makes its own videos.",
        hint="give the path of an index CSV (see `deepfake index --help`), or `demo`.",
    )


def learnable(index: Index, streams: Collection[str]) -> Index:
    """The index as these streams learn from it: one without fakes gets pseudo-fakes, if every stream can make them.

    Args:
        index: as it was given.
        streams: names of all that will learn from it.
    """
    able = bool(streams) and pseudo.lacks_fakes(index) and all(load_stream(name).info.real_only for name in streams)
    return pseudo.with_twins(index) if able else index


def with_contents(index: Index, *, workers: str) -> Index:
    """The index with each file's sha256, where the file can be read."""
    return examine(index, check="none", hashed=True, store=workspace.store(), workers=workers).index


def _settings(plugins: Sequence[Dataset], overrides: str) -> list[Settings]:
    """The settings of each source: an override goes to all that have it."""
    given = parse_overrides(overrides)
    known = [set(plugin.info.settings.model_fields) for plugin in plugins]
    strange = sorted(set(given) - set().union(*known))
    if strange:
        raise InvalidSetting(
            f"no setting {listed(strange)} in {', '.join(dict.fromkeys(plugin.name for plugin in plugins))}.",
            hint=f"there is: {', '.join(sorted(set().union(*known)))}.",
        )
    return [
        plugin.settings(",".join(f"{key}={value}" for key, value in given.items() if key in fields))
        for plugin, fields in zip(plugins, known, strict=True)
    ]


def _list(source: Source, plugin: Dataset, limits: Mapping[str, int], settings: Settings) -> tuple[VideoRecord, ...]:
    if source.root is None and not plugin.info.self_made:
        raise UsageError(f"data set {source.dataset!r} needs its folder.", hint=f"write {source.dataset}=/path/to/it.")
    root = source.root or workspace.dataset_root(source.dataset)
    if source.root is not None and not root.exists():
        raise UsageError(f"{root}: no such file or folder.", hint=f"check the path given for {source.dataset!r}.")
    return plugin.index(root, limits, settings)


def _require_some(examined: Examined) -> None:
    """Refuses an index of which a whole data set isn't there: then a path is wrong, not a file missing."""
    missing = {problem.video.video_id for problem in examined.problems if problem.missing}
    for name in dict.fromkeys(video.dataset for video in examined.index.videos):
        videos = [video for video in examined.index.videos if video.dataset == name]
        if all(video.video_id in missing for video in videos):
            raise InvalidTable(
                f"{examined.index.source}: none of the {len(videos)} files of {name!r} is there: "
                f"{listed([str(video.path) for video in videos])}.",
                hint="correct the paths (relative ones count from the CSV's folder).",
            )


def _tell_repeated(index: Index) -> None:
    groups = repeated(index.videos)
    if not groups:
        return
    across = sum(len({video.dataset for video in group}) > 1 for group in groups)
    odd = sum(len({video.label for video in group}) > 1 for group in groups)
    LOG.warning(
        "equal content: %d group(s) of files, %d of them across data sets%s; folds keep them together: %s.",
        len(groups),
        across,
        f", {odd} as real and as fake" if odd else "",
        listed(
            [" = ".join(v.video_id for v in group[:SHOWN]) + " = …" * (len(group) > SHOWN) for group in groups], SHOWN
        ),
    )

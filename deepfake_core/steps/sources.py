"""Where do the scores that are fused come from? Runs of streams with the same index and folds, or anybody's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_core import tracking
from deepfake_core.contract.errors import UsageError
from deepfake_core.contract.records import Ensemble
from deepfake_core.fusion import foreign
from deepfake_core.fusion.foreign import Match
from deepfake_core.steps.folds import Drawn
from deepfake_core.tracking import Finished

if TYPE_CHECKING:
    import pandas as pd

Sources = Mapping[str, Finished | Path]
"""By stream: the run that scored the videos, or a file of anybody."""


def newest(ensemble: Ensemble, predictions: Mapping[str, Path], drawn: Drawn) -> Sources:
    """The newest finished run of each stream, but for those that files stand for.

    Raises:
        UsageError: a stream hasn't been run on these videos and folds, or a file stands for none of the streams.
    """
    names = ensemble.streams
    strange = sorted(set(predictions) - set(names))
    if strange:
        raise UsageError(
            f"predictions are given for {', '.join(strange)}, not in the ensemble {', '.join(names)}.",
            hint=f"name them in it: --ensemble {','.join([*names, *strange])}.",
        )
    return {name: predictions.get(name) or _newest(name, drawn) for name in names}


def given(runs: Sequence[str]) -> dict[str, Finished]:
    """Stream runs by id, under their streams' names.

    Raises:
        UsageError: one isn't there, didn't finish, is of another step, or of a stream that has one already.
    """
    found: dict[str, Finished] = {}
    for run_id in runs:
        source = tracking.finished_run(run_id)
        stream = source.tags.get("stream")
        if stream is None or source.tags.get("step") != "stream":
            raise UsageError(f"run {run_id} ({source.name}) is no stream run.", hint="name runs of `deepfake stream`.")
        if stream in found:
            raise UsageError(f"two runs of stream {stream!r} are given.", hint="keep one of them.")
        found[stream] = source
    return found


def fitting(runs: Mapping[str, Finished], drawn: Drawn) -> Mapping[str, Finished]:
    """The same runs, once it is clear that they are of these videos and folds.

    Raises:
        UsageError: one is of another index or of other folds.
    """
    for source in runs.values():
        for key, here in drawn.digests.items():
            if source.tags.get(key) != here:
                raise UsageError(
                    f"run {source.run_id} ({source.name}) has {key} {source.tags.get(key)}, not {here}.",
                    hint="fuse runs with the same index and folds only; name that index, its folds and seed.",
                )
    return runs


def table(name: str, source: Finished | Path, drawn: Drawn, match: Match) -> pd.DataFrame:
    """A stream's out-of-fold table."""
    if isinstance(source, Path):
        return foreign.read_oof(name, source, drawn.index, drawn.folds, match)
    return tracking.read_oof(source.run_id)


def _newest(stream: str, drawn: Drawn) -> Finished:
    found = tracking.finished("stream", {"stream": stream, **drawn.digests})
    if found:
        return found[0]
    others = tracking.finished("stream", {"stream": stream})
    known = (
        f"its newest run has index {others[0].tags['index_digest']}, folds {others[0].tags['folds_digest']}"
        if others
        else "it has no finished run at all"
    )
    raise UsageError(
        f"stream {stream!r} hasn't been run on index {drawn.index.digest} ({drawn.index.source}) with folds "
        f"{drawn.folds.digest}: {known}.",
        hint=f"deepfake stream --name {stream} --index … with the same index, folds and seed; `deepfake run` does all of it.",
    )

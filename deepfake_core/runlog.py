"""What a plugin reports while it trains, kept beside the model until the step logs it.

Training may run in another process or on another machine, may be killed and resumed, or may be reused by a later run;
so a report is first written down, in the folder of the fold's store entry, and copied to MLflow from there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRICS = "metrics.jsonl"
ARTIFACTS = "artifacts"
FIGURES = "figures"


@dataclass(frozen=True)
class Metric:
    """One reported number."""

    name: str
    value: float
    step: int


class FileLog:
    """A ``RunLog`` that writes into a folder; a resumed training goes on writing into the same one.

    Args:
        folder: made if absent.
        listener: also gets every number.
    """

    def __init__(self, folder: Path, listener: Callable[[Metric], None] | None = None) -> None:
        self.folder = folder
        self._listener = listener
        (folder / ARTIFACTS).mkdir(parents=True, exist_ok=True)
        (folder / FIGURES).mkdir(exist_ok=True)

    def metric(self, name: str, value: float, step: int = 0) -> None:
        """Appends one number."""
        with (self.folder / METRICS).open("a") as file:
            file.write(json.dumps([name, float(value), int(step)]) + "\n")
        if self._listener:
            self._listener(Metric(name, float(value), int(step)))

    def __getstate__(self) -> dict[str, object]:
        # What listens is here; a training that spreads over processes writes from there.
        return {**self.__dict__, "_listener": None}

    def artifact(self, path: Path) -> None:
        """Keeps a copy of a file."""
        shutil.copy2(path, self.folder / ARTIFACTS / path.name)

    def figure(self, name: str, figure: Figure) -> None:
        """Keeps a figure as PNG."""
        figure.savefig(self.folder / FIGURES / f"{name}.png", dpi=110)


def metrics(folder: Path) -> Iterator[Metric]:
    """The numbers reported into ``folder``; of one reported twice, after a resumption, the last."""
    path = folder / METRICS
    if not path.exists():
        return
    last = {(name, step): value for name, value, step in map(json.loads, path.read_text().splitlines())}
    for (name, step), value in last.items():
        yield Metric(name, value, step)

"""What is written down about a fused detector: what it is made of, how scores become verdicts, how good it was."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from deepfake_core.contract.errors import InvalidTable
from deepfake_core.data.pseudo import DEEPFAKES, Basis
from deepfake_core.detector.scoring import Inference
from deepfake_core.fusion.joining import Missing

MANIFEST_FILE = "detector.json"


class Record(BaseModel):
    """What is written beside a detector as JSON; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class PluginPart(Record):
    """A plugin that the detector needs.

    Attributes:
        name: the entry-point name.
        distribution: what pip knows it as.
        version: of the distribution.
        settings: that it learned with.
    """

    name: str
    distribution: str
    version: str
    settings: dict[str, Any]


class StreamPart(PluginPart):
    """A stream of the detector.

    Attributes:
        source: the run that trained them, or the file of anybody that its scores came from.
        trained: whether there are models; scores from a file leave none.
        auc, low, high: out of fold, with its 95 % interval.
    """

    source: str
    trained: bool
    auc: float
    low: float
    high: float


class FuserPart(PluginPart):
    """The fuser of the detector."""


class Measured(Record):
    """How good the detector was on the people it was made from, none of whom its models had seen when they scored them.

    Attributes:
        auc, low, high: of the nested final score, with its 95 % interval.
        naive: what it would have looked like, chosen on the videos it is judged by.
        coverage: share of videos with a fused score.
    """

    auc: float
    low: float
    high: float
    naive: float
    coverage: float


class TrainedOn(Record):
    """The videos that everything was learned from."""

    index_digest: str
    folds_digest: str
    videos: int
    fakes: int
    people: int
    datasets: tuple[str, ...]
    methods: tuple[str, ...]


class Manifest(Record):
    """All of it, but for the models.

    Attributes:
        format: of this record and of the folders beside it.
        core_version: of deepfake-core.
        created: when, UTC.
        ensemble: as it was asked for.
        streams: in the order of the fusion's columns.
        fuser: what joins them.
        missing: what becomes of a video that a stream abstains on.
        inference: whose scores count.
        members: names of the models that each stream has.
        calibrator: from the mean score to P(fake).
        threshold: of P(fake).
        rule: by which the threshold was chosen.
        band: probabilities that don't decide, lowest and highest.
        measured: how good it was.
        trained_on: on which videos; where no deepfake was there, the fakes among them are pseudo-fakes.
        basis: what counted as fake where it was measured, and where calibration, threshold and band come from. Detectors of
            before there was another are all on deepfakes.
    """

    format: Literal[1] = 1
    core_version: str
    created: datetime
    ensemble: str
    streams: tuple[StreamPart, ...]
    fuser: FuserPart
    missing: Missing
    inference: Inference
    members: tuple[str, ...]
    calibrator: dict[str, Any]
    threshold: float
    rule: str
    band: tuple[float, float]
    measured: Measured
    trained_on: TrainedOn
    basis: Basis = DEEPFAKES

    def write(self, folder: Path) -> None:
        """Writes ``detector.json``."""
        (folder / MANIFEST_FILE).write_text(self.model_dump_json(indent=1))

    @property
    def title(self) -> str:
        """What verdicts name it by."""
        made = f"made {self.created:%Y-%m-%d %H:%M} UTC on {self.videos}, index {self.trained_on.index_digest}"
        return f"{self.ensemble}, {made}"

    @property
    def videos(self) -> str:
        """How many videos it was made from, in words; pseudo-fakes are none."""
        made = self.trained_on
        return f"{made.videos} videos" if self.basis == DEEPFAKES else f"{made.videos - made.fakes} real videos alone"

    @property
    def material(self) -> str:
        """What it was made from, in words."""
        made = self.trained_on
        fakes = f"{made.fakes} of them fake" if self.basis == DEEPFAKES else "and a pseudo-fake of each"
        return f"{self.videos}, {fakes}, of {made.people} people"

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Reads what ``write`` wrote.

        Raises:
            InvalidTable: there is none, or another version of deepfake-core wrote it.
        """
        path = folder / MANIFEST_FILE
        try:
            return cls.model_validate_json(path.read_text())
        except (OSError, ValueError) as error:
            raise InvalidTable(
                f"{path}: no detector that this version can read: {error}",
                hint="install the version of deepfake-core that made it: see the model's requirements.txt.",
            ) from error

"""The detector as an MLflow model: this file is what a logged model runs, and nothing of it is pickled.

Each video is looked at in a process of its own, so that a hostile file can't take a server down. Callers may name files in the
folders that ``DEEPFAKE_VIDEO_ROOTS`` lists; unset, they can only send content.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from deepfake_core.contract.errors import VideoError
from deepfake_core.contract.records import VideoRecord
from deepfake_core.contract.settings import names_in
from deepfake_core.data.store import Store
from deepfake_core.detector.bounded import Examiner
from deepfake_core.detector.detector import Detector
from deepfake_core.detector.examining import examined
from deepfake_core.detector.intake import ROOTS_VARIABLE, Roots, admit, limit_from_environment, spooled
from deepfake_core.detector.registry import DETECTOR_DIR
from deepfake_core.detector.verdict import Verdict

SENT = "data:"
"""How a video that is sent begins: ``data:video/mp4;base64,…``."""


class _Asked:
    """What can be asked of a detector.

    MLflow warns of type hints that name tables, and of none; of what a model inherits from elsewhere it has no opinion. The
    signature is given when the model is logged.
    """

    detector: Detector
    examiner: Examiner
    roots: Roots
    limit_bytes: int

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """One row of the verdict per row of the input, as a data frame.

        Args:
            context: of MLflow.
            model_input: data frame with column ``video``: a path, or ``data:video/mp4;base64,`` and the content.
            params: ``streams``, a comma list: use these only.
        """
        import pandas as pd

        asked = str((params or {}).get("streams", ""))
        wanted = self.detector.asked(names_in(asked))
        verdicts = [self._verdict(str(video), wanted) for video in model_input["video"]]
        rows = [{**each.row(), "model": self.detector.manifest.title} for each in verdicts]
        return pd.DataFrame(rows)

    def _verdict(self, video: str, wanted: frozenset[str]) -> Verdict:
        sent = video.startswith(SENT)
        name = "sent" if sent else video
        with ExitStack() as stack:
            # What callers show is theirs: nothing of it stays.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deepfake-")))
            try:
                path = (
                    stack.enter_context(spooled(video.partition(",")[2], folder=folder, limit_bytes=self.limit_bytes))
                    if sent
                    else admit(video, self.roots)
                )
            except VideoError as error:
                hint = "" if sent or self.roots.folders else f"; the operator names folders in {ROOTS_VARIABLE}"
                return Verdict.failed(name, f"{error.status}: {error.detail}{hint}", self.detector.manifest.basis)
            record, store = VideoRecord("video", path), Store(folder / "store")
            extracts = examined(
                self.detector,
                record.video_id,
                lambda members: self.examiner.extract(members.stream.name, record, members.settings, store),
                wanted,
            )
            return self.detector.judge(self.detector.rows(extracts), extracts, {"video": name})[0]


class DetectorModel(_Asked, PythonModel):
    """From a table with a column ``video`` to a table of verdicts."""

    def load_context(self, context: PythonModelContext) -> None:
        """Loads the detector; called by MLflow."""
        self.detector = Detector.load(Path(context.artifacts[DETECTOR_DIR]))
        self.examiner = Examiner()
        self.roots = Roots.from_environment()
        self.limit_bytes = limit_from_environment()


set_model(DetectorModel())

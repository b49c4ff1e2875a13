"""``folds``: draws identity-disjoint folds of an index, and certifies them. Needs no video file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deepfake_core import tracking
from deepfake_core.contract import tables
from deepfake_core.data import folds as drawing
from deepfake_core.data.certificate import Certificate, certify
from deepfake_core.data.folds import Folds, Plan
from deepfake_core.data.index import Index, read_index
from deepfake_core.steps.index import open_index


@dataclass(frozen=True)
class Drawn:
    """Folds of an index, and what each fold's model may see."""

    index: Index
    folds: Folds
    plans: tuple[Plan, ...]
    seed: int

    @property
    def digests(self) -> dict[str, str]:
        """What runs on these videos and folds are tagged with, and found by."""
        return {"index_digest": self.index.digest, "folds_digest": self.folds.digest}

    def certify(self, content_hashes: Mapping[str, str] | None = None) -> Certificate:
        """The proof that nobody is on both sides; see ``certify``."""
        return certify(self.index, self.folds, self.plans, seed=self.seed, content_hashes=content_hashes)


def run(index_path: Path, out: Path, *, count: int, seed: int) -> tuple[Folds, Certificate]:
    """Draws folds, writes ``folds.csv`` and the certificate beside it.

    Raises:
        LeakageFound: the certificate isn't clean; both files are written all the same.
    """
    index = read_index(index_path)
    drawn = draw(index, str(count), seed)
    drawing.write_folds(drawn.folds, out)
    certificate = drawn.certify()
    certificate_path = out.with_name(tables.CERTIFICATE_FILE)
    certificate.write(certificate_path)
    tracking.record("folds", "folds", {"folds_digest": drawn.folds.digest}, [out, certificate_path], index)
    certificate.require_clean()
    return drawn.folds, certificate


def draw(index: Index, folds: str, seed: int) -> Drawn:
    """Folds as a step was asked for them: a number, or the path of a ``folds.csv``."""
    drawn = (
        drawing.draw(index, count=int(folds), seed=seed)
        if folds.strip().lstrip("-").isdigit()
        else drawing.read_folds(Path(folds), index)
    )
    plans = tuple(drawing.plan(index, drawn, k, seed=seed) for k in range(drawn.count))
    return Drawn(index, drawn, plans, seed)


def opened(index_name: str, folds: str, seed: int, *, workers: str) -> Drawn:
    """Folds of an index as a step was asked for both; see ``open_index`` and ``draw``."""
    return draw(open_index(index_name, workers=workers), folds, seed)

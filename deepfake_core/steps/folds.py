"""``folds``: draws identity-disjoint folds of an index, and certifies them. Needs no video file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from deepfake_core import tracking
from deepfake_core.contract import tables
from deepfake_core.contract.errors import FoldsImpossible, UsageError
from deepfake_core.data import folds as drawing
from deepfake_core.data import protocols, pseudo
from deepfake_core.data.certificate import Certificate, certify
from deepfake_core.data.folds import Folds, Plan
from deepfake_core.data.index import Index, read_index
from deepfake_core.data.pseudo import Basis
from deepfake_core.data.separation import PROTOCOLS, Protocol
from deepfake_core.plugins import Stream
from deepfake_core.plugins.catalogue import catalogue
from deepfake_core.steps.index import learnable, open_index

AUTO = "auto"
"""Instead of a number of folds: the protocol's usual one."""


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

    @property
    def parameters(self) -> dict[str, object]:
        """What a person wants to know of the folds beside a run."""
        return {"protocol": self.folds.protocol, "folds": self.folds.count, "seed": self.seed}

    @property
    def basis(self) -> Basis:
        """What counts as fake here."""
        return pseudo.basis(self.index.videos)

    def certify(self, content_hashes: Mapping[str, str] | None = None) -> Certificate:
        """The proof that nobody is on both sides; see ``certify``."""
        return certify(self.index, self.folds, self.plans, seed=self.seed, content_hashes=content_hashes)


def run(index_path: Path, out: Path, *, protocol: Protocol, count: str, seed: int) -> tuple[Folds, Certificate]:
    """Draws folds, writes ``folds.csv`` and the certificate beside it.

    Args:
        index_path: CSV of the videos.
        out: where ``folds.csv`` goes.
        protocol: which question the held-out scores answer.
        count: number of folds, or of parts of people (see ``protocols.draw``), or ``auto``.
        seed: breaks ties.

    Raises:
        LeakageFound: the certificate isn't clean; both files are written all the same.
        FoldsImpossible: such folds can't be drawn; says why and what to do.
        UsageError: ``count`` is no number.
    """
    if count != AUTO and not _is_number(count):
        raise UsageError(f"folds={count!r} is no number.", hint=f"give a number, or {AUTO}.")
    index = read_index(index_path)
    _require_fakes(index)
    drawn = _planned(
        index, protocols.draw(index, protocol, count=None if count == AUTO else int(count), seed=seed), seed
    )
    drawing.write_folds(drawn.folds, out)
    certificate = drawn.certify()
    certificate_path = out.with_name(tables.CERTIFICATE_FILE)
    certificate.write(certificate_path)
    tags = {"folds_digest": drawn.folds.digest, "protocol": protocol}
    tracking.record("folds", "folds", tags, [out, certificate_path], index)
    certificate.require_clean()
    return drawn.folds, certificate


def draw(index: Index, folds: str, seed: int) -> Drawn:
    """Folds as a step was asked for them: a number, the name of a protocol, or the path of a ``folds.csv``.

    Raises:
        UsageError: it is none of these.
    """
    if _is_number(folds):
        return _planned(index, protocols.draw(index, count=int(folds), seed=seed), seed)
    named = [protocol for protocol in PROTOCOLS if protocol == folds]
    if named:
        return _planned(index, protocols.draw(index, named[0], seed=seed), seed)
    path = Path(folds)
    if path.suffix.lower() != ".csv" and not path.exists():
        raise UsageError(
            f"folds {folds!r} is no number, protocol or file.",
            hint=f"give a number, the path of a folds.csv, or one of: {', '.join(PROTOCOLS)}.",
        )
    return _planned(index, drawing.read_folds(path, index), seed)


def _is_number(text: str) -> bool:
    return text.strip().lstrip("-").isdigit()


def _planned(index: Index, folds: Folds, seed: int) -> Drawn:
    plans = tuple(drawing.plan(index, folds, k, seed=seed) for k in range(folds.count))
    return Drawn(index, folds, plans, seed)


def opened(index_name: str, folds: str, seed: int, *, workers: str, streams: Collection[str] = ()) -> Drawn:
    """Folds of an index as a step was asked for both; see ``open_index``, ``learnable`` and ``draw``.

    Args:
        index_name: as ``open_index`` takes it.
        folds: as ``draw`` takes them.
        seed: breaks ties.
        workers: processes for an index that must be made.
        streams: all whose scores will be learned from, if their plugins make them.

    Raises:
        FoldsImpossible: no fake is there, and not every stream can do without.
    """
    index = learnable(open_index(index_name, workers=workers), streams)
    _require_fakes(index)
    return draw(index, folds, seed)


def _require_fakes(index: Index) -> None:
    if pseudo.lacks_fakes(index):
        able = _real_only()
        way = (
            "take only streams that learn from real videos alone, and no scores from files: deepfake run --index … "
            f"--ensemble {','.join(able)} draws folds by itself."
            if able
            else "install a stream that learns from real videos alone: none of the installed ones does."
        )
        raise FoldsImpossible(
            f"{index.source}: all {len(index.videos)} videos are real.", hint=f"add fakes to the index, or {way}"
        )


def _real_only() -> list[str]:
    """The installed streams that learn from real videos alone."""
    found = catalogue(("streams",))
    return [entry.listing.name for entry in found if isinstance(entry.plugin, Stream) and entry.plugin.info.real_only]

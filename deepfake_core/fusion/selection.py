"""Which fusion, which calibration, which threshold? Chosen anew inside each outer fold, on videos outside of it.

What is chosen by its result on some videos looks better on these than it is. So whatever is chosen for the videos of
fold k is chosen by cross-fitted scores of videos that share nobody with them; the AUC of the scores that come out is an
honest estimate for the whole procedure, choice included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepfake_core.evaluation import calibration, thresholds
from deepfake_core.evaluation.calibration import Calibrator
from deepfake_core.evaluation.metrics import auc
from deepfake_core.fusion.crossfit import Candidate, CrossFitted, Rows


@dataclass(frozen=True)
class Choice:
    """What was chosen on some videos.

    Attributes:
        fuser: its name.
        aucs: of each candidate on these videos, cross-fitted.
        calibrator: of the chosen one's scores.
        threshold: of the calibrated probability; from it on a video is called fake.
    """

    fuser: str
    aucs: Mapping[str, float]
    calibrator: Calibrator
    threshold: float


@dataclass(frozen=True)
class Nested:
    """What the whole procedure says of N videos.

    Attributes:
        choices: one per outer fold.
        final: by all videos; what the registered detector uses.
        raw: the chosen fusers' scores, ``[N]``.
        p: the same calibrated, ``[N]``.
        threshold: of each video, ``[N]``.
    """

    choices: tuple[Choice, ...]
    final: Choice
    raw: NDArray[np.float64]
    p: NDArray[np.float64]
    threshold: NDArray[np.float64]

    @property
    def decision(self) -> NDArray[np.float64]:
        """1 for a video that is called fake, ``[N]``; NaN where no threshold could be chosen."""
        return thresholds.decide(self.p, self.threshold)


def choose(
    scores: Mapping[str, NDArray[np.float64]], label: NDArray[np.int64], fold: NDArray[np.int64], rule: str
) -> Choice:
    """The fuser with the best AUC, the first among equals; its calibration, and its threshold.

    Args:
        scores: cross-fitted, by fuser, ``[n]`` each.
        label: ``[n]``.
        fold: ``[n]``; the kind of calibration is chosen across them.
        rule: of the threshold.
    """
    aucs = {name: auc(label, p) for name, p in scores.items()}
    # A NaN, of a fuser that calls everything the same, never wins.
    best = max(aucs, key=lambda name: -1.0 if np.isnan(aucs[name]) else round(aucs[name], 12))
    kind = calibration.choose_kind(label, scores[best], fold)
    calibrator = calibration.fit(label, scores[best], kind)
    threshold = thresholds.choose(label, calibrator(scores[best]), rule)
    return Choice(best, aucs, calibrator, threshold)


def nested(found: Mapping[str, CrossFitted], rows: Rows, rule: str) -> Nested:
    """Chooses outside each fold, and scores it.

    Args:
        found: all candidates' cross-fitted scores; of equally good ones the first is taken.
        rows: what they are about.
        rule: of the threshold.
    """
    raw, p, threshold = (np.full(len(rows.label), np.nan) for _ in range(3))
    choices = []
    for k in rows.folds:
        known, mine = rows.learnable([k]), rows.fold == k
        inner = {name: scores.inner[k, known] for name, scores in found.items()}
        choice = choose(inner, rows.label[known], rows.fold[known], rule)
        raw[mine] = found[choice.fuser].outer[mine]
        p[mine] = choice.calibrator(raw[mine])
        threshold[mine] = choice.threshold
        choices.append(choice)
    outer = {name: scores.outer for name, scores in found.items()}
    return Nested(tuple(choices), choose(outer, rows.label, rows.fold, rule), raw, p, threshold)


def decisions(p: NDArray[np.float64], rows: Rows, rule: str) -> NDArray[np.float64]:
    """Decisions by thresholds that were each chosen outside the fold: 1 fake, 0 real, ``[N]``; NaN without a score."""
    found = np.full(len(p), np.nan)
    scored = ~np.isnan(p)
    for k in rows.folds:
        known, mine = rows.learnable([k]) & scored, (rows.fold == k) & scored
        if known.any():
            found[mine] = thresholds.decide(p[mine], thresholds.choose(rows.label[known], p[known], rule))
    return found


def ordered(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that need less first, since of equally good ones the first is taken; then by name."""
    return sorted(candidates, key=lambda candidate: (candidate.fuser.info.needs_embeddings, candidate.name))

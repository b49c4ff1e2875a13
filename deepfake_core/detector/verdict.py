"""What is said of one video, and how scores become it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract.records import FAKE, REAL, Quality
from deepfake_core.data.pseudo import Basis

Answer = Literal["real", "fake", "inconclusive"]

MISCOVERAGE = 0.1
"""Share of the videos of each class that the band may fail to hold: one in ten."""

MOST_SILENT = 0.5
"""If a larger share of its streams abstains, an ensemble decides nothing."""


@dataclass(frozen=True)
class Opinion:
    """What one stream says of a video.

    Attributes:
        stream: its name.
        p: P(fake) as the stream puts it, mean over the members; None where it abstains.
        share: what the stream adds to the fusion's score, in the fuser's unit; None where nothing was fused.
        status: ``ok``, or why it abstains.
        quality: what it measured.
    """

    stream: str
    p: float | None
    share: float | None
    status: str
    quality: Quality


@dataclass(frozen=True)
class Verdict:
    """What the detector says of a video.

    Attributes:
        video: as it was named.
        answer: ``real``, ``fake``, or ``inconclusive``.
        probability: P(fake), calibrated on people whom the models hadn't seen; None without any score.
        low, high: 95 % range of what another model of the same making would say; None with a single member.
        reasons: what limits it, beside a probability in the band that doesn't decide.
        opinions: of each stream.
        basis: what counted as fake where the detector was measured and calibrated: ``deepfakes``, or only ``pseudo-fakes``.
        error: why the video couldn't be looked at; None if it could.
    """

    video: str
    answer: Answer
    probability: float | None
    low: float | None
    high: float | None
    reasons: tuple[str, ...]
    opinions: tuple[Opinion, ...]
    basis: Basis
    error: str | None = None

    @classmethod
    def failed(cls, video: str, error: str, basis: Basis, opinions: tuple[Opinion, ...] = ()) -> Verdict:
        """Of a video that couldn't be looked at."""
        return cls(video, "inconclusive", None, None, None, (), opinions, basis, error)

    def row(self) -> dict[str, object]:
        """Flat values, for tables; what streams say as JSON text."""
        return {
            "video": self.video,
            "verdict": self.answer,
            "probability": self.probability,
            "low": self.low,
            "high": self.high,
            "reasons": "; ".join(self.reasons),
            "streams": json.dumps([asdict(each) for each in self.opinions]),
            "basis": self.basis,
            "error": self.error or "",
        }


@dataclass(frozen=True)
class Band:
    """Calibrated probabilities that don't decide.

    A probability above ``high`` means fake, one below ``low`` real. The band is that of conformal prediction by class
    (Vovk, Gammerman & Shafer 2005, doi:10.1007/b106715): of new reals no more than one in ten lies above it, of new fakes
    no more than one in ten below, as far as new videos are like those it was made from. Too few videos make it [0, 1].
    """

    low: float
    high: float

    @classmethod
    def of(cls, label: NDArray[np.int64], p: NDArray[np.float64], threshold: float) -> Band:
        """The band of held-out probabilities.

        Args:
            label: 0 or 1, ``[N]``.
            p: calibrated, none NaN, ``[N]``.
            threshold: of the decision; lies in the band, so that a verdict never contradicts it.
        """
        reals, fakes = np.sort(p[label == REAL]), np.sort(p[label == FAKE])
        above = int(np.ceil((len(reals) + 1) * (1 - MISCOVERAGE)))
        below = int(np.floor((len(fakes) + 1) * MISCOVERAGE))
        edges = (
            float(reals[above - 1]) if above <= len(reals) else 1.0,
            float(fakes[below - 1]) if below >= 1 else 0.0,
            threshold,
        )
        return cls(min(edges), max(edges))

    def answer(self, p: float) -> Answer:
        """What a probability means."""
        if self.low <= p <= self.high:
            return "inconclusive"
        return "fake" if p > self.high else "real"


def spread(members: NDArray[np.float64], p: float) -> tuple[float, float] | None:
    """95 % range of the calibrated probability by another member, around ``p``; None for fewer than two members.

    Student's t on the logit.

    Args:
        members: calibrated probability by each member, ``[M]``.
        p: that of their mean score.
    """
    from scipy.special import expit, logit, stdtrit

    if len(members) < 2:
        return None
    tiny = 1e-6
    deviation = np.std(logit(np.clip(members, tiny, 1 - tiny)), ddof=1)
    reach = stdtrit(len(members) - 1, 0.975) * deviation * np.sqrt(1 + 1 / len(members))
    centre = logit(np.clip(p, tiny, 1 - tiny))
    return float(expit(centre - reach)), float(expit(centre + reach))

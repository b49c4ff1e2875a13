"""What is there to say about a detector on new videos? All that was measured, and the numbers that runs are compared by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from deepfake_core.detector.manifest import Manifest
from deepfake_core.evaluation.calibration import reliability
from deepfake_core.fusion.results import FINAL
from deepfake_core.unseen import measures
from deepfake_core.unseen.answers import Answers
from deepfake_core.unseen.overlap import Overlap

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Findings:
    """Everything that was measured; see ``measures`` for the tables.

    Attributes:
        manifest: of the detector.
        name: of the detector, for people.
        source: of the index.
        digest: of the index.
        overlap: what the index shares with the one that the detector was made from; None if that one is unknown.
        answers: what it said.
        metrics: one row per score.
        decisions: who is called what.
        domains: AUC pooled and by data set.
        methods: AUC by data set and method.
        reliability: of the final score.
    """

    manifest: Manifest
    name: str
    source: str
    digest: str
    overlap: Overlap | None
    answers: Answers
    metrics: pd.DataFrame
    decisions: pd.DataFrame
    domains: pd.DataFrame
    methods: pd.DataFrame
    reliability: pd.DataFrame

    @classmethod
    def of(
        cls, manifest: Manifest, name: str, source: str, digest: str, overlap: Overlap | None, answers: Answers
    ) -> Findings:
        """Measures everything."""
        return cls(
            manifest=manifest,
            name=name,
            source=source,
            digest=digest,
            overlap=overlap,
            answers=answers,
            metrics=measures.metrics_table(answers),
            decisions=measures.decision_table(answers),
            domains=measures.domain_table(answers),
            methods=measures.method_table(answers),
            reliability=reliability(answers.label, answers.final.p),
        )

    @cached_property
    def final(self) -> pd.Series:
        """The final score's row of the metrics."""
        return self.metrics[self.metrics["score"] == FINAL].iloc[0]

    @property
    def headline(self) -> dict[str, float]:
        """The numbers that runs are compared by."""
        numbers = {name: float(value) for name, value in self.final.items() if isinstance(value, float | int)}
        everybody = self.decisions.iloc[0]
        domains = self.domains[self.domains["score"] == FINAL].set_index("over")["auc"]
        means = {"auc_mean_of_datasets": float(domains["mean"])} if "mean" in domains else {}
        shares = {name: float(everybody[name]) for name in ("inconclusive", "wrong_decided")}
        return {**numbers, **means, **shares}

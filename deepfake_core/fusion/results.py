"""How good are the streams, the fusions, and the final score, and how sure is that?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract import tables
from deepfake_core.evaluation.comparison import delong_test, holm, paired_difference
from deepfake_core.evaluation.metrics import auc
from deepfake_core.evaluation.resampling import bootstrap, by_part_with_intervals, with_intervals
from deepfake_core.fusion.crossfit import Candidate, CrossFitted, Rows, outer_scores
from deepfake_core.fusion.selection import Nested, decisions

if TYPE_CHECKING:
    import pandas as pd

FINAL = "P_final"

RANKED = ("auc", "average_precision", "partial_auc", "eer", "tpr_at_1_fpr", "tpr_at_5_fpr")
PROBABLE = ("brier", "log_loss", "ece")
DECIDED = ("accuracy", "balanced_accuracy", "f1", "precision", "recall")


@dataclass(frozen=True)
class Score:
    """One column of scores of N videos, none made by anything that saw the video.

    Attributes:
        name: of the stream or fuser, or ``P_final``.
        kind: ``stream``, ``fusion`` or ``final``.
        p: ``[N]``, NaN without a score.
        decision: ``[N]``, 1 fake, 0 real, NaN without a score.
    """

    name: str
    kind: str
    p: NDArray[np.float64]
    decision: NDArray[np.float64]


@dataclass(frozen=True)
class Optimism:
    """How much better a fusion looks when it is chosen by the result that is then reported.

    Attributes:
        naive: best AUC of fusions that were fitted and compared on the videos they are judged by.
        naive_fuser: which one that was.
        crossfitted: best AUC of cross-fitted fusions, chosen on the videos they are judged by.
        nested: AUC of the final score: of the whole procedure, choice and calibration included, on videos that had no part
            in it.
    """

    naive: float
    naive_fuser: str
    crossfitted: float
    nested: float

    @property
    def optimism(self) -> float:
        """Naive minus nested AUC."""
        return self.naive - self.nested


def scores(
    rows: Rows, streams: tuple[str, ...], found: Mapping[str, CrossFitted], nested: Nested, rule: str
) -> list[Score]:
    """Streams, fusions, and the final score."""
    columns = {name: rows.table[tables.score_column(name)].to_numpy(np.float64) for name in streams}
    return [
        *(Score(name, "stream", p, decisions(p, rows, rule)) for name, p in columns.items()),
        *(Score(name, "fusion", each.outer, decisions(each.outer, rows, rule)) for name, each in found.items()),
        Score(FINAL, "final", nested.p, nested.decision),
    ]


def metrics_table(rows: Rows, columns: list[Score], among: NDArray[np.bool_] | None = None) -> pd.DataFrame:
    """One row per score: every metric with its 95 % interval over identity groups, ``auc, auc_low, auc_high, …``.

    Args:
        rows: what is fused.
        columns: its scores.
        among: only these videos, ``[N]``.
    """
    import pandas as pd

    found = []
    meant = np.ones(len(rows.label), dtype=bool) if among is None else among
    for score in columns:
        known = meant & ~np.isnan(score.p)
        label, p, decision = rows.label[known], score.p[known], score.decision[known]
        drawn = bootstrap(rows.resamples(known), label, p, (*RANKED, *PROBABLE, *DECIDED), decision=decision)
        row: dict[str, object] = {"score": score.name, "kind": score.kind, "videos": int(meant.sum()), "scored": len(p)}
        row |= with_intervals(drawn)
        found.append(row)
    return pd.DataFrame(found)


def differences(rows: Rows, columns: list[Score]) -> pd.DataFrame:
    """AUC of the final score minus that of each other: paired bootstrap over identity groups, DeLong, both with Holm."""
    import pandas as pd

    final = columns[-1]
    found = []
    for score in columns[:-1]:
        known = ~np.isnan(score.p)
        label = rows.label[known]
        pair = paired_difference(rows.resamples(known), label, final.p[known], score.p[known])
        test = delong_test(label, final.p[known], score.p[known])
        found.append(
            {
                "against": score.name,
                "kind": score.kind,
                "videos": int(known.sum()),
                "difference": pair.estimate,
                "low": pair.low,
                "high": pair.high,
                "p_bootstrap": pair.p_value,
                "p_delong": test.p_value,
            }
        )
    table = pd.DataFrame(found)
    for name in ("p_bootstrap", "p_delong"):
        table[f"{name}_holm"] = holm(table[name].to_numpy())
    return table


def stream_values(
    rows: Rows, streams: tuple[str, ...], candidate: Candidate, together: NDArray[np.float64], seed: int
) -> pd.DataFrame:
    """What each stream adds: AUC of the fusion with all streams minus the AUC of the same fuser without it.

    Both cross-fitted, on the videos that both can score, with a paired interval over identity groups.

    Args:
        rows: what is fused.
        streams: all of them.
        candidate: the fuser.
        together: its cross-fitted scores with all streams, ``[N]``.
        seed: for everything random in the fuser.
    """
    import pandas as pd

    found = []
    for stream in streams if len(streams) > 1 else ():
        others = [tables.score_column(name) for name in streams if name != stream]
        known = rows.table[others].notna().any(axis=1).to_numpy()
        own = [name for name in rows.table if tables.stream_of(name) == stream]
        kept = Rows(rows.table[known].drop(columns=own).reset_index(drop=True), rows.clear[:, known])
        without = outer_scores(candidate, kept, seed)
        pair = paired_difference(rows.resamples(known), kept.label, together[known], without)
        found.append(
            {
                "stream": stream,
                "videos": int(known.sum()),
                "auc_without": auc(kept.label, without),
                "value": pair.estimate,
                "low": pair.low,
                "high": pair.high,
            }
        )
    return pd.DataFrame(found, columns=["stream", "videos", "auc_without", "value", "low", "high"])


def error_correlation(rows: Rows, columns: list[Score]) -> pd.DataFrame:
    """Pearson correlation of the streams' errors, P(fake) minus label: near 1, two streams fail on the same videos."""
    import pandas as pd

    errors = {score.name: score.p - rows.label for score in columns if score.kind == "stream"}
    return pd.DataFrame(errors).corr()


def optimism(rows: Rows, found: Mapping[str, CrossFitted], nested: Nested) -> Optimism:
    """Naive, cross-fitted and nested AUC on the same videos."""
    naive = {name: auc(rows.label, each.naive) for name, each in found.items()}
    best = max(naive, key=lambda name: -1.0 if np.isnan(naive[name]) else naive[name])
    crossfitted = max((value for value in nested.final.aucs.values() if not np.isnan(value)), default=float("nan"))
    return Optimism(naive[best], best, crossfitted, auc(rows.label, nested.p))


def calibration_table(rows: Rows, nested: Nested) -> pd.DataFrame:
    """Brier score, log loss and calibration error of the final score, before and after calibration."""
    import pandas as pd

    found = []
    for name, p in (("before", nested.raw), ("after", nested.p)):
        drawn = bootstrap(rows.resamples(), rows.label, p, PROBABLE)
        row: dict[str, object] = {"calibration": name}
        row |= with_intervals(drawn)
        found.append(row)
    return pd.DataFrame(found)


def method_table(rows: Rows, nested: Nested) -> pd.DataFrame:
    """AUC of the final score by data set and method; see ``by_part_with_intervals``."""
    dataset, method = rows.table["dataset"].to_numpy(str), rows.table["method"].to_numpy(str)
    return by_part_with_intervals(rows.label, nested.p, dataset, method, rows.group)

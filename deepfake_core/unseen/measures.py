"""Which numbers say how good a frozen detector is on new videos? Nothing here is fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfake_core.contract.records import FAKE, REAL
from deepfake_core.evaluation.resampling import (
    Replicates,
    Resamples,
    bootstrap,
    by_part_with_intervals,
    with_intervals,
)
from deepfake_core.fusion.results import DECIDED, PROBABLE, RANKED
from deepfake_core.unseen.answers import Answers

if TYPE_CHECKING:
    import pandas as pd

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

EVERYTHING = "all"
"""Instead of the name of a data set or method."""


def share(resamples: Resamples, holds: Floats) -> Replicates:
    """The share of videos for which something holds.

    Args:
        resamples: draws of these videos' groups.
        holds: 1 it does, 0 it doesn't, NaN the video doesn't count, ``[N]``.
    """
    # The accuracy of saying of every video that it holds.
    return bootstrap(resamples, np.ones(len(holds)), np.zeros(len(holds)), ["accuracy"], holds)["accuracy"]


def mean(parts: Sequence[Replicates]) -> Replicates:
    """The mean of a metric over parts that were drawn independently of each other.

    The part with the fewest groups says how sure the spread is, which is on the safe side.
    """
    return Replicates(
        float(np.mean([part.estimate for part in parts])),
        np.mean([part.values for part in parts], axis=0),
        "share",
        min(part.holders for part in parts),
        min(part.freedom for part in parts),
    )


def metrics_table(answers: Answers) -> pd.DataFrame:
    """One row per score: every metric of its scored videos with its 95 % interval over identity groups.

    Metrics of decisions are those of the final score at the detector's threshold, and NaN for streams, which have none.
    """
    import pandas as pd

    everybody = Resamples.draw(answers.label, answers.group)
    rows = []
    for score in answers.scores:
        known = ~np.isnan(score.p)
        label = answers.label[known]
        resamples = Resamples.draw(label, answers.group[known])
        found = bootstrap(resamples, label, score.p[known], (*RANKED, *PROBABLE, *DECIDED), score.decision[known])
        row: dict[str, object] = {"score": score.name, "kind": score.kind, "videos": len(known), "scored": len(label)}
        row |= with_intervals({"coverage": share(everybody, known.astype(np.float64))} | found)
        rows.append(row)
    return pd.DataFrame(rows)


def decision_table(answers: Answers) -> pd.DataFrame:
    """Who is called what, over all videos and over each class, data set and method.

    Returns:
        ``dataset, method, label`` (``all``, ``real`` or ``fake``), ``videos, scored``; ``wrong``, the share of scored videos that
        the threshold puts on the wrong side; of the ``examined`` ones ``inconclusive``, the share with no verdict;
        and ``wrong_decided``, the share of wrong verdicts among the ``decided`` ones. All shares with intervals.
    """
    import pandas as pd

    wrong = np.where(np.isnan(answers.final.decision), np.nan, answers.final.decision != answers.label)
    silent = np.where(answers.examined, np.isnan(answers.verdict), np.nan)
    misled = np.where(np.isnan(answers.verdict), np.nan, answers.verdict != answers.label)
    rows = []
    for (dataset, method, label), mask in _parts(answers).items():
        resamples = Resamples.draw(answers.label[mask], answers.group[mask])
        shares = {"wrong": wrong, "inconclusive": silent, "wrong_decided": misled}
        row: dict[str, object] = {
            "dataset": dataset,
            "method": method,
            "label": label,
            "videos": int(mask.sum()),
            "scored": int((~np.isnan(wrong[mask])).sum()),
            "examined": int(answers.examined[mask].sum()),
            "decided": int((~np.isnan(misled[mask])).sum()),
        }
        row |= with_intervals({name: share(resamples, values[mask]) for name, values in shares.items()})
        rows.append(row)
    return pd.DataFrame(rows)


def domain_table(answers: Answers) -> pd.DataFrame:
    """AUC of each score over all videos together, the mean over data sets, and in each data set by itself.

    Pooled, fakes of one data set are compared with reals of another, too: a score that shifts with camera or codec loses there what
    it had inside each data set, and one that knows the data sets can gain.

    Returns:
        ``score, over`` (``pooled``, ``mean`` or ``dataset``), ``dataset, fakes, reals, auc, auc_low, auc_high``; a data set
        without one of the classes has NaN and isn't in the mean.
    """
    import pandas as pd

    datasets = answers.part[:, 0]
    rows = []
    for score in answers.scores:
        known = ~np.isnan(score.p)
        masks = {name: known & (datasets == name) for name in sorted(set(datasets))}
        # Equal seeds would draw equal data sets alike, and their errors would look shared.
        apart = {name: _auc(answers, score.p, mask, seed=1 + place) for place, (name, mask) in enumerate(masks.items())}
        defined = [name for name, each in apart.items() if not np.isnan(each.estimate)]
        found = [("pooled", EVERYTHING, known, _auc(answers, score.p, known))]
        if defined:
            both = np.any([masks[name] for name in defined], axis=0)
            found.append(("mean", EVERYTHING, both, mean([apart[name] for name in defined])))
        found += [("dataset", name, mask, apart[name]) for name, mask in masks.items()]
        for over, name, mask, replicates in found:
            fakes = int(answers.label[mask].sum())
            row: dict[str, object] = {"score": score.name, "over": over, "dataset": name}
            row |= {"fakes": fakes, "reals": int(mask.sum()) - fakes, **with_intervals({"auc": replicates})}
            rows.append(row)
    return pd.DataFrame(rows)


def method_table(answers: Answers) -> pd.DataFrame:
    """AUC of each score by data set and method, see ``by_part_with_intervals``."""
    import pandas as pd

    dataset, method = answers.part.T
    tables = []
    for score in answers.scores:
        found = by_part_with_intervals(answers.label, score.p, dataset, method, answers.group)
        found.insert(0, "score", score.name)
        tables.append(found)
    return pd.concat(tables, ignore_index=True)


def _auc(answers: Answers, p: Floats, mask: Mask, *, seed: int = 0) -> Replicates:
    resamples = Resamples.draw(answers.label[mask], answers.group[mask], seed=seed)
    return bootstrap(resamples, answers.label[mask], p[mask], ["auc"])["auc"]


def _parts(answers: Answers) -> dict[tuple[str, str, str], Mask]:
    """All videos, each class, and each method of each data set, where there are any."""
    dataset, method = answers.part.T
    found = {(EVERYTHING, EVERYTHING, EVERYTHING): np.ones(len(dataset), dtype=bool)}
    for label, name in ((REAL, "real"), (FAKE, "fake")):
        of_class = answers.label == label
        found[EVERYTHING, EVERYTHING, name] = of_class
        for pair in sorted(set(zip(dataset[of_class], method[of_class], strict=True))):
            found[pair[0], pair[1], name] = of_class & (dataset == pair[0]) & (method == pair[1])
    return {key: mask for key, mask in found.items() if mask.any()}

"""How good is one score column? Point metrics over videos. ``p`` is P(fake); a NaN score counts for coverage only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

ECE_BINS = 15
"""As in Guo et al. (2017), 10.48550/arXiv.1706.04599."""

PARTIAL_FPR = 0.1
"""False positive rate up to which the partial AUC looks."""


def video_metrics(label: ArrayLike, p: ArrayLike) -> dict[str, float]:
    """Coverage, and over the scored videos how well scores rank and how true they are as probabilities.

    Ranking, NaN unless both classes are scored: ``auc``; ``average_precision``; ``eer``, the rate at which the ROC curve,
    linear between its points, has equal shares of false positives and of misses; ``tpr_at_1_fpr`` and ``tpr_at_5_fpr``, the
    largest true positive rate of a threshold whose false positive rate is at most that; ``partial_auc`` up to a
    false positive rate of 0.1, standardised so that chance is 0.5 (McClish 1989, 10.1177/0272989X8900900307).

    Probabilities: ``brier``; ``log_loss``; ``ece``, the expected calibration error of P(fake) in 15 bins of equal width: the
    mean over videos of their bin's gap between mean ``p`` and share of fakes (Naeini et al. 2015, 10.1609/aaai.v29i1.9602).

    Args:
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]`` in [0, 1] or NaN.

    Returns:
        Metrics by name, with the numbers of ``videos`` and of ``scored`` ones, and their ratio ``coverage``.
    """
    y_all, p_all = np.asarray(label, dtype=np.int64), np.asarray(p, dtype=np.float64)
    scored = ~np.isnan(p_all)
    y, q = y_all[scored], p_all[scored]
    coverage = float(scored.mean()) if len(scored) else np.nan
    found = {"videos": float(len(p_all)), "scored": float(scored.sum()), "coverage": coverage}
    return found | _ranking(y, q) | _probabilities(y, q)


def _ranking(y: NDArray[np.int64], q: NDArray[np.float64]) -> dict[str, float]:
    names = ("auc", "average_precision", "eer", "tpr_at_1_fpr", "tpr_at_5_fpr", "partial_auc")
    if not 0 < y.sum() < len(y):
        return dict.fromkeys(names, np.nan)
    from sklearn import metrics

    false, true, _ = metrics.roc_curve(y, q, drop_intermediate=False)
    values = (
        metrics.roc_auc_score(y, q),
        metrics.average_precision_score(y, q),
        np.interp(0.0, false + true - 1, false),
        true[false <= 0.01].max(),
        true[false <= 0.05].max(),
        metrics.roc_auc_score(y, q, max_fpr=PARTIAL_FPR),
    )
    return dict(zip(names, map(float, values), strict=True))


def _probabilities(y: NDArray[np.int64], q: NDArray[np.float64]) -> dict[str, float]:
    if len(y) == 0:
        return dict.fromkeys(("brier", "log_loss", "ece"), np.nan)
    from sklearn.metrics import log_loss

    gaps = np.bincount(bin_of(q, ECE_BINS), weights=q - y)
    return {
        "brier": float(np.mean((q - y) ** 2)),
        "log_loss": float(log_loss(y, q, labels=[0, 1])),
        "ece": float(np.abs(gaps).sum() / len(y)),
    }


def decision_metrics(label: ArrayLike, decision: ArrayLike) -> dict[str, float]:
    """How good decisions are. The positive class is fake.

    Args:
        label: ``[N]``, 0 real, 1 fake.
        decision: ``[N]``, 1 or True for fake, 0 or False for real; videos without one (NaN) are left out.

    Returns:
        ``accuracy``, ``balanced_accuracy``, ``f1``, ``precision``, ``recall``; NaN where a denominator is 0.
    """
    y_all, d_all = np.asarray(label, dtype=np.int64), np.asarray(decision, dtype=np.float64)
    decided = ~np.isnan(d_all)
    y, d = y_all[decided], d_all[decided].astype(np.int64)
    if len(y) == 0:
        return dict.fromkeys(("accuracy", "balanced_accuracy", "f1", "precision", "recall"), np.nan)
    from sklearn import metrics

    found = {
        "accuracy": metrics.accuracy_score(y, d),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, d) if 0 < y.sum() < len(y) else np.nan,
        "f1": metrics.f1_score(y, d, zero_division=np.nan),
        "precision": metrics.precision_score(y, d, zero_division=np.nan),
        "recall": metrics.recall_score(y, d, zero_division=np.nan),
    }
    return {name: float(value) for name, value in found.items()}


def auc(label: ArrayLike, p: ArrayLike) -> float:
    """The chance that a fake scores higher than a real video, ties half; NaN unless both classes are scored.

    Args:
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]``; videos with NaN are left out.
    """
    fake, scores = np.asarray(label, dtype=bool), np.asarray(p, dtype=np.float64)
    return _auc(scores[fake & ~np.isnan(scores)], scores[~fake & ~np.isnan(scores)])


def by_part(label: ArrayLike, p: ArrayLike, dataset: ArrayLike, method: ArrayLike) -> pd.DataFrame:
    """AUC of each method's fakes, against the real videos of the same data set and against all real videos.

    Fakes against reals of another data set may differ in camera and codec as well; the first number is the fair one.

    Args:
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]`` in [0, 1] or NaN.
        dataset: ``[N]`` names.
        method: ``[N]`` names; those of real videos don't matter.

    Returns:
        One row per data set and method of a fake, sorted: ``dataset, method, fakes, reals, auc, auc_all_reals``. ``fakes``
        and ``reals`` (of the data set) count scored videos; an AUC is NaN where either side has none.
    """
    import pandas as pd

    fake, p = np.asarray(label, dtype=bool), np.asarray(p, dtype=np.float64)
    datasets, methods = np.asarray(dataset, dtype=object), np.asarray(method, dtype=object)
    scored = ~np.isnan(p)
    rows = []
    for name, kind in sorted(set(zip(datasets[fake], methods[fake], strict=True))):
        fakes = p[scored & fake & (datasets == name) & (methods == kind)]
        reals = p[scored & ~fake & (datasets == name)]
        against = [_auc(fakes, reals), _auc(fakes, p[scored & ~fake])]
        rows.append((name, kind, len(fakes), len(reals), *against))
    return pd.DataFrame(rows, columns=["dataset", "method", "fakes", "reals", "auc", "auc_all_reals"])


def _auc(fakes: NDArray[np.float64], reals: NDArray[np.float64]) -> float:
    """From midranks: what scikit-learn gives, several times sooner, and without importing it."""
    if len(fakes) == 0 or len(reals) == 0:
        return np.nan
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([fakes, reals]))[: len(fakes)].sum()
    return float((ranks - len(fakes) * (len(fakes) + 1) / 2) / (len(fakes) * len(reals)))


def bin_of(p: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """Which of ``bins`` equal parts of [0, 1] holds each ``p``; a bin holds its lower end, the last one both ends."""
    return np.minimum((p * bins).astype(np.intp), bins - 1)

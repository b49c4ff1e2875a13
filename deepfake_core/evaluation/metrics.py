"""Video-level metrics of one score column. ``p`` is P(fake); a NaN score counts for coverage only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def video_metrics(label: ArrayLike, p: ArrayLike) -> dict[str, float]:
    """Coverage, and over the scored videos AUC, average precision, Brier score and log loss.

    Args:
        label: ``[N]``, 0 real, 1 fake.
        p: ``[N]`` in [0, 1] or NaN.

    Returns:
        Metrics by name. AUC and average precision are NaN unless both classes are scored.
    """
    label_all: NDArray[np.int64] = np.asarray(label, dtype=np.int64)
    p_all: NDArray[np.float64] = np.asarray(p, dtype=np.float64)
    scored = ~np.isnan(p_all)
    y, q = label_all[scored], p_all[scored]
    found = {"videos": float(len(p_all)), "scored": float(scored.sum()), "coverage": float(scored.mean())}
    if len(y) == 0:
        return found | dict.fromkeys(("auc", "average_precision", "brier", "log_loss"), np.nan)
    from sklearn import metrics

    both = 0 < y.sum() < len(y)
    return found | {
        "auc": float(metrics.roc_auc_score(y, q)) if both else np.nan,
        "average_precision": float(metrics.average_precision_score(y, q)) if both else np.nan,
        "brier": float(np.mean((q - y) ** 2)),
        "log_loss": float(metrics.log_loss(y, q, labels=[0, 1])),
    }

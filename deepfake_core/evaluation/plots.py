"""Figures of scores: ROC, AUC by fold, score distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.evaluation.metrics import video_metrics

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REAL_COLOUR, FAKE_COLOUR, LINE_COLOUR = "#2a7f9e", "#c8553d", "#444444"


def new_figure(width: float = 6.0, height: float = 4.5) -> tuple[Figure, Axes]:
    """An empty figure and its axes, without the state that ``pyplot`` keeps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def roc(oof: pd.DataFrame, title: str) -> Figure:
    """ROC curve of each fold (thin) and of all out-of-fold scores together (thick)."""
    from sklearn.metrics import roc_curve

    figure, axes = new_figure(5.2, 5.0)
    scored = oof[oof["p"].notna()]
    for _, part in scored.groupby("fold"):
        if part["label"].nunique() == 2:
            false, true, _ = roc_curve(part["label"], part["p"])
            axes.plot(false, true, color=LINE_COLOUR, lw=0.8, alpha=0.4)
    if scored["label"].nunique() == 2:
        false, true, _ = roc_curve(scored["label"], scored["p"])
        auc = video_metrics(scored["label"], scored["p"])["auc"]
        axes.plot(false, true, color=FAKE_COLOUR, lw=2.2, label=f"out of fold, AUC {auc:.3f} (n = {len(scored)})")
        axes.legend(loc="lower right", frameon=False)
    axes.plot([0, 1], [0, 1], color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title=title, aspect="equal")
    return figure


def fold_aucs(oof: pd.DataFrame, title: str) -> Figure:
    """AUC of each fold's held-out videos, with their number."""
    figure, axes = new_figure()
    rows = [(fold, video_metrics(part["label"], part["p"])) for fold, part in oof.groupby("fold")]
    values = [found["auc"] for _, found in rows]
    places = range(len(rows))
    axes.bar(places, np.nan_to_num(values), color=REAL_COLOUR, width=0.6)
    axes.set_xticks(places, [str(fold) for fold, _ in rows])
    for place, (_, found) in zip(places, rows, strict=True):
        text = "one class" if np.isnan(found["auc"]) else f"{found['auc']:.3f}"
        axes.text(
            place, np.nan_to_num(found["auc"]) + 0.01, f"{text}\nn = {found['scored']:.0f}", ha="center", fontsize=8
        )
    axes.axhline(0.5, color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(ylim=(0, 1.12), xlabel="fold", ylabel="AUC of held-out videos", title=title)
    return figure


def score_distributions(oof: pd.DataFrame, title: str) -> Figure:
    """Histograms of out-of-fold scores, by label."""
    figure, axes = new_figure()
    bins = np.linspace(0, 1, 21)
    for label, name, colour in ((0, "real", REAL_COLOUR), (1, "fake", FAKE_COLOUR)):
        p = oof.loc[(oof["label"] == label) & oof["p"].notna(), "p"]
        axes.hist(p, bins=list(bins), alpha=0.6, color=colour, label=f"{name} (n = {len(p)})")
    axes.set(xlabel="P(fake), out of fold", ylabel="videos", title=title)
    axes.legend(frameon=False)
    return figure

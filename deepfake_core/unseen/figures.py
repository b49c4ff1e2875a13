"""What does a detector's evaluation on new videos look like?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.evaluation.plots import FAKE_COLOUR, LINE_COLOUR, REAL_COLOUR
from deepfake_core.fusion.results import FINAL
from deepfake_core.unseen.answers import Answers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def roc(axes: Axes, answers: Answers) -> None:
    """ROC curves of the streams and of the final score, where both classes are scored; the threshold as a point."""
    from sklearn.metrics import roc_curve

    for score in answers.scores:
        known = ~np.isnan(score.p)
        label = answers.label[known]
        if len(np.unique(label)) < 2:
            continue
        final = score.name == FINAL
        false, true, _ = roc_curve(label, score.p[known])
        axes.plot(false, true, lw=2.4 if final else 1.2, color=FAKE_COLOUR if final else None, label=score.name)
        if final:
            called = score.decision[known] == 1
            axes.plot(called[label == 0].mean(), called[label == 1].mean(), "o", color="black", label="its threshold")
    axes.plot([0, 1], [0, 1], color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC, new videos", aspect="equal")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", frameon=False, fontsize=8)


def auc_bars(axes: Axes, metrics: pd.DataFrame) -> None:
    """AUC of each score with its 95 % interval."""
    places = np.arange(len(metrics))[::-1]
    for place, row in zip(places, metrics.itertuples(), strict=True):
        axes.barh(place, row.auc, color=FAKE_COLOUR if row.kind == "final" else REAL_COLOUR, height=0.65)
        axes.plot([row.auc_low, row.auc_high], [place, place], color="black", lw=1.2)
        text = "undefined" if np.isnan(row.auc) else f"{row.auc:.3f}"
        axes.text(1.02, place, text, va="center", fontsize=8)
    axes.set_yticks(places, list(metrics["score"]))
    axes.axvline(0.5, color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(xlim=(0, 1.2), xlabel="AUC, 95 % interval over identity groups", title="AUC, new videos")


def scores(axes: Axes, answers: Answers, threshold: float, band: tuple[float, float]) -> None:
    """Histograms of the final score by label, the band that doesn't decide, and the threshold."""
    bins = list(np.linspace(0, 1, 21))
    axes.axvspan(*band, color="#dddddd", lw=0, label="doesn't decide")
    axes.axvline(threshold, color=LINE_COLOUR, lw=1, ls="--", label="threshold")
    known = ~np.isnan(answers.final.p)
    for label, name, colour in ((0, "real", REAL_COLOUR), (1, "fake", FAKE_COLOUR)):
        p = answers.final.p[known & (answers.label == label)]
        axes.hist(p, bins=bins, alpha=0.6, color=colour, label=f"{name} (n = {len(p)})")
    axes.set(xlim=(0, 1), xlabel="P_final, calibration frozen", ylabel="videos", title="Scores")
    axes.legend(frameon=False, fontsize=8)


def calibration(axes: Axes, table: pd.DataFrame) -> None:
    """Share of fakes against the score; points grow with the number of videos."""
    held = table[table["videos"] > 0]
    axes.plot(held["mean_p"], held["fake_share"], color=FAKE_COLOUR, lw=1)
    axes.scatter(
        held["mean_p"],
        held["fake_share"],
        s=12 + 200 * held["videos"] / max(1, held["videos"].sum()),
        color=FAKE_COLOUR,
    )
    axes.plot([0, 1], [0, 1], color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="mean P(fake)", ylabel="share of fakes", title="Reliability", aspect="equal"
    )


def methods(axes: Axes, table: pd.DataFrame) -> None:
    """AUC of the final score against the same data set's reals, by method, with its 95 % interval."""
    found = table[table["score"] == FINAL]
    places = np.arange(len(found))[::-1]
    axes.barh(places, np.nan_to_num(found["auc"].to_numpy(float)), color=REAL_COLOUR, height=0.65)
    for place, row in zip(places, found.itertuples(), strict=True):
        axes.plot([row.auc_low, row.auc_high], [place, place], color="black", lw=1.2)
    names = [f"{row.dataset} · {row.method} (n = {row.fakes})" for row in found.itertuples()]
    axes.set_yticks(places, names, fontsize=8)
    axes.axvline(0.5, color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(xlim=(0, 1), xlabel="AUC against the same data set's reals", title="By method")

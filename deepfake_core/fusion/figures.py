"""What do the results of a fusion look like? Each function draws one panel on given axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.evaluation.calibration import reliability
from deepfake_core.evaluation.plots import FAKE_COLOUR, LINE_COLOUR, REAL_COLOUR, new_figure
from deepfake_core.fusion.crossfit import Rows
from deepfake_core.fusion.explaining import Explanation, placed
from deepfake_core.fusion.results import FINAL, Optimism, Score
from deepfake_core.fusion.selection import Nested

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_COLOURS = {"stream": REAL_COLOUR, "fusion": "#8a8a8a", "final": FAKE_COLOUR}

Panel = Callable[["Axes"], None]


def noted(axes: Axes, panel: Panel, note: str) -> None:
    """A panel with a few words added to its title."""
    panel(axes)
    axes.set_title(f"{axes.get_title()}, {note}")


def roc(axes: Axes, rows: Rows, columns: Sequence[Score]) -> None:
    """ROC curves of the streams and of the final score."""
    from sklearn.metrics import roc_curve

    for score in [column for column in columns if column.kind != "fusion"]:
        known = ~np.isnan(score.p)
        if len(np.unique(rows.label[known])) < 2:
            continue
        false, true, _ = roc_curve(rows.label[known], score.p[known])
        final = score.name == FINAL
        axes.plot(false, true, lw=2.4 if final else 1.2, color=FAKE_COLOUR if final else None, label=score.name)
    axes.plot([0, 1], [0, 1], color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC, out of fold", aspect="equal")
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def auc_bars(axes: Axes, metrics: pd.DataFrame) -> None:
    """AUC of each score with its 95 % interval."""
    places = np.arange(len(metrics))[::-1]
    for place, row in zip(places, metrics.itertuples(), strict=True):
        axes.barh(place, row.auc, color=_COLOURS[row.kind], height=0.65)
        axes.plot([row.auc_low, row.auc_high], [place, place], color="black", lw=1.2)
        axes.text(1.02, place, f"{row.auc:.3f}", va="center", fontsize=8)
    axes.set_yticks(places, list(metrics["score"]))
    axes.axvline(0.5, color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(xlim=(0, 1.15), xlabel="AUC, 95 % interval over identity groups", title="AUC")


def confusion(axes: Axes, rows: Rows, nested: Nested) -> None:
    """Final decisions against labels, in videos."""
    decision = nested.decision.astype(int)
    table = np.array([[int(((rows.label == y) & (decision == d)).sum()) for d in (0, 1)] for y in (0, 1)])
    axes.imshow(table, cmap="Blues", vmin=0, vmax=max(1, table.sum(axis=1).max()))
    for y in (0, 1):
        for d in (0, 1):
            shade = "white" if table[y, d] > 0.6 * table.max() else "black"
            axes.text(d, y, str(table[y, d]), ha="center", va="center", color=shade, fontsize=13)
    axes.set_xticks([0, 1], ["called real", "called fake"])
    axes.set_yticks([0, 1], ["real", "fake"])
    axes.set_title("Decisions of P_final")


def distributions(axes: Axes, rows: Rows, nested: Nested) -> None:
    """Histograms of the final score by label."""
    bins = list(np.linspace(0, 1, 21))
    for label, name, colour in ((0, "real", REAL_COLOUR), (1, "fake", FAKE_COLOUR)):
        chosen = nested.p[rows.label == label]
        axes.hist(chosen, bins=bins, alpha=0.6, color=colour, label=f"{name} (n = {len(chosen)})")
    axes.set(xlabel="P_final, calibrated", ylabel="videos", title="Scores")
    axes.legend(frameon=False, fontsize=8)


def correlation(axes: Axes, rows: Rows, columns: Sequence[Score]) -> None:
    """Rank correlation between the streams' scores."""
    import pandas as pd

    streams = [score for score in columns if score.kind == "stream"]
    table = pd.DataFrame({score.name: score.p for score in streams}).corr(method="spearman").to_numpy()
    axes.imshow(table, cmap="RdBu_r", vmin=-1, vmax=1)
    for i, row in enumerate(table):
        for j, value in enumerate(row):
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=9)
    names = [score.name for score in streams]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_title("Rank correlation of the streams")


def calibration(axes: Axes, rows: Rows, nested: Nested) -> None:
    """Share of fakes against the score, before and after calibration."""
    for name, p, colour in (("before", nested.raw, "#8a8a8a"), ("after", nested.p, FAKE_COLOUR)):
        table = reliability(rows.label, p)
        axes.plot(table["mean_p"], table["fake_share"], marker="o", ms=4, color=colour, label=name)
    axes.plot([0, 1], [0, 1], color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="mean P(fake)", ylabel="share of fakes", title="Reliability", aspect="equal"
    )
    axes.legend(frameon=False, fontsize=8)


def methods(axes: Axes, table: pd.DataFrame) -> None:
    """AUC of the final score against the same data set's reals, by method."""
    names = [f"{row.dataset} · {row.method} (n = {row.fakes})" for row in table.itertuples()]
    places = np.arange(len(names))[::-1]
    axes.barh(places, np.nan_to_num(table["auc"].to_numpy(float)), color=REAL_COLOUR, height=0.65)
    axes.set_yticks(places, names, fontsize=8)
    axes.axvline(0.5, color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(xlim=(0, 1), xlabel="AUC against the same data set's reals", title="By method")


def optimism_bars(axes: Axes, found: Optimism) -> None:
    """Naive, cross-fitted and nested AUC."""
    values = {
        f"fitted and chosen\non these videos\n({found.naive_fuser})": found.naive,
        "chosen on\nthese videos": found.crossfitted,
        "nested": found.nested,
    }
    bars = axes.bar(range(3), list(values.values()), color=["#8a8a8a", "#8a8a8a", FAKE_COLOUR], width=0.6)
    axes.bar_label(bars, fmt="%.3f")
    axes.set_xticks(range(3), list(values), fontsize=8)
    axes.axhline(0.5, color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(ylim=(0, 1.1), ylabel="AUC", title="What choosing by the result adds")


def values(axes: Axes, table: pd.DataFrame) -> None:
    """What each stream adds to the AUC, with its 95 % interval."""
    places = np.arange(len(table))[::-1]
    axes.barh(places, table["value"], color=REAL_COLOUR, height=0.6)
    for place, row in zip(places, table.itertuples(), strict=True):
        axes.plot([row.low, row.high], [place, place], color="black", lw=1.2)
    axes.set_yticks(places, list(table["stream"]))
    axes.axvline(0, color=LINE_COLOUR, lw=0.8)
    axes.set(xlabel="AUC with it minus AUC without", title="What each stream adds")


def importance(axes: Axes, table: pd.DataFrame) -> None:
    """How far each stream moves a score, with its 95 % interval."""
    places = np.arange(len(table))[::-1]
    axes.barh(places, table["importance"], color=REAL_COLOUR, height=0.6)
    for place, row in zip(places, table.itertuples(), strict=True):
        axes.plot([row.low, row.high], [place, place], color="black", lw=1.2)
    names = [f"{row.stream}\n{row.share:.0%}" for row in table.itertuples()]
    axes.set_yticks(places, names)
    axes.set(xlabel="mean of how far it moves a score, up or down", title="What the scores are made of")


def strongest(explanation: Explanation, most: int = 20) -> Figure:
    """What the strongest columns add to each video's score, coloured by their values."""
    from matplotlib.cm import ScalarMappable

    names = explanation.strongest(most)
    figure, axes = new_figure(7.5, 1.6 + 0.3 * len(names))
    limits = explanation.added[names].to_numpy().min(), explanation.added[names].to_numpy().max()
    for place, name in enumerate(reversed(names)):
        added = explanation.added[name].to_numpy()
        height = place + 0.4 * swarm(added, *limits)
        value = placed(explanation.rows.table[name])
        known = ~np.isnan(value)
        axes.scatter(added[~known], height[~known], s=7, color="#b0b0b0", lw=0)
        axes.scatter(added[known], height[known], s=7, c=value[known], cmap="coolwarm", vmin=0, vmax=1, lw=0)
    axes.axvline(0, color=LINE_COLOUR, lw=0.8)
    axes.set_yticks(range(len(names)), names[::-1], fontsize=8)
    axes.set(xlabel=f"what the column adds to the score of {explanation.fuser}", title="The strongest columns")
    bar = figure.colorbar(ScalarMappable(cmap="coolwarm"), ax=axes, ticks=[0, 1], aspect=40)
    bar.ax.set_yticklabels(["lowest value", "highest"], fontsize=8)
    return figure


def swarm(x: NDArray[np.float64], low: float, high: float, bins: int = 80) -> NDArray[np.float64]:
    """Offsets in [-1, 1], ``[n]``, that keep points of about equal ``x`` apart, the first of each place in the middle."""
    place = np.floor((x - low) / (high - low) * (bins - 1)) if high > low else np.zeros(len(x))
    order = np.argsort(place, kind="stable")
    firsts = np.searchsorted(place[order], place[order], side="left")
    number = np.empty(len(x), np.intp)
    number[order] = np.arange(len(x)) - firsts
    steps = np.where(number % 2, 1, -1) * ((number + 1) // 2)
    offsets: NDArray[np.float64] = steps / max(4, np.abs(steps).max(initial=0))
    return offsets


def video_map(table: pd.DataFrame) -> Figure:
    """The same map of the videos three times: by label, by method, by fold."""
    from matplotlib.figure import Figure

    labels = table["label"].map({0: "real", 1: "fake"})
    parts = {
        "label": labels,
        "method": table["dataset"] + " · " + table["method"],
        "fold": "fold " + table["fold"].astype(str),
    }
    figure = Figure(figsize=(15, 5.6), layout="constrained")
    for axes, (title, part) in zip(figure.subplots(1, 3), parts.items(), strict=True):
        for name, rows in table.groupby(part):
            colour = {"real": REAL_COLOUR, "fake": FAKE_COLOUR}.get(name) if title == "label" else None
            axes.scatter(rows["x"], rows["y"], s=20, alpha=0.75, lw=0, color=colour, label=name)
        axes.set(xticks=[], yticks=[], title=f"by {title}", aspect="equal", adjustable="datalim")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=3, frameon=False, fontsize=8)
    return figure


def single(panel: Panel, width: float = 6.0, height: float = 4.6) -> Figure:
    """One panel as a figure of its own."""
    figure, axes = new_figure(width, height)
    panel(axes)
    return figure


def sheet(panels: Sequence[Panel]) -> Figure:
    """Five panels or six on one sheet."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 9.5), layout="constrained")
    places = figure.subplots(2, 3).ravel()
    for axes, panel in zip(places, panels, strict=False):
        panel(axes)
    for axes in places[len(panels) :]:
        axes.remove()
    return figure

"""What does a detector's strength under stress look like?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.evaluation.plots import FAKE_COLOUR, LINE_COLOUR
from deepfake_core.fusion.results import FINAL
from deepfake_core.stress.results import CLEAN, measure_of
from deepfake_core.stress.sweep import CONTROL, KINDS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4


def sweeps(table: pd.DataFrame) -> Figure:
    """A panel per kind: the final score with its 95 % interval and the streams, from the videos as they are to the strongest level."""
    from matplotlib.figure import Figure

    kinds = [name for name in KINDS if name in set(table["kind"]) and name != CONTROL]
    across = min(COLUMNS, len(kinds))
    down = -(-len(kinds) // across)
    figure = Figure(figsize=(0.8 + 3.4 * across, 0.7 + 3.0 * down), layout="constrained")
    places = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    for axes, kind in zip(places, kinds, strict=False):
        _panel(axes, table[table["kind"].isin((CLEAN, kind))], kind, measure_of(table))
    for axes in places[len(kinds) :]:
        axes.remove()
    for row in range(down):
        places[row * across].set_ylabel(measure_of(table).replace("auc", "AUC").replace("_", " "))
    lines, names = places[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


def _panel(axes: Axes, table: pd.DataFrame, kind: str, metric: str) -> None:
    for score, rows in table.groupby("score", sort=False):
        place, final = np.arange(len(rows)), score == FINAL
        colour = FAKE_COLOUR if final else None
        axes.plot(place, rows[metric], marker="o", ms=4, lw=2.4 if final else 1.2, color=colour, label=score)
        if final:
            axes.fill_between(place, rows[f"{metric}_low"], rows[f"{metric}_high"], color=colour, alpha=0.15, lw=0)
    shown = table[table["score"] == FINAL]["shown"]
    axes.set_xticks(range(len(shown)), [text.replace(" ", "\n", 1) for text in shown], fontsize=8)
    axes.set_title(KINDS[kind].title)
    if metric == "auc":
        axes.axhline(0.5, color=LINE_COLOUR, lw=0.8, ls=":")
        axes.set_ylim(0, 1.02)

"""What do the pseudo-fakes look like that a training learns from?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core.evaluation.plots import new_figure
from deepfake_nn.clips import Draw, seed_of
from deepfake_selfblend.pairs import PairSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 8
"""Most clips on the sheet."""

ROWS = ("real", "mask", "source", "pseudo-fake")


def sheet(pairs: PairSet, *, seed: int) -> Figure:
    """One face each of up to eight clips: the real, the mask (grey where the blend is weak), the source, and their blend.

    Args:
        pairs: the train clips; those shown are spread over them.
        seed: of the blends.
    """
    chosen = np.unique(np.linspace(0, len(pairs) - 1, SHOWN).round().astype(int))
    columns = []
    for position in chosen:
        made = pairs.shown(Draw(int(position), 1, 0.5, seed_of(seed, int(position))))
        mask = np.repeat(made.mask[..., None], 3, axis=2)
        columns.append(np.concatenate([made.real, mask, made.source, made.fake]))
    pixels = np.concatenate(columns, axis=1)
    side = columns[0].shape[1]
    figure, axes = new_figure(1.6 * len(chosen) + 1, 1.6 * len(ROWS) + 0.1)
    axes.imshow(pixels, aspect="auto")
    axes.set_yticks(side * (np.arange(len(ROWS)) + 0.5), ROWS)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure

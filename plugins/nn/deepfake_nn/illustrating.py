"""What did a network see in one clip: what in the faces does its score rest on, and how does it go over time?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from deepfake_core import Extracted, Panel
from deepfake_core.evaluation.plots import FAKE_COLOUR, LINE_COLOUR, REAL_COLOUR, new_figure
from deepfake_faces.crops import FaceCrops
from deepfake_nn.clips import read_clip
from deepfake_nn.encoder import EncoderNetwork
from deepfake_nn.gradcam import Evidence, evidence
from deepfake_nn.settings import LearningSettings, NetworkSettings
from deepfake_nn.training.choice import load

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SHOWN = 8
"""Most faces in the strip."""

LEAST_COLUMNS = 4
"""Fewer faces than this aren't drawn any larger."""

OPACITY = 0.75
"""Of the greatest heat."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""


class Sight(NamedTuple):
    """A face as the network got it.

    Attributes:
        frames: ``[T, 3, S, S]`` float, 0-1.
        time_s: of each, ``[T]``, s.
        evidence: what the network says of them.
    """

    frames: torch.Tensor
    time_s: NDArray[np.float64]
    evidence: Evidence

    @property
    def p(self) -> float:
        """P(fake)."""
        return float(torch.sigmoid(torch.tensor(self.evidence.logit, dtype=torch.float64)))


def illustrate(
    network: nn.Module, model: Path, clip: Extracted, settings: LearningSettings, *, window: int
) -> list[Panel]:
    """A strip of faces with what the score rests on, and, of two frames or more, the score over time.

    Runs on the CPU: it's one clip, and cuDNN has no gradient for an LSTM that isn't being trained. The clip is looked at
    as it is, without test-time views. Of several faces (``faces=all``) the one with the highest score is shown.

    Args:
        network: of the architecture that was trained.
        model: folder of the trained model.
        clip: the extracted video.
        settings: size, gates, which faces.
        window: frames to a point of the score over time; half of those that there are, if that is fewer.
    """
    assert clip.path is not None
    load(network, model)
    network.cpu().eval()
    crops = FaceCrops.load(clip.path)
    tracks = crops.tracks if settings.faces == "all" else (0,)
    sight = max((_look(network, crops, track, settings) for track in tracks), key=lambda seen: seen.evidence.logit)
    panels = [Panel("What its score rests on", _strip_caption(sight, settings), strip(sight))]
    if len(sight.frames) > 1:
        panels.append(Panel("Score over time", *_over_time(network, sight, window)))
    return panels


def _look(network: nn.Module, crops: FaceCrops, track: int, settings: LearningSettings) -> Sight:
    frames = read_clip(crops, settings, track=track, frames=settings.frames).float() / 255
    return Sight(frames, crops.time_s[crops.usable(settings, track)], evidence(network, frames))


def strip(sight: Sight) -> Figure:
    """Up to eight faces in time order: as they are, and below them what spoke for the network's answer."""
    chosen = np.unique(np.linspace(0, len(sight.frames) - 1, SHOWN).round().astype(int))
    faces = sight.frames[chosen].permute(0, 2, 3, 1).numpy()
    heat = _for_its_answer(sight)
    rows = [faces] if heat is None else [faces, _glowing(faces, heat[chosen])]
    pixels, left = _sheet(rows)
    # One picture rather than an axes for each face, which takes Matplotlib ten times as long.
    width = 9 * len(chosen) / max(len(chosen), LEAST_COLUMNS)
    figure, axes = new_figure(width, width * pixels.shape[0] / pixels.shape[1] + 0.3)
    axes.imshow(pixels, aspect="auto")
    axes.set_xticks(left + faces.shape[2] / 2, [f"{time:.1f} s" for time in sight.time_s[chosen]])
    axes.set_yticks([])
    axes.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False, length=0)
    axes.spines[:].set_visible(False)
    return figure


def _glowing(faces: NDArray[np.float32], heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Faces ``[n, S, S, 3]`` in grey, so that the only colour is that of the heat ``[n, S, S]`` over them."""
    from matplotlib import colormaps

    grey = (faces @ np.array(LUMA, np.float32))[..., None]
    opacity = OPACITY * heat[..., None]
    glowing: NDArray[np.float32] = (1 - opacity) * grey + opacity * colormaps["inferno"](heat)[..., :3]
    return glowing


def _sheet(rows: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Rows of pictures ``[n, S, S, 3]`` on a white sheet, and where each column begins, ``[n]``, pixels."""
    count, side = rows[0].shape[:2]
    step = side + max(1, side // 20)
    sheet = np.ones((step * len(rows) - (step - side), step * count - (step - side), 3), np.float32)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            sheet[row * step :, column * step :][:side, :side] = picture
    return sheet, step * np.arange(count)


def _for_its_answer(sight: Sight) -> NDArray[np.float32] | None:
    """What spoke for the answer that the network gives, ``[T, S, S]``, 0-1; None if no part of a map did."""
    heat = sight.evidence.heat
    if heat is None:
        return None
    heat = (heat if sight.evidence.logit >= 0 else -heat).clamp(min=0)
    if not heat.max() > 0:
        return None
    fine = F.interpolate(heat[:, None] / heat.max(), size=sight.frames.shape[-2:], mode="bilinear")[:, 0]
    return np.asarray(fine.numpy(), np.float32)


def _strip_caption(sight: Sight, settings: LearningSettings) -> str:
    answer = "fake" if sight.evidence.logit >= 0 else "real"
    count = len(sight.frames)
    faces = f"The {count} faces" if count <= SHOWN else f"{SHOWN} of the {count} faces"
    said = f"One of the stream's models puts P(fake) {_place(sight.p)}, closer to “{answer}”."
    if sight.evidence.heat is None:
        return f"{faces} that the network got, in time order. {said} Its encoder keeps no map of where it saw what."
    beside = " The frames' frequencies, on which the score also rests, aren't drawn." if _frequencies(settings) else ""
    if _for_its_answer(sight) is None:
        return (
            f"{faces} that the network got, in time order. {said} No part of its encoder's last feature map speaks for "
            f"that by itself: it follows from what isn't seen.{beside}"
        )
    height, width = sight.evidence.heat.shape[1:]
    return (
        f"{faces} that the network got, in time order, and below them what spoke for “{answer}”: the brighter, the more, "
        f"on one scale for all. {said} By Grad-CAM (Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74) on a map of {height} × {width} "
        f"cells, so it is coarse; it shows what this network used, not where something was forged.{beside}"
    )


def _frequencies(settings: LearningSettings) -> bool:
    return isinstance(settings, NetworkSettings) and settings.frequency > 0


def _over_time(network: nn.Module, sight: Sight, window: int) -> tuple[str, Figure]:
    """Caption and figure of the score of neighbouring frames."""
    length = max(1, min(window, len(sight.frames) // 2))
    rows = np.arange(len(sight.frames) - length + 1)[:, None] + np.arange(length)
    p = _scores(network, sight.frames, torch.from_numpy(rows))
    what = "each frame by itself" if length == 1 else f"each {length} frames in a row"
    return (
        f"P(fake) of {what}, by the same model; dashed, that of the whole clip. The lowest is {_place(p.min())}, the "
        f"highest {_place(p.max())}. Scores of so few frames scatter more than the clip's: what counts is where they rise and fall.",
        score_over_time(sight.time_s[rows], p, sight.p),
    )


@torch.inference_mode()
def _scores(network: nn.Module, frames: torch.Tensor, rows: torch.Tensor) -> NDArray[np.float64]:
    """P(fake) ``[W]`` of windows ``[W, L]`` of frames."""
    clips, mask = frames[rows], torch.ones(rows.shape, dtype=torch.bool)
    if not isinstance(network, EncoderNetwork):
        return torch.sigmoid(network(clips, mask).logit.double()).numpy()
    encoder = network.backbone
    network.backbone = _EachOnce(encoder, rows.flatten())
    try:
        return torch.sigmoid(network(clips, mask).logit.double()).numpy()
    finally:
        network.backbone = encoder


class _EachOnce(nn.Module):
    """An encoder that looks once at frames that come several times: most of a score's time is spent in it.

    Args:
        encoder: looks.
        which: of the T frames each of those to come is, ``[n]``; each of the T comes.
    """

    def __init__(self, encoder: nn.Module, which: torch.Tensor) -> None:
        super().__init__()
        self._encoder, self._which = encoder, which
        self._first = torch.from_numpy(np.unique(which.numpy(), return_index=True)[1])

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self._encoder(frames[self._first])
        return features[self._which]


def score_over_time(time_s: NDArray[np.float64], p: NDArray[np.float64], whole: float) -> Figure:
    """Scores of windows against time.

    Args:
        time_s: of the frames in each window, ``[W, L]``.
        p: P(fake) of each window, ``[W]``.
        whole: P(fake) of the clip.
    """
    figure, axes = new_figure(9, 2.4)
    middle = time_s.mean(axis=1)
    axes.hlines(p, time_s[:, 0], time_s[:, -1], color=LINE_COLOUR, lw=1, alpha=0.25)
    axes.plot(middle, p, color=LINE_COLOUR, lw=1, alpha=0.6)
    axes.scatter(middle, p, s=26, color=[FAKE_COLOUR if value >= 0.5 else REAL_COLOUR for value in p], zorder=3)
    axes.axhline(whole, color=LINE_COLOUR, lw=1.2, ls="--")
    axes.axhline(0.5, color=LINE_COLOUR, lw=0.8, ls=":")
    axes.set(ylim=(-0.04, 1.04), xlabel="time in the video, s", ylabel="P(fake)")
    return figure


def _place(p: float) -> str:
    """Where a probability lies, in words that leave room for doubt."""
    return "below 0.01" if p < 0.01 else "above 0.99" if p > 0.99 else f"at {p:.2f}"

"""What does a trained network say about clips?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from deepfake_core import Clips, Extracted, Predictions, Quality
from deepfake_faces.crops import FaceCrops
from deepfake_nn.clips import read_clip
from deepfake_nn.layers.heads import EMBEDDING
from deepfake_nn.memory import freed_memory_kept
from deepfake_nn.settings import LearningSettings
from deepfake_nn.training.choice import load
from deepfake_nn.views import views

AT_ONCE = 4
"""Clips that are scored at the same time, at most: each holds its activations in memory."""

Row = TypeVar("Row")

View = Callable[[torch.Tensor], torch.Tensor]


def predict(network: nn.Module, model: Path, clips: Clips, settings: LearningSettings) -> Predictions:
    """Scores clips one by one, so that no score depends on what else is scored.

    Probability and embedding are means over the views of ``settings.tta``. Of a clip with several faces
    (``faces=all``) the one with the highest score counts; ``track`` among the facts says which.

    Args:
        network: of the architecture that was trained.
        model: folder of the trained model.
        clips: extracted videos.
        settings: size, gates, views, device.
    """
    load(network, model)
    device = _device(settings.accelerator)
    network.to(device).eval()
    chosen = views(settings.tta)

    def scored(clip: Extracted) -> tuple[float, np.ndarray, Quality]:
        assert clip.path is not None
        crops = FaceCrops.load(clip.path)
        found = {track: _score(network, crops, track, settings, chosen, device) for track in crops.tracks}
        track = max(found, key=lambda track: found[track][0])
        return *found[track], {"track": track} if settings.faces == "all" else {}

    with freed_memory_kept():
        rows = _side_by_side(scored, list(clips.values()), device)
    return Predictions(
        tuple(clips),
        np.array([p for p, _, _ in rows], np.float64),
        np.array([embedding for _, embedding, _ in rows], np.float32).reshape(len(rows), EMBEDDING),
        tuple(facts for _, _, facts in rows),
    )


def _side_by_side(score: Callable[[Extracted], Row], clips: Sequence[Extracted], device: torch.device) -> list[Row]:
    """Scores clips, on a CPU several at once: one clip is too little work for many cores, and threads share the network."""
    cores = torch.get_num_threads()
    threads = min(AT_ONCE, cores, len(clips)) if device.type == "cpu" else 1
    if threads <= 1:
        return [score(clip) for clip in clips]
    try:
        with ThreadPoolExecutor(threads, "score", torch.set_num_threads, (cores // threads,)) as pool:
            return list(pool.map(score, clips))
    finally:
        torch.set_num_threads(cores)


@torch.inference_mode()
def _score(
    network: nn.Module,
    crops: FaceCrops,
    track: int,
    settings: LearningSettings,
    chosen: Mapping[str, View],
    device: torch.device,
) -> tuple[float, np.ndarray]:
    frames = read_clip(crops, settings, track=track, frames=settings.frames)[None].to(device).float() / 255
    mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
        outputs = [network(view(frames), mask) for view in chosen.values()]
    p = torch.stack([torch.sigmoid(output.logit[0].double()) for output in outputs]).mean()
    embedding = torch.stack([output.embedding[0].float() for output in outputs]).mean(dim=0)
    return float(p), embedding.cpu().numpy()


def _device(accelerator: str) -> torch.device:
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.device("cuda")
    if accelerator in ("auto", "mps") and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")

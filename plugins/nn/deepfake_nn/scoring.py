"""What does a trained network say about clips?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from deepfake_core import Clips, Predictions
from deepfake_faces.crops import FaceCrops
from deepfake_nn.clips import read_clip
from deepfake_nn.layers.heads import EMBEDDING
from deepfake_nn.memory import freed_memory_kept
from deepfake_nn.settings import LearningSettings
from deepfake_nn.training.choice import load
from deepfake_nn.views import views

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
    p, embeddings, facts = [], [], []
    with freed_memory_kept():
        for clip in clips.values():
            assert clip.path is not None
            crops = FaceCrops.load(clip.path)
            scored = {track: _score(network, crops, track, settings, chosen, device) for track in crops.tracks}
            track = max(scored, key=lambda track: scored[track][0])
            p.append(scored[track][0])
            embeddings.append(scored[track][1])
            facts.append({"track": track} if settings.faces == "all" else {})
    return Predictions(
        tuple(clips), np.array(p, np.float64), np.array(embeddings, np.float32).reshape(len(p), EMBEDDING), tuple(facts)
    )


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

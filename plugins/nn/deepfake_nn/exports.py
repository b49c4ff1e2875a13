"""Under which names do the published systems' users find the weights?"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from deepfake_nn.training.choice import WEIGHTS


def export(model: Path, path: Path) -> Path:
    """Writes a model's state dict as ``.pth``, for others; this project never reads it back."""
    torch.save(load_file(model / WEIGHTS), path)
    return path

"""Which frame encoder is used, and what weights does it start from?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from deepfake_core import DeepfakeError
from deepfake_nn.settings import PRETRAINED, RANDOM


class WeightsUnavailable(DeepfakeError):
    """The weights that were asked for can't be had, or belong to another architecture."""


@dataclass(frozen=True)
class Loaded:
    """What became of a weights file.

    Attributes:
        tensors: how many of its tensors the encoder took.
        left: names of those that it has no use for.
    """

    tensors: int
    left: tuple[str, ...]


def make(
    name: str, *, weights: str = RANDOM, drop_path: float = 0.0, image_size: int | None = None
) -> tuple[nn.Module, int]:
    """A timm model without classifier, and the width of its features.

    Args:
        name: timm's.
        weights: ``pretrained``, ``random``, or the path of a state dict.
        drop_path: stochastic depth, for models that have it.
        image_size: side of the input, for models built for one size.

    Raises:
        WeightsUnavailable: no such model; weights that can't be downloaded, read, or don't fit.
    """
    options: dict[str, Any] = {"drop_path_rate": drop_path} if drop_path else {}
    if image_size and timm.is_model(name) and timm.get_pretrained_cfg(name).fixed_input_size:
        options["img_size"] = image_size
    if not timm.is_model(name):
        raise WeightsUnavailable(
            f"timm {timm.__version__} knows no model {name!r}.",
            hint=f"list them with python -c \"import timm; print(timm.list_models('*{name.split('_')[0]}*'))\".",
        )
    if weights == PRETRAINED:
        encoder = _pretrained(name, options)
    else:
        encoder = timm.create_model(name, num_classes=0, **options)
        if weights != RANDOM:
            load(encoder, Path(weights), name)
    return encoder, int(encoder.num_features)


def mean_and_std(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the pixels that the model's published weights expect, ``[3, 1, 1]`` each, on the scale 0-1."""
    config = timm.get_pretrained_cfg(name)
    mean, std = torch.tensor(config.mean), torch.tensor(config.std)
    return mean[:, None, None], std[:, None, None]


def _pretrained(name: str, options: dict[str, Any]) -> nn.Module:
    # What comes out of a failed download depends on the hub's client: its own errors, OSError, RuntimeError.
    try:
        return timm.create_model(name, pretrained=True, num_classes=0, **options)
    except Exception as error:
        raise WeightsUnavailable(
            f"timm's weights of {name!r} can't be downloaded: {str(error).strip().splitlines()[0]}",
            hint="go online once (they are kept under ~/.cache/huggingface), or download them elsewhere and pass "
            'overrides="weights=/path/to/model.safetensors"; weights=random starts from nothing.',
        ) from error


def load(encoder: nn.Module, path: Path, name: str, *, setting: str = "weights") -> Loaded:
    """Loads a state dict into an encoder; the classifier that it may hold is left out.

    Args:
        encoder: takes the weights.
        path: of the file. It may hold the state under ``state_dict`` or ``model``, and names that begin with ``module.``
            or ``backbone.``, as larger networks have them.
        name: of the encoder's architecture.
        setting: which setting named the file; for errors.

    Raises:
        WeightsUnavailable: no such file, not a state dict, or one of another architecture.
    """
    state = _read(path, setting)
    for prefix in ("state_dict", "model"):
        if isinstance(state.get(prefix), dict):
            state = state[prefix]
    left: list[str] = []
    for prefix in ("module.", "backbone."):
        if any(key.startswith(prefix) for key in state):
            left += [key for key in state if not key.startswith(prefix)]
            state = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    wanted = encoder.state_dict()
    missing = [
        key
        for key, value in wanted.items()
        if not key.endswith("num_batches_tracked") and getattr(state.get(key), "shape", None) != value.shape
    ]
    if missing:
        raise WeightsUnavailable(
            f"{path} isn't a state dict of {name!r}: {len(missing)} of {len(wanted)} tensors are missing or have "
            f"another shape, e.g. {missing[0]}.",
            hint=f"pass weights of {name!r} as timm names them, or set backbone= to what the file holds.",
        )
    encoder.load_state_dict({key: state.get(key, value) for key, value in wanted.items()})
    taken = state.keys() & wanted.keys()
    return Loaded(len(taken), (*left, *(key for key in state if key not in taken)))


def _read(path: Path, setting: str) -> dict[str, Any]:
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsUnavailable(
            f"{setting}={path}: {error.strerror or error}.",
            hint="pass the path of a .safetensors or .pth file; weights may also be one of: pretrained, random.",
        ) from error
    except Exception as error:  # whatever a file that is none makes of its readers
        raise WeightsUnavailable(
            f"{setting}={path} isn't a state dict that can be read safely ({type(error).__name__}).",
            hint="save it with safetensors, or with torch.save(model.state_dict(), path).",
        ) from error
    if not isinstance(found, dict):
        raise WeightsUnavailable(
            f"{setting}={path} holds a {type(found).__name__}, not a state dict.",
            hint="save it with torch.save(model.state_dict(), path).",
        )
    return found

"""How long does a network of the published size take for a clip on a CPU, and would another form of it be faster?

The networks of the presets `paper`, with random weights, on one clip of noise. Tried beside PyTorch as it is: channels last, bfloat16, both, `torch.compile`, and
the frame encoder, nearly all of the work, by ONNX Runtime (`pip install onnx onnxruntime`) and by OpenVINO (`pip install openvino`). A form is worth it if
it is at least 1.5 times as fast and changes no probability by more than 1e-3.

    python benchmarks/bench_paper_networks.py [--streams efficientnet_b4,xception,swin_tiny] [--forms eager,channels_last,bf16,compile,onnx,openvino]
"""

from __future__ import annotations

import argparse
import copy
import io
from collections.abc import Callable
from contextlib import nullcontext
from importlib.metadata import entry_points
from time import perf_counter

import numpy as np
import torch
from torch import nn

from deepfake_core.plugins import load_stream
from deepfake_nn.memory import freed_memory_kept

Scorer = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

AIM_SPEED, AIM_DIFFERENCE = 1.5, 1e-3


class _Logit(nn.Module):
    """The network's logit alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.network(frames, mask).logit


class _Exported(nn.Module):
    """A frame encoder that another runtime runs."""

    def __init__(self, run: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__()
        self.run = run

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(np.array(self.run(frames.contiguous().numpy())))


def scorer(form: str, network: nn.Module, frames: torch.Tensor, mask: torch.Tensor) -> Scorer:
    """The network in another form, from a clip to P(fake)."""
    model: nn.Module = _Logit(copy.deepcopy(network))
    if form in RUNTIMES:
        model.network.backbone = _Exported(RUNTIMES[form](model.network.backbone, _seen(network, frames, mask)))
    if "channels_last" in form:
        model = model.to(memory_format=torch.channels_last)
    if form == "compile":
        model = torch.compile(model)
    context = torch.autocast("cpu", torch.bfloat16) if "bf16" in form else nullcontext()

    def score(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode(), context:
            return torch.sigmoid(model(frames, mask).double())

    return score


def _seen(network: nn.Module, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What the frame encoder gets."""
    caught = []
    hook = network.backbone.register_forward_pre_hook(lambda _, given: caught.append(given[0]))
    with torch.no_grad():
        network(frames, mask)
    hook.remove()
    return caught[0].contiguous()


def _onnx(encoder: nn.Module, example: torch.Tensor) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    file = io.BytesIO()
    torch.onnx.export(encoder, (example,), file, input_names=["frames"], dynamo=False, opset_version=17)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    return lambda frames: session.run(None, {"frames": frames})[0]


def _openvino(encoder: nn.Module, example: torch.Tensor) -> Callable[[np.ndarray], np.ndarray]:
    import openvino

    compiled = openvino.compile_model(
        openvino.convert_model(encoder, example_input=example), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return lambda frames: compiled(frames)[0]


RUNTIMES = {"onnx": _onnx, "openvino": _openvino}


def main() -> None:
    """Prints a line per stream and form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", default="efficientnet_b4,xception,swin_tiny")
    parser.add_argument("--forms", default="eager,channels_last,bf16,channels_last+bf16,compile,onnx,openvino")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for name in options.streams.split(","):
        stream = load_stream(name)
        settings = stream.settings("paper", "weights=random")
        plugin = next(iter(entry_points(group="deepfake_core.streams", name=name))).load()
        torch.manual_seed(0)
        network = plugin.network(settings, pretrained=False).eval()
        frames = torch.rand(1, settings.frames, 3, settings.size, settings.size)
        mask = torch.ones(1, settings.frames, dtype=torch.bool)
        forms: dict[str, Scorer] = {}
        for form in options.forms.split(","):
            try:
                forms[form] = scorer(form, network, frames, mask)
                forms[form](frames, mask)
            except Exception as error:
                forms.pop(form, None)
                print(f"{name} {form}: not possible here: {type(error).__name__}: {str(error).splitlines()[0][:100]}")
        taken: dict[str, list[float]] = {form: [] for form in forms}
        said = {}
        with freed_memory_kept():
            for _ in range(options.repeats):
                for form, score in forms.items():
                    start = perf_counter()
                    said[form] = float(score(frames, mask)[0])
                    taken[form].append(perf_counter() - start)
        usual = float(np.median(taken["eager"]))
        print(f"{name}: {settings.frames} frames of {settings.size}², {torch.get_num_threads()} threads")
        for form in forms:
            seconds, difference = float(np.median(taken[form])), abs(said[form] - said["eager"])
            good = usual / seconds >= AIM_SPEED and difference <= AIM_DIFFERENCE
            print(
                f"  {form:<20}{seconds:7.2f} s {usual / seconds:6.2f} x, |Δp| {difference:.1e}{'  worth it' if good else ''}"
            )


if __name__ == "__main__":
    main()

"""Do the compiled libraries work? Asked in processes of their own: one that crashes when imported must not end the doctor."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

from deepfake_core.doctor.line import Line, ok, problem, warning

DECODERS = ("h264", "hevc", "vp9", "av1", "mjpeg")
ENCODERS = ("libx264",)
"""What ``deepfake stress`` compresses with."""

_TIMEOUT_S = 60

_CODECS = f"""
import av, json
def missing(names, mode):
    lacking = []
    for name in names:
        try:
            av.codec.Codec(name, mode)
        except Exception:
            lacking.append(name)
    return lacking
version = ".".join(map(str, av.library_versions["libavcodec"]))
print(json.dumps([av.__version__, version, missing({DECODERS!r}, "r"), missing({ENCODERS!r}, "w")]))
"""
_OPENCV = (
    "import cv2, json, numpy; cv2.resize(numpy.zeros((4, 4), 'uint8'), (2, 2)); print(json.dumps(cv2.__version__))"
)
_GPU = """
import json, torch
names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
print(json.dumps([torch.__version__, torch.version.cuda, names, torch.backends.mps.is_available()]))
"""


class Broken(Exception):
    """The process didn't end well; says how."""


def codecs(name: str) -> Line:
    """The decoders that videos in the wild need, and the encoder of ``deepfake stress``."""
    again = "pip install --force-reinstall av."
    try:
        pyav, libavcodec, decoders, encoders = asked(_CODECS)
    except Broken as error:
        return problem(name, f"PyAV can't be used: {error}", next=again)
    found = f"PyAV {pyav}, libavcodec {libavcodec}"
    if decoders:
        return problem(name, f"{found} can't decode {', '.join(decoders)}", next=f"take PyAV's own wheel: {again}")
    if encoders:
        return warning(
            name,
            f"{found} lacks {', '.join(encoders)}: no `deepfake stress` by h264",
            next=f"take PyAV's own wheel: {again}",
        )
    return ok(name, f"{found} decodes {', '.join(DECODERS)} and encodes {', '.join(ENCODERS)}")


def opencv(name: str) -> Line:
    """The module ``cv2``, which streams that look at faces need."""
    if find_spec("cv2") is None:
        return ok(name, "not installed; streams that look at faces would bring it")
    try:
        return ok(name, f"{asked(_OPENCV)}")
    except Broken as error:
        return problem(
            name,
            f"can't be used: {error}",
            next="install the system libraries it names (libGL: apt-get install libgl1), and keep opencv-python and "
            "opencv-contrib-python at one version.",
        )


def gpu(name: str) -> Line:
    """What torch can compute on."""
    if find_spec("torch") is None:
        return ok(name, "torch isn't installed; neural streams would bring it")
    try:
        version, cuda, names, mps = asked(_GPU)
    except Broken as error:
        return problem(
            name, f"torch can't be used: {error}", next="reinstall torch as pytorch.org says for this machine."
        )
    if names:
        return ok(name, f"torch {version}: CUDA {cuda} on {', '.join(names)}")
    if mps:
        return ok(name, f"torch {version}: Apple's MPS")
    built = f"built for CUDA {cuda}, which finds no device" if cuda else "built for the CPU"
    return ok(name, f"none: torch {version} is {built}; everything works on the CPU, presets `paper` slowly")


def asked(code: str) -> Any:
    """What a fresh Python prints, as JSON.

    Raises:
        Broken: it crashed, failed or hung.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Broken(f"no answer within {_TIMEOUT_S} s") from None
    if done.returncode < 0:
        raise Broken(f"the process was ended by signal {-done.returncode}")
    if done.returncode:
        raise Broken((done.stderr.strip() or "no message").splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])

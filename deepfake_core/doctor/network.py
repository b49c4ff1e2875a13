"""Can pretrained weights be had?"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from importlib.util import find_spec

from deepfake_core.doctor.line import Line, ok, warning

TIMEOUT_S = 3.0
HUB = "https://huggingface.co"
"""Where timm takes weights from, unless ``HF_ENDPOINT`` names a mirror."""

_WITHOUT = 'use a file (--overrides "weights=/path/to/weights.safetensors"), or start from nothing ("weights=random").'


def weights(name: str) -> Line:
    """One request to timm's hub. Being offline is no problem: only ``weights=pretrained`` needs it, once."""
    if find_spec("timm") is None:
        return ok(name, "no installed stream takes any")
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        return warning(name, "HF_HUB_OFFLINE is set: only what was downloaded before is there", next=_WITHOUT)
    hub = os.environ.get("HF_ENDPOINT") or HUB
    try:
        urllib.request.urlopen(urllib.request.Request(hub, method="HEAD"), timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        if error.code < 500:
            return ok(name, f"{hub} answers")
        return warning(name, f"{hub} answers with {error.code}", next=f"try later, or {_WITHOUT}")
    except (OSError, ValueError) as error:
        return warning(name, f"{hub} can't be reached: {error}", next=_WITHOUT)
    return ok(name, f"{hub} answers")

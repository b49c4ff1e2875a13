"""How long is a video, by its header? Asked in a process of its own: a crafted file may crash or stall who reads it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

TIMEOUT_S = 20.0

_MEMORY_BYTES = 4 << 30
_PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from deepfake_core.app.length import tell; tell(sys.argv[2])"


def seconds(path: Path, *, timeout_s: float = TIMEOUT_S) -> float | None:
    """The duration that a header states.

    Args:
        path: of the file.
        timeout_s: after which asking is given up.

    Returns:
        None if the file doesn't tell, or can't be read: why it can't is for those to say who examine it.
    """
    command = [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), os.fspath(path)]
    try:
        asked = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=True,
        )
        found = float(asked.stdout)
    except (subprocess.SubprocessError, ValueError):
        return None
    return found if math.isfinite(found) and found > 0 else None


# ---- in the process


def tell(path: str) -> None:
    """Prints the duration in seconds; ``nan`` if there is no telling."""
    import resource

    from deepfake_core.contract.errors import VideoError
    from deepfake_core.data.video import probe

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        found = probe(Path(path)).duration_s
    except VideoError:
        found = None
    print(math.nan if found is None else found)

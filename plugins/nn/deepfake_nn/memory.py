"""How does a network on the CPU avoid asking the system for the same memory at every step?"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# glibc's malloc.h: M_TRIM_THRESHOLD and M_MMAP_MAX, and what they are without anyone's doing.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_TRIM_AT, _MMAPS = 128 * 1024, 65536


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Inside, memory that tensors leave is kept for the next ones; afterwards it goes back to the system.

    glibc returns large blocks at once, and every step of a training then pays for getting fresh, zeroed pages again:
    about a third of the time of fine-tuning on a CPU. Elsewhere than on glibc nothing changes.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        libc.mallopt(_MMAP_MAX, _MMAPS)
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_AT)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "gnu_get_libc_version") else None

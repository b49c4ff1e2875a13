"""Is freed memory kept while a network trains, and given back afterwards?"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from deepfake_nn.memory import freed_memory_kept

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")

BLOCK = 64 << 20


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def use_a_block() -> None:
    np.ones(BLOCK, np.uint8).sum()


def test_a_freed_block_stays_until_the_end():
    with freed_memory_kept():
        use_a_block()
        inside = resident()
    assert resident() < inside - BLOCK // 2


def test_without_it_a_freed_block_is_returned_at_once():
    before = resident()
    use_a_block()
    assert resident() < before + BLOCK // 2


def test_an_error_inside_ends_it_too():
    with pytest.raises(ValueError, match="wrong"), freed_memory_kept():
        use_a_block()
        inside = resident()
        raise ValueError("wrong")
    assert resident() < inside - BLOCK // 2

"""Is freed memory kept while a network trains, and given back afterwards?"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")

BLOCK = 64 << 20
PRELUDE = f"""
import json
from pathlib import Path
import numpy as np
from deepfake_nn.memory import freed_memory_kept

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def use_a_block():
    np.ones({BLOCK}, np.uint8).sum()

"""


def said(script: str) -> dict[str, int]:
    """What a process of its own prints: elsewhere, holes that other tests left in the heap would take the block."""
    code = PRELUDE + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout)


def test_a_freed_block_stays_until_the_end():
    found = said("""
        before = resident()
        with freed_memory_kept():
            use_a_block()
            inside = resident()
        print(json.dumps({"before": before, "inside": inside, "after": resident()}))
    """)
    assert found["inside"] > found["before"] + BLOCK // 2
    assert found["after"] < found["inside"] - BLOCK // 2


def test_without_it_a_freed_block_is_returned_at_once():
    found = said("""
        before = resident()
        use_a_block()
        print(json.dumps({"before": before, "after": resident()}))
    """)
    assert found["after"] < found["before"] + BLOCK // 2


def test_an_error_inside_ends_it_too():
    found = said("""
        try:
            with freed_memory_kept():
                use_a_block()
                inside = resident()
                raise ValueError("wrong")
        except ValueError:
            print(json.dumps({"inside": inside, "after": resident()}))
    """)
    assert found["after"] < found["inside"] - BLOCK // 2

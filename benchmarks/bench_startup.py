"""How long until a command answers?

Run ``python benchmarks/bench_startup.py``. Each line is a process of its own, start of Python included. The commands take
turns, so that whatever else the machine does meets them all alike; medians, and ratios to a Python that does nothing.

Aims: ``import deepfake_core`` within 0.15 s, ``deepfake plugins list`` within 1 s with all plugins installed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

PASS = "python -c pass"
CLI = [sys.executable, "-m", "deepfake_core.cli"]
COMMANDS = {
    PASS: [sys.executable, "-c", "pass"],
    "import deepfake_core": [sys.executable, "-c", "import deepfake_core"],
    "deepfake --help": [*CLI, "--help"],
    "deepfake plugins list": [*CLI, "plugins", "list"],
    "deepfake plugins show folder": [*CLI, "plugins", "show", "folder"],
    "deepfake doctor --offline": [*CLI, "doctor", "--offline"],
}
AIMS = {"import deepfake_core": 0.15, "deepfake plugins list": 1.0, "deepfake doctor --offline": 5.0}


def seconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    # A warning of the doctor's is no failure of this measurement.
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    for command in COMMANDS.values():
        seconds(command)
    taken = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(rounds)]
    medians = {name: statistics.median(each[name] for each in taken) for name in COMMANDS}
    print(f"medians of {rounds} rounds, Python {sys.version.split()[0]}")
    for name, median in medians.items():
        aim = f"   aim {AIMS[name]:.2f} s" if name in AIMS else ""
        print(f"{name:<30} {median:6.3f} s  {median / medians[PASS]:6.1f} ×{aim}")


if __name__ == "__main__":
    main()

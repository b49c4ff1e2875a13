"""What is looked at, in which order? The list of checks, and how they are run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deepfake_core.doctor import libraries, network, packages, storing, tracking
from deepfake_core.doctor.line import Line, problem


@dataclass(frozen=True)
class Check:
    """A look at one thing.

    Attributes:
        name: of the thing.
        look: does it.
        waits: for another process or machine, so that others can go on meanwhile.
        network: whether it asks another machine.
    """

    name: str
    look: Callable[[str], Line]
    waits: bool = False
    network: bool = False


def checks() -> tuple[Check, ...]:
    """All checks, in the order in which they are told."""
    served = tracking.is_served()
    return (
        Check("python", packages.python),
        Check("packages", packages.requirements),
        Check("tested versions", packages.constraints),
        Check("plugins", packages.plugins),
        Check("video codecs", libraries.codecs, waits=True),
        Check("OpenCV", libraries.opencv, waits=True),
        Check("GPU", libraries.gpu, waits=True),
        Check("store", storing.store),
        Check("disk", storing.disk),
        Check("tracking", tracking.served if served else tracking.local, waits=served, network=served),
        Check("artifacts", tracking.artifacts),
        Check("pretrained weights", network.weights, waits=True, network=True),
    )


def examine(chosen: tuple[Check, ...], *, offline: bool = False) -> list[Line]:
    """Looks at everything; what waits is begun first. A check that fails itself is a problem, and stops no other."""
    wanted = [check for check in chosen if not (offline and check.network)]
    waiting = [check for check in wanted if check.waits]
    with ThreadPoolExecutor(max_workers=max(1, len(waiting))) as pool:
        begun = {check.name: pool.submit(_looked, check) for check in waiting}
        # In this thread: modules of plugins are imported, which two threads at once may not do safely.
        done = {check.name: _looked(check) for check in wanted if not check.waits}
        return [done[check.name] if check.name in done else begun[check.name].result() for check in wanted]


def _looked(check: Check) -> Line:
    try:
        return check.look(check.name)
    except Exception as error:
        return problem(
            check.name,
            f"couldn't be looked at: {type(error).__name__}: {error}",
            next="report this: the doctor itself is at fault.",
        )

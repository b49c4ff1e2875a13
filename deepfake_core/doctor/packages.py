"""Do the installed packages fit together? Python, requirements, the versions that were tested, plugins."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import deepfake_core
from deepfake_core.doctor.line import Line, ok, problem, warning
from deepfake_core.listing import stated
from deepfake_core.plugins.catalogue import catalogue

CORE = "deepfake-core"
_SHOWN = 5


def python(name: str) -> Line:
    """This Python against the range that the core states."""
    version, wanted = platform.python_version(), distribution(CORE).metadata["Requires-Python"]
    found = f"{version} ({platform.system()} {platform.machine()}); wanted {wanted}"
    if SpecifierSet(wanted or "").contains(version, prereleases=True):
        return ok(name, found)
    return problem(name, found, next="make an environment with another Python and install there.")


def requirements(name: str) -> Line:
    """What the core and the plugins state that they need, against what is installed."""
    ours = list(_ours())
    wanted = [(each.name, requirement) for each in ours for requirement in _needs(each, ours)]
    unmet = [
        f"{whose} needs {requirement}: {found}" for whose, requirement in wanted if (found := _against(requirement))
    ]
    if unmet:
        return problem(
            name, _few(unmet), next="pip install -U the distributions named first; pip check tells the rest."
        )
    return ok(name, f"{len(wanted)} requirements of {len(ours)} distributions are met")


def constraints(name: str) -> Line:
    """What is installed against the versions that were tested, where the core is a checkout that lists them."""
    path = Path(deepfake_core.__file__).parents[1] / "constraints.txt"
    if not path.is_file():
        return ok(name, "no constraints.txt beside this installation: nothing to compare")
    pins = [Requirement(text) for line in path.read_text().splitlines() if (text := line.partition("#")[0].strip())]
    here = {pin.name: pin for pin in pins if _applies(pin, frozenset())}
    other = [f"{pin}: {_version(pin.name)}" for pin in here.values() if _version(pin.name) and _against(pin)]
    if other:
        return warning(
            name,
            f"{len(other)} of {len(here)} differ: {_few(other)}",
            next=f"if something misbehaves: pip install -r {path.with_name('requirements.txt')} -c {path}.",
        )
    return ok(name, f"none of the installed packages differs from {path}")


def plugins(name: str) -> Line:
    """Every installed plugin is imported and checked."""
    found = catalogue()
    wrong = {entry.reason: entry.hint for entry in found if entry.status != "ok"}
    if wrong:
        return problem(name, _few(list(wrong)), next=next(iter(wrong.values())) + " See `deepfake plugins list`.")
    return ok(name, f"{len(found)} plugins load")


def _ours() -> Iterator[Distribution]:
    """The core, and what requires it."""
    seen = set()
    for each in distributions():
        name = canonicalize_name(*stated(each, "Name"))
        needed = {canonicalize_name(Requirement(text).name) for text in each.requires or ()}
        if name not in seen and (name == CORE or CORE in needed):
            seen.add(name)
            yield each


def _needs(of: Distribution, among: list[Distribution]) -> list[Requirement]:
    """Its requirements that apply here, with those of extras that another of ours asks for."""
    extras = frozenset(
        extra
        for other in among
        for requirement in map(Requirement, other.requires or ())
        if canonicalize_name(requirement.name) == canonicalize_name(of.name)
        for extra in requirement.extras
    )
    return [requirement for requirement in map(Requirement, of.requires or ()) if _applies(requirement, extras)]


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _against(requirement: Requirement) -> str:
    """What is installed instead; empty if the requirement is met."""
    version = _version(requirement.name)
    if version is None:
        return "missing"
    return "" if requirement.specifier.contains(version, prereleases=True) else f"{version} is installed"


def _version(name: str) -> str | None:
    try:
        return distribution(name).version
    except PackageNotFoundError:
        return None


def _few(texts: list[str]) -> str:
    more = len(texts) - _SHOWN
    return "; ".join(texts[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")

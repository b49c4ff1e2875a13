"""Which plugins are installed, and where did each come from? Read from distribution metadata; nothing is imported."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, EntryPoints, entry_points
from urllib.parse import urlsplit
from urllib.request import url2pathname

from deepfake_core.contract.errors import DuplicatePlugin, UnknownPlugin

GROUP_PREFIX = "deepfake_core."
KINDS = ("streams", "fusers", "datasets", "ensembles", "wrappers")
"""Kinds of plugins; each is the tail of its entry-point group."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Listing:
    """An installed plugin as its distribution's metadata describes it; nothing of it was imported.

    Attributes:
        kind: ``streams``, ``fusers``, ``datasets``, ``ensembles`` or ``wrappers``.
        name: what users type.
        distribution: what pip knows it as.
        version: of the distribution.
        target: ``module`` or ``module:object`` that holds the hooks.
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str

    @property
    def plugin_id(self) -> str:
        """Distribution and version, as runs are tagged with."""
        return f"{self.distribution} {self.version}"

    @property
    def who(self) -> str:
        """How messages name it."""
        return f"{'plugin' if self.kind != 'wrappers' else 'wrapper'} {self.name!r} of {self.plugin_id}"


@dataclass(frozen=True)
class Origin:
    """Where pip took a distribution from (PEP 610).

    Attributes:
        how: ``editable``, ``folder``, ``archive``, ``vcs``, ``index``, or ``unknown`` where no installer left a note.
        where: path or address; empty for a package index, which leaves no note of itself.
    """

    how: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.how} {self.where}".rstrip()


@dataclass(frozen=True)
class Offer:
    """A listing, and the entry point by which it is imported."""

    listing: Listing
    point: EntryPoint

    @property
    def origin(self) -> Origin:
        """Where its distribution came from."""
        return origin(self.point.dist) if self.point.dist else Origin(UNKNOWN)


class Installed:
    """The entry points of all installed distributions, read once: reading takes longer than importing a plugin."""

    def __init__(self) -> None:
        self._points = entry_points()
        self._offers: dict[str, list[Offer]] = {}

    def of(self, kind: str) -> list[Offer]:
        """All plugins of one kind, by name."""
        if kind not in self._offers:
            points: EntryPoints = self._points.select(group=GROUP_PREFIX + kind)
            self._offers[kind] = sorted((Offer(_listing(kind, point), point) for point in points), key=_by_name)
        return self._offers[kind]

    def find(self, kind: str, name: str) -> Offer:
        """The plugin of this kind and name.

        Raises:
            UnknownPlugin: not installed; the message lists what is.
            DuplicatePlugin: offered by two distributions.
        """
        offers = self.of(kind)
        found = [offer for offer in offers if offer.listing.name == name]
        if not found:
            raise unknown(name, kind, [offer.listing.name for offer in offers])
        if len(found) > 1:
            raise DuplicatePlugin(
                f"the name {name!r} among {kind} is offered by {owners(found)}.",
                hint="uninstall one of these distributions.",
            )
        return found[0]


def owners(offers: list[Offer]) -> str:
    """The distributions behind several offers of one name."""
    return " and ".join(offer.listing.plugin_id for offer in offers)


def unknown(name: str, kind: str, names: list[str]) -> UnknownPlugin:
    """The error that says what is installed instead, and what might have been meant."""
    close = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return UnknownPlugin(
        f"no plugin named {name!r} among the installed {kind}: {', '.join(names) or 'none'}.",
        hint=f"{guess}Install the distribution that offers it (pip install deepfake-{name.replace('_', '-')}) "
        "and see `deepfake plugins list`.",
    )


def origin(distribution: Distribution) -> Origin:
    """Where pip took a distribution from, by the note that it left."""
    try:
        note = json.loads(distribution.read_text("direct_url.json") or "null")
    except ValueError:
        return Origin(UNKNOWN, "direct_url.json can't be read")
    if note is None:
        # Only what was named by a path or an address leaves a note.
        installed = distribution.read_text("INSTALLER")
        return Origin("index") if installed else Origin(UNKNOWN, str(distribution.locate_file("")))
    url = str(note.get("url", ""))
    parts = urlsplit(url)
    where = url2pathname(parts.path) if parts.scheme == "file" else url
    if "dir_info" in note:
        return Origin("editable" if note["dir_info"].get("editable") else "folder", where)
    if "vcs_info" in note:
        return Origin("vcs", f"{where}@{note['vcs_info'].get('commit_id', '')}".rstrip("@"))
    return Origin("archive", where)


def _by_name(offer: Offer) -> tuple[str, str]:
    return offer.listing.name, offer.listing.distribution


def _listing(kind: str, point: EntryPoint) -> Listing:
    name, version = stated(point.dist, "Name", "Version")
    return Listing(kind=kind, name=point.name, distribution=name, version=version, target=point.value)


def stated(distribution: Distribution | None, *fields: str) -> list[str]:
    """Fields of a distribution's metadata; ``unknown`` where a damaged installation lacks them."""
    try:
        metadata = distribution.metadata if distribution else None
    except FileNotFoundError:
        metadata = None
    return [str(metadata[field]) if metadata and field in metadata else UNKNOWN for field in fields]

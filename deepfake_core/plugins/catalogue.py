"""What is installed, what does it offer, and what is broken? Each plugin is imported and checked; none stops the others."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from deepfake_core.contract.errors import BrokenPlugin, DeepfakeError, UnknownPlugin
from deepfake_core.contract.records import BEST, Ensemble
from deepfake_core.listing import KINDS, Installed, Listing, Offer, Origin, owners, unknown
from deepfake_core.plugins.admission import admitting, check_wrapper, ensemble_of
from deepfake_core.plugins.loaded import Dataset, Fuser, Stream
from deepfake_core.plugins.loading import admit

SHAPES: Mapping[str, type[Stream] | type[Fuser] | type[Dataset]] = {
    "streams": Stream,
    "fusers": Fuser,
    "datasets": Dataset,
}


@dataclass(frozen=True)
class Entry:
    """An installed plugin, tried.

    Attributes:
        listing: what its distribution says.
        origin: where its distribution came from.
        status: ``ok``, ``broken``, or ``duplicate`` where another distribution offers the same name.
        reason: why it isn't ok.
        hint: what to do about that.
        hooks: the names of those that it implements.
        plugin: the loaded plugin or ensemble; None for a wrapper and for what isn't ok.
    """

    listing: Listing
    origin: Origin
    status: Literal["ok", "broken", "duplicate"] = "ok"
    reason: str = ""
    hint: str = ""
    hooks: tuple[str, ...] = ()
    plugin: Stream | Fuser | Dataset | Ensemble | None = None

    @property
    def kind(self) -> str:
        """``stream``, ``fuser``, ``dataset``, ``ensemble`` or ``wrapper``."""
        return self.listing.kind.removesuffix("s")

    @property
    def presets(self) -> tuple[str, ...]:
        """Names of its presets, the default one first."""
        return tuple(self.plugin.info.presets) if isinstance(self.plugin, Stream | Fuser) else ()

    @property
    def summary(self) -> str:
        """One line on what it does."""
        if self.plugin is None:
            return ""
        return self.plugin.summary if isinstance(self.plugin, Ensemble) else self.plugin.info.summary

    def record(self) -> dict[str, Any]:
        """The same as JSON values."""
        listing = self.listing
        return {
            "kind": self.kind,
            "name": listing.name,
            "distribution": listing.distribution,
            "version": listing.version,
            "origin": {"how": self.origin.how, "where": self.origin.where},
            "target": listing.target,
            "status": self.status,
            "reason": self.reason,
            "hint": self.hint,
            "summary": self.summary,
            "presets": list(self.presets),
        }


def catalogue(kinds: tuple[str, ...] = KINDS) -> list[Entry]:
    """All installed plugins of the kinds, by kind and name."""
    present = Installed()
    return [_entry(offer, present) for kind in kinds for offer in present.of(kind)]


def entries(name: str, kinds: tuple[str, ...] = KINDS) -> list[Entry]:
    """The installed plugins of one name: as many as there are kinds, or distributions, that offer it.

    Raises:
        UnknownPlugin: there is none; the message lists what is installed.
    """
    present = Installed()
    found = [_entry(offer, present) for kind in kinds for offer in present.of(kind) if offer.listing.name == name]
    if not found:
        raise _unknown(name, kinds, present)
    return found


def _unknown(name: str, kinds: tuple[str, ...], present: Installed) -> UnknownPlugin:
    names = {offer.listing.name for kind in kinds for offer in present.of(kind)}
    return unknown(name, kinds[0] if len(kinds) == 1 else "plugins", sorted(names))


def _entry(offer: Offer, present: Installed) -> Entry:
    listing, origin = offer.listing, offer.origin
    rivals = [other for other in present.of(listing.kind) if other.listing.name == listing.name]
    if len(rivals) > 1:
        reason = f"the name {listing.name!r} among {listing.kind} is offered by {owners(rivals)}."
        return Entry(listing, origin, "duplicate", reason, "uninstall one of these distributions.")
    try:
        # What a plugin prints while it is imported must not end up inside what the command prints.
        with contextlib.redirect_stdout(sys.stderr):
            if listing.kind == "wrappers":
                return Entry(listing, origin, hooks=check_wrapper(offer))
            if listing.kind == "ensembles":
                found = ensemble_of(offer)
                _check_members(offer, found, present)
                return Entry(listing, origin, plugin=found)
            # Without wrappers: a broken wrapper is told once, as itself, and not as the fault of every plugin.
            plugin = admit(offer, [], SHAPES[listing.kind])
            return Entry(listing, origin, hooks=plugin.hooks, plugin=plugin)
    except DeepfakeError as error:
        return Entry(listing, origin, "broken", error.problem, error.hint)


@admitting
def _check_members(offer: Offer, found: Ensemble, present: Installed) -> None:
    wanted = {"streams": found.streams, "fusers": () if found.fuser == BEST else (found.fuser,)}
    for kind, names in wanted.items():
        offered = Counter(other.listing.name for other in present.of(kind))
        missing = [name for name in names if not offered[name]]
        if missing:
            raise BrokenPlugin(
                f"ensemble {offer.listing.name!r} of {offer.listing.plugin_id} needs {kind} that aren't installed: "
                f"{', '.join(missing)}.",
                hint=f"pip install {' '.join('deepfake-' + name.replace('_', '-') for name in missing)}.",
            )

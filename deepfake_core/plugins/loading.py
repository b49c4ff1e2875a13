"""How is a plugin got by its name? Imported, checked against the hook contract, given a hook caller of its own."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import TypeVar

from deepfake_core.contract.errors import BrokenPlugin
from deepfake_core.contract.records import Ensemble
from deepfake_core.contract.settings import names_in
from deepfake_core.listing import Installed, Listing, Offer
from deepfake_core.plugins.admission import check_info, ensemble_of, hooks_of, info_hook
from deepfake_core.plugins.loaded import Dataset, Fuser, Stream

Loaded = TypeVar("Loaded", bound=Stream | Fuser | Dataset)


def installed(kind: str) -> list[Listing]:
    """All installed plugins of one kind, by name. Imports none of them."""
    return [offer.listing for offer in Installed().of(kind)]


@functools.cache
def load_stream(name: str) -> Stream:
    """The stream of this name.

    Raises:
        UnknownPlugin: not installed; the message lists what is.
        DuplicatePlugin: offered by two distributions.
        BrokenPlugin: can't be imported, or breaks the hook contract.
    """
    return _load("streams", name, Stream)


@functools.cache
def load_fuser(name: str) -> Fuser:
    """The fuser of this name; raises as ``load_stream`` does."""
    return _load("fusers", name, Fuser)


@functools.cache
def load_dataset(name: str) -> Dataset:
    """The data set of this name; raises as ``load_stream`` does."""
    return _load("datasets", name, Dataset)


def ensemble(name: str, others: Collection[str] = ()) -> Ensemble:
    """What is meant by ``all``, the name of an ensemble, or a comma list of streams.

    Args:
        name: as users type it.
        others: names that may stand for streams, too.

    Raises:
        UnknownPlugin: neither an installed ensemble nor installed streams; the message lists what is.
        BrokenPlugin: the entry point names no ``Ensemble``.
    """
    present = Installed()
    streams = [offer.listing.name for offer in present.of("streams")]
    if name == "all":
        return Ensemble(tuple(streams))
    if "," in name or name in streams or name in others:
        found = Ensemble(tuple(dict.fromkeys(names_in(name))))
    else:
        found = ensemble_of(present.find("ensembles", name))
    for stream in found.streams:
        if stream not in others:
            present.find("streams", stream)
    return found


def _load(kind: str, name: str, shape: type[Loaded]) -> Loaded:
    present = Installed()
    return admit(present.find(kind, name), present.of("wrappers"), shape)


def admit(offer: Offer, wrappers: list[Offer], shape: type[Loaded]) -> Loaded:
    """Imports and checks a plugin.

    Raises:
        BrokenPlugin: it, or a wrapper, can't be imported or breaks the hook contract.
    """
    listing = offer.listing
    loaded = shape(listing, hooks_of(offer, wrappers))
    try:
        check_info(listing, loaded.info)
    except BrokenPlugin:
        raise
    except (Exception, SystemExit) as error:
        cause = error.__cause__ or error
        raise BrokenPlugin(
            f"{listing.who} failed in {info_hook(listing.kind)}: {type(cause).__name__}: {cause}",
            hint=f"install matching versions, pip install -U deepfake-core {listing.distribution}, or report it to its "
            "authors.",
        ) from error
    return loaded

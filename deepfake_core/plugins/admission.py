"""Does a plugin keep the hook contract? Asked when it is loaded, before anything is computed."""

from __future__ import annotations

import difflib
import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import pluggy

from deepfake_core.contract.errors import BrokenPlugin
from deepfake_core.contract.hookspecs import HOOKS, OPTIONAL, PROJECT
from deepfake_core.contract.records import (
    API_VERSION,
    OLDEST_API_VERSION,
    DatasetInfo,
    Ensemble,
    FuserInfo,
    StreamInfo,
)
from deepfake_core.contract.settings import Settings
from deepfake_core.listing import Listing, Offer

INFOS: Mapping[str, type] = {"streams": StreamInfo, "fusers": FuserInfo, "datasets": DatasetInfo}
"""What the first hook of each kind returns."""


Asked = TypeVar("Asked", bound=Callable[..., Any])


def admitting(check: Asked) -> Asked:
    """Turns whatever a plugin's code raises while it is looked at into the error that names the plugin."""

    @functools.wraps(check)
    def checked(offer: Offer, *arguments: Any) -> Any:
        try:
            return check(offer, *arguments)
        except BrokenPlugin:
            raise
        # A module that calls sys.exit() when imported must not end the program.
        except (Exception, SystemExit) as error:
            raise BrokenPlugin(
                f"{offer.listing.who} can't be loaded: {type(error).__name__}: {error}",
                hint=f"report it to the authors of {offer.listing.distribution}.",
            ) from error

    return cast(Asked, checked)


@admitting
def hooks_of(offer: Offer, wrappers: list[Offer]) -> pluggy.HookRelay:
    """Imports a stream, fuser or data set, and gives it a hook caller of its own, inside the wrappers.

    Raises:
        BrokenPlugin: it, or a wrapper, can't be imported or breaks the hook contract.
    """
    listing = offer.listing
    plugin = imported(offer)
    specs = HOOKS[listing.kind]
    _check_hooks(listing, plugin, specs)
    manager = _manager(specs)
    _register(manager, listing, plugin)
    for wrapper in wrappers:
        _register(manager, wrapper.listing, _wrapper(wrapper))
    return manager.hook


@admitting
def check_wrapper(offer: Offer) -> tuple[str, ...]:
    """Imports a wrapper and sees that it fits around the hooks that it names, which are returned.

    Raises:
        BrokenPlugin: it doesn't.
    """
    wrapper = _wrapper(offer)
    for specs in HOOKS.values():
        _register(_manager(specs), offer.listing, wrapper)
    return tuple(_implementations(wrapper))


@admitting
def ensemble_of(offer: Offer) -> Ensemble:
    """Imports an ensemble.

    Raises:
        BrokenPlugin: the entry point names something else.
    """
    found = imported(offer)
    if not isinstance(found, Ensemble):
        raise BrokenPlugin(
            f"ensemble {offer.listing.name!r} of {offer.listing.plugin_id} is a {type(found).__name__}.",
            hint="its entry point must name a deepfake_core.Ensemble.",
        )
    return found


def imported(offer: Offer) -> Any:
    """What the entry point names."""
    listing = offer.listing
    try:
        return offer.point.load()
    except (Exception, SystemExit) as error:
        hint = f"reinstall it with its requirements: pip install --force-reinstall {listing.distribution}."
        if isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "deepfake_core":
            hint = f"it needs another version of the core: pip install -U deepfake-core {listing.distribution}."
        raise BrokenPlugin(
            f"{listing.who} can't be imported from {listing.target}: {type(error).__name__}: {error}", hint=hint
        ) from error


def check_info(listing: Listing, info: object) -> None:
    """The info record is one, of this plugin, for a contract that this core keeps, with settings and presets.

    Raises:
        BrokenPlugin: it is not so.
    """
    who, wanted = listing.who, INFOS[listing.kind]
    if not isinstance(info, wanted):
        raise BrokenPlugin(
            f"{who} says {type(info).__name__} of itself, not {wanted.__name__}.",
            hint=f"return a deepfake_core.{wanted.__name__} from {info_hook(listing.kind)}.",
        )
    assert isinstance(info, StreamInfo | FuserInfo | DatasetInfo)
    _check_version(listing, info.api_version)
    if info.name != listing.name:
        raise BrokenPlugin(
            f"{who} calls itself {info.name!r}.", hint="give the entry point and the info record the same name."
        )
    _check_settings(listing, info)


def info_hook(kind: str) -> str:
    """The hook in which a plugin of this kind describes itself."""
    return f"{kind.removesuffix('s')}_info"


def _check_version(listing: Listing, version: object) -> None:
    if isinstance(version, int) and OLDEST_API_VERSION <= version < API_VERSION:
        logging.getLogger(__name__).warning(
            "%s was written for version %s of the hook contract; this core has %s and will refuse it later: "
            "pip install -U %s.",
            listing.who,
            version,
            API_VERSION,
            listing.distribution,
        )
    elif version != API_VERSION:
        newer = isinstance(version, int) and version > API_VERSION
        raise BrokenPlugin(
            f"{listing.who} was written for version {version} of the hook contract; this core has {API_VERSION}.",
            hint=f"install matching versions: pip install -U {'deepfake-core ' if newer else ''}{listing.distribution}.",
        )


def _check_settings(listing: Listing, info: StreamInfo | FuserInfo | DatasetInfo) -> None:
    if not (isinstance(info.settings, type) and issubclass(info.settings, Settings)):
        raise BrokenPlugin(
            f"{listing.who} gives {info.settings!r} as the class of its settings.",
            hint="derive it from deepfake_core.Settings.",
        )
    if isinstance(info, DatasetInfo):
        info.settings()
        return
    if not isinstance(info.presets, Mapping) or not info.presets:
        raise BrokenPlugin(f"{listing.who} has no presets.", hint='give it one, e.g. {"paper": MySettings()}.')
    strange = sorted(str(name) for name, preset in info.presets.items() if not isinstance(preset, info.settings))
    if strange:
        raise BrokenPlugin(
            f"{listing.who}: not of the class {info.settings.__name__}: preset {', '.join(strange)}.",
            hint="make each preset from the class that the info record names.",
        )


def _manager(specs: type) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    return manager


def _hooks(specs: type) -> set[str]:
    return {name for name, value in vars(specs).items() if hasattr(value, f"{PROJECT}_spec")}


def _implementations(plugin: Any) -> dict[str, Any]:
    found = {}
    for name in dir(plugin):
        value = getattr(plugin, name, None)
        if inspect.isroutine(value) and hasattr(value, f"{PROJECT}_impl"):
            found[name] = value
    return found


def _check_hooks(listing: Listing, plugin: Any, specs: type) -> None:
    """Refuses a plugin whose hooks are misspelt, missing, or have default arguments."""
    known = _hooks(specs)
    implemented = _implementations(plugin)
    for name, function in implemented.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise BrokenPlugin(
                f"{listing.who} implements an unknown hook {name!r}.",
                hint=f"did you mean {close[0]!r}?" if close else f"the hooks of {listing.kind} are: {sorted(known)}.",
            )
        _check_no_defaults(listing, name, function)
    missing = sorted(known - OPTIONAL - set(implemented))
    if missing:
        raise BrokenPlugin(
            f"{listing.who} lacks the hook(s) {', '.join(missing)}.",
            hint="implement them and mark them with @hookimpl from deepfake_core.",
        )


def _wrapper(offer: Offer) -> Any:
    wrapper = imported(offer)
    known = {name for specs in HOOKS.values() for name in _hooks(specs)}
    for name, function in _implementations(wrapper).items():
        if name not in known or not getattr(function, f"{PROJECT}_impl")["wrapper"]:
            raise BrokenPlugin(
                f"{offer.listing.who} implements {name!r}, which is no wrapper around a known hook.",
                hint=f"mark it @hookimpl(wrapper=True) and name it as one of: {sorted(known)}. "
                f"No plugin can be used until this is mended or {offer.listing.distribution} is uninstalled.",
            )
        _check_no_defaults(offer.listing, name, function)
    return wrapper


def _check_no_defaults(listing: Listing, hook: str, function: Any) -> None:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            raise BrokenPlugin(
                f"{listing.who}: hook {hook!r} gives its parameter {parameter.name!r} a default value, which would "
                "silently replace what the core passes.",
                hint=f"remove the default of {parameter.name!r}.",
            )


def _register(manager: pluggy.PluginManager, listing: Listing, plugin: Any) -> None:
    try:
        manager.register(plugin, name=f"{listing.kind}:{listing.name}")
    except pluggy.PluginValidationError as error:
        raise BrokenPlugin(
            f"{listing.who} has a hook that doesn't fit: {error}",
            hint="take only parameters that the hook's specification names.",
        ) from error

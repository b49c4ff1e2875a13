"""Which plugins are installed, and how the core calls them.

Names are listed from distribution metadata without importing anything. A plugin is imported when it is asked for by
name, checked against the hook contract, and given a hook caller of its own: a call reaches that plugin, and the
wrappers around it, and nobody else.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from deepfake_core.contract import promises
from deepfake_core.contract.errors import (
    BrokenPlugin,
    DeepfakeError,
    DuplicatePlugin,
    HookFailed,
    UnknownPlugin,
    VideoError,
)
from deepfake_core.contract.hookspecs import HOOKS, OPTIONAL, PROJECT
from deepfake_core.contract.records import (
    API_VERSION,
    Clips,
    DatasetInfo,
    Ensemble,
    Extracted,
    Fold,
    FoldModel,
    FusedModel,
    FuserInfo,
    Panel,
    Predictions,
    RunLog,
    StreamInfo,
    VideoRecord,
)
from deepfake_core.contract.settings import Settings, names_in, parse_overrides, resolve

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from deepfake_core.data.store import Store

GROUP_PREFIX = "deepfake_core."
WRAPPERS_GROUP = f"{GROUP_PREFIX}wrappers"


@dataclass(frozen=True)
class Listing:
    """An installed plugin as its distribution's metadata describes it; nothing of it was imported.

    Attributes:
        kind: ``streams``, ``fusers``, ``datasets`` or ``ensembles``.
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


def installed(kind: str) -> list[Listing]:
    """All installed plugins of one kind, by name. Imports none of them."""
    return sorted((_listing(kind, point) for point in entry_points(group=GROUP_PREFIX + kind)), key=_by_name)


def _by_name(listing: Listing) -> tuple[str, str]:
    return listing.name, listing.distribution


def _listing(kind: str, point: EntryPoint) -> Listing:
    distribution = point.dist
    return Listing(
        kind=kind,
        name=point.name,
        distribution=distribution.name if distribution else "unknown",
        version=distribution.version if distribution else "unknown",
        target=point.value,
    )


class Plugin:
    """A loaded plugin: its listing, and its hooks, called under the contract."""

    def __init__(self, listing: Listing, hooks: pluggy.HookRelay) -> None:
        self.listing = listing
        self._hooks = hooks

    @property
    def name(self) -> str:
        """The entry-point name."""
        return self.listing.name

    def call(self, hook: str, **arguments: Any) -> Any:
        """Calls one hook.

        Raises:
            DeepfakeError, VideoError: as raised by the plugin.
            HookFailed: the plugin raised anything else; names the plugin and the hook.
        """
        try:
            return getattr(self._hooks, hook)(**arguments)
        except (DeepfakeError, VideoError):
            raise
        except Exception as error:
            raise HookFailed(
                f"plugin {self.name!r} ({self.listing.plugin_id}) failed in {hook}: {type(error).__name__}: {error}",
                hint=f"run again with --debug for the traceback, and report it to the authors of "
                f"{self.listing.distribution}; what was computed before is kept.",
            ) from error


Loaded = TypeVar("Loaded", "Stream", "Fuser", "Dataset")


class Stream(Plugin):
    """A loaded stream. Each method calls the hook of that name and checks what comes back."""

    @functools.cached_property
    def info(self) -> StreamInfo:
        """What the stream says about itself."""
        info: StreamInfo = self.call("stream_info")
        return info

    def settings(self, preset: str, overrides: str) -> Settings:
        """The settings of a preset with overrides applied; see ``resolve``."""
        return resolve(self.name, self.info.presets, preset, parse_overrides(overrides))

    def extract(self, video: VideoRecord, settings: Settings, store: Store) -> Extracted:
        """Turns one video into the stream's input. A video that can't be used becomes a row with its status."""
        try:
            extracted = self.call("extract", video=video.unlabelled(), settings=settings, store=store)
        except VideoError as error:
            return Extracted(video.video_id, None, error.status, {"detail": error.detail})
        promises.check_extracted(self.name, video, extracted)
        return extracted  # type: ignore[no-any-return]

    def train_fold(self, fold: Fold, clips: Clips, settings: Settings, work_dir: Path, log: RunLog) -> FoldModel:
        """Trains one model."""
        model = self.call("train_fold", fold=fold, clips=clips, settings=settings, work_dir=work_dir, log=log)
        promises.check_model(self.name, "train_fold", model, work_dir)
        return model  # type: ignore[no-any-return]

    def predict_oof(self, model: FoldModel, clips: Clips, settings: Settings) -> Predictions:
        """Scores clips with a trained model."""
        predictions = self.call("predict_oof", model=model, clips=clips, settings=settings)
        promises.check_predictions(self.name, clips, predictions, self.info.embedding_size)
        return predictions  # type: ignore[no-any-return]

    def illustrate(self, model: FoldModel, clip: Extracted, settings: Settings) -> Sequence[Panel]:
        """Figures of what the stream saw in one clip; none if it draws none."""
        panels = self.call("illustrate", model=model, clip=clip, settings=settings)
        if panels is None:
            return ()
        promises.check_panels(self.name, panels)
        return panels  # type: ignore[no-any-return]


class Fuser(Plugin):
    """A loaded fuser. Each method calls the hook of that name and checks what comes back."""

    @functools.cached_property
    def info(self) -> FuserInfo:
        """What the fuser says about itself."""
        info: FuserInfo = self.call("fuser_info")
        return info

    def settings(self, overrides: str) -> Settings:
        """The settings of its first preset with overrides applied; see ``resolve``."""
        return resolve(self.name, self.info.presets, next(iter(self.info.presets)), parse_overrides(overrides))

    def fuse(self, oof: pd.DataFrame, settings: Settings, work_dir: Path, seed: int) -> FusedModel:
        """Learns from a joined table."""
        model = self.call("fuse", oof=oof, settings=settings, work_dir=work_dir, seed=seed)
        promises.check_model(self.name, "fuse", model, work_dir)
        return model  # type: ignore[no-any-return]

    def predict(self, model: FusedModel, table: pd.DataFrame, settings: Settings) -> NDArray[np.float64]:
        """Scores rows."""
        p = self.call("predict_fused", model=model, table=table, settings=settings)
        promises.check_fused(self.name, len(table), p)
        return p  # type: ignore[no-any-return]

    def explain(self, model: FusedModel, table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
        """What each column adds to the score of each row."""
        explanation = self.call("explain", model=model, table=table, settings=settings)
        promises.check_explanation(self.name, table, explanation)
        return explanation


class Dataset(Plugin):
    """A loaded data set."""

    @functools.cached_property
    def info(self) -> DatasetInfo:
        """What the data set says about itself."""
        info: DatasetInfo = self.call("dataset_info")
        return info

    def settings(self, overrides: str) -> Settings:
        """The data set's settings with overrides applied."""
        presets = {"default": self.info.settings()}
        return resolve(self.name, presets, "default", parse_overrides(overrides))

    def index(self, root: Path, limits: Mapping[str, int], settings: Settings) -> tuple[VideoRecord, ...]:
        """Lists the videos under ``root``."""
        videos: Iterable[VideoRecord] = self.call("index_dataset", root=root, limits=limits, settings=settings)
        return tuple(videos)


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


def ensemble(name: str, others: Collection[str] = ()) -> Ensemble:
    """What is meant by ``all``, the name of an ensemble, or a comma list of streams.

    Args:
        name: as users type it.
        others: names that may stand for streams, too.

    Raises:
        UnknownPlugin: neither an installed ensemble nor installed streams; the message lists what is.
        BrokenPlugin: the entry point names no ``Ensemble``.
    """
    streams = [listing.name for listing in installed("streams")]
    if name == "all":
        return Ensemble(tuple(streams))
    if "," in name or name in streams or name in others:
        found = Ensemble(tuple(dict.fromkeys(names_in(name))))
    else:
        point = _find("ensembles", name)
        listing = _listing("ensembles", point)
        found = _import(listing, point)
        if not isinstance(found, Ensemble):
            raise BrokenPlugin(
                f"ensemble {name!r} of {listing.plugin_id} is a {type(found).__name__}.",
                hint="its entry point must name a deepfake_core.Ensemble.",
            )
    for stream in found.streams:
        if stream not in others:
            _find("streams", stream)
    return found


@functools.cache
def load_dataset(name: str) -> Dataset:
    """The data set of this name; raises as ``load_stream`` does."""
    return _load("datasets", name, Dataset)


def _load(kind: str, name: str, shape: type[Loaded]) -> Loaded:
    point = _find(kind, name)
    listing = _listing(kind, point)
    plugin = _import(listing, point)
    manager = pluggy.PluginManager(PROJECT)
    specs = HOOKS[kind]
    manager.add_hookspecs(specs)
    _check_hooks(listing, plugin, specs)
    _register(manager, listing, plugin)
    for wrapper_point in entry_points(group=WRAPPERS_GROUP):
        wrapper_listing = _listing("wrappers", wrapper_point)
        wrapper = _import(wrapper_listing, wrapper_point)
        _check_wrapper(wrapper_listing, wrapper)
        _register(manager, wrapper_listing, wrapper)
    loaded = shape(listing, manager.hook)
    _check_info(listing, loaded.info)
    return loaded


def _find(kind: str, name: str) -> EntryPoint:
    found = list(entry_points(group=GROUP_PREFIX + kind, name=name))
    if not found:
        names = [listing.name for listing in installed(kind)]
        close = difflib.get_close_matches(name, names, n=1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        raise UnknownPlugin(
            f"no plugin named {name!r} among the installed {kind}: {', '.join(names) or 'none'}.",
            hint=f"{guess}Install the distribution that offers it (pip install deepfake-{name.replace('_', '-')}) "
            "and see `deepfake plugins list`.",
        )
    if len(found) > 1:
        owners = " and ".join(_listing(kind, point).plugin_id for point in found)
        raise DuplicatePlugin(
            f"the name {name!r} among {kind} is offered by {owners}.", hint="uninstall one of these distributions."
        )
    return found[0]


def _import(listing: Listing, point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        raise BrokenPlugin(
            f"plugin {listing.name!r} of {listing.plugin_id} can't be imported from {listing.target}: "
            f"{type(error).__name__}: {error}",
            hint=f"reinstall it with its requirements: pip install --force-reinstall {listing.distribution}.",
        ) from error


def _implementations(plugin: Any) -> dict[str, Any]:
    found = {}
    for name in dir(plugin):
        value = getattr(plugin, name, None)
        if inspect.isroutine(value) and hasattr(value, f"{PROJECT}_impl"):
            found[name] = value
    return found


def _check_hooks(listing: Listing, plugin: Any, specs: type) -> None:
    """Refuses a plugin whose hooks are misspelt, missing, or have default arguments."""
    known = {name for name, value in vars(specs).items() if hasattr(value, f"{PROJECT}_spec")}
    implemented = _implementations(plugin)
    who = f"plugin {listing.name!r} of {listing.plugin_id}"
    for name, function in implemented.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise BrokenPlugin(
                f"{who} implements an unknown hook {name!r}.",
                hint=f"did you mean {close[0]!r}?" if close else f"the hooks of {listing.kind} are: {sorted(known)}.",
            )
        _check_no_defaults(who, name, function)
    missing = sorted(known - OPTIONAL - set(implemented))
    if missing:
        raise BrokenPlugin(
            f"{who} lacks the hook(s) {', '.join(missing)}.",
            hint="implement them and mark them with @hookimpl from deepfake_core.",
        )


def _check_wrapper(listing: Listing, wrapper: Any) -> None:
    known = {
        name for specs in HOOKS.values() for name, value in vars(specs).items() if hasattr(value, f"{PROJECT}_spec")
    }
    who = f"wrapper {listing.name!r} of {listing.plugin_id}"
    for name, function in _implementations(wrapper).items():
        if name not in known or not getattr(function, f"{PROJECT}_impl")["wrapper"]:
            raise BrokenPlugin(
                f"{who} implements {name!r}, which is no wrapper around a known hook.",
                hint=f"mark it @hookimpl(wrapper=True) and name it as one of: {sorted(known)}.",
            )
        _check_no_defaults(who, name, function)


def _check_no_defaults(who: str, hook: str, function: Any) -> None:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            raise BrokenPlugin(
                f"{who}: hook {hook!r} gives its parameter {parameter.name!r} a default value, which would "
                "silently replace what the core passes.",
                hint=f"remove the default of {parameter.name!r}.",
            )


def _register(manager: pluggy.PluginManager, listing: Listing, plugin: Any) -> None:
    try:
        manager.register(plugin, name=f"{listing.kind}:{listing.name}")
    except pluggy.PluginValidationError as error:
        raise BrokenPlugin(
            f"plugin {listing.name!r} of {listing.plugin_id} has a hook that doesn't fit: {error}",
            hint="take only parameters that the hook's specification names.",
        ) from error


def _check_info(listing: Listing, info: Any) -> None:
    who = f"plugin {listing.name!r} of {listing.plugin_id}"
    if info.api_version != API_VERSION:
        raise BrokenPlugin(
            f"{who} was written for version {info.api_version} of the hook contract; this core has {API_VERSION}.",
            hint=f"install matching versions: pip install -U deepfake-core {listing.distribution}.",
        )
    if info.name != listing.name:
        raise BrokenPlugin(
            f"{who} calls itself {info.name!r}.", hint="give the entry point and the info record the same name."
        )

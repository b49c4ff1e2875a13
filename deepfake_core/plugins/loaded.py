"""How does the core call a plugin? Each hook on that plugin alone, and what comes back is checked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from deepfake_core import printing
from deepfake_core.contract import promises
from deepfake_core.contract.errors import DeepfakeError, HookFailed, VideoError
from deepfake_core.contract.records import (
    Clips,
    DatasetInfo,
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
from deepfake_core.contract.settings import Settings, parse_overrides, resolve
from deepfake_core.listing import Listing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from deepfake_core.data.store import Store


class Plugin:
    """A loaded plugin: its listing, and its hooks, called under the contract."""

    def __init__(self, listing: Listing, hooks: pluggy.HookRelay) -> None:
        self.listing = listing
        self._hooks = hooks

    @property
    def name(self) -> str:
        """The entry-point name."""
        return self.listing.name

    @property
    def hooks(self) -> tuple[str, ...]:
        """The names of the hooks that it implements."""
        return tuple(name for name, caller in vars(self._hooks).items() if caller.get_hookimpls())

    def call(self, hook: str, **arguments: Any) -> Any:
        """Calls one hook. What it prints is logged.

        Raises:
            DeepfakeError, VideoError: as raised by the plugin.
            HookFailed: the plugin raised anything else; names the plugin and the hook.
        """
        return self._guarded(hook, lambda: getattr(self._hooks, hook)(**arguments))

    def _guarded(self, hook: str, work: Callable[[], Any]) -> Any:
        try:
            with printing.aside(self.name):
                return work()
        except (DeepfakeError, VideoError):
            raise
        # A plugin that calls sys.exit() must not end the program with an exit code of its own.
        except (Exception, SystemExit) as error:
            raise HookFailed(
                f"plugin {self.name!r} ({self.listing.plugin_id}) failed in {hook}: {type(error).__name__}: {error}",
                hint=f"run again with --debug for the traceback, and report it to the authors of "
                f"{self.listing.distribution}; what was computed before is kept.",
            ) from error


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
        promises.check_kept(self.name, extracted, store.root)
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

        def listed() -> tuple[VideoRecord, ...]:
            # A hook that is a generator runs while it is read, so it is read in here.
            videos: Iterable[VideoRecord] = self._hooks.index_dataset(root=root, limits=limits, settings=settings)
            return tuple(videos)

        found: tuple[VideoRecord, ...] = self._guarded("index_dataset", listed)
        promises.check_records(self.name, found)
        return found

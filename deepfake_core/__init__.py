"""Deepfake video detection as MLflow-tracked plugins.

Everything a plugin needs is importable from here; nothing heavy is imported until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfake_core.contract.errors import (
        DeepfakeError,
        InvalidTable,
        NoUsableVideo,
        UsageError,
        VideoContentChanged,
        VideoError,
        VideoFrameRateTooLow,
        VideoMissing,
        VideoNoFace,
        VideoTooLarge,
        VideoTooShort,
        VideoUnreadable,
    )
    from deepfake_core.contract.hookspecs import hookimpl, hookspec
    from deepfake_core.contract.records import (
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
        Quality,
        RunLog,
        StreamInfo,
        VideoRecord,
    )
    from deepfake_core.contract.settings import Settings
    from deepfake_core.data.folds import inner_folds
    from deepfake_core.data.store import Entry, Store
    from deepfake_core.data.taking import take

__version__ = "0.1.0"

__all__ = [
    "Clips",
    "DatasetInfo",
    "DeepfakeError",
    "Ensemble",
    "Entry",
    "Extracted",
    "Fold",
    "FoldModel",
    "FusedModel",
    "FuserInfo",
    "InvalidTable",
    "NoUsableVideo",
    "Panel",
    "Predictions",
    "Quality",
    "RunLog",
    "Settings",
    "Store",
    "StreamInfo",
    "UsageError",
    "VideoContentChanged",
    "VideoError",
    "VideoFrameRateTooLow",
    "VideoMissing",
    "VideoNoFace",
    "VideoRecord",
    "VideoTooLarge",
    "VideoTooShort",
    "VideoUnreadable",
    "hookimpl",
    "hookspec",
    "inner_folds",
    "take",
]

_MODULES = (
    "contract.records",
    "contract.errors",
    "contract.hookspecs",
    "contract.settings",
    "data.taking",
    "data.store",
    "data.folds",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = getattr(importlib.import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

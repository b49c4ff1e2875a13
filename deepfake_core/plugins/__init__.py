"""Which plugins there are, and how the core calls them.

Names are listed from distribution metadata without importing anything. A plugin is imported when it is asked for by
name, checked against the hook contract, and given a hook caller of its own: a call reaches that plugin, and the
wrappers around it, and nobody else.
"""

from __future__ import annotations

from deepfake_core.listing import Listing
from deepfake_core.plugins.loaded import Dataset, Fuser, Plugin, Stream
from deepfake_core.plugins.loading import ensemble, installed, load_dataset, load_fuser, load_stream

__all__ = [
    "Dataset",
    "Fuser",
    "Listing",
    "Plugin",
    "Stream",
    "ensemble",
    "installed",
    "load_dataset",
    "load_fuser",
    "load_stream",
]

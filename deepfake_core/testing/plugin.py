"""What every plugin must pass, whatever its kind: it describes itself, it is quick to list, it keeps to itself."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Mapping
from typing import ClassVar

import pytest

from deepfake_core import plugins
from deepfake_core.contract.settings import Settings
from deepfake_core.plugins import Dataset, Fuser, Stream
from deepfake_core.testing.alone import Lived

HEAVY = frozenset(
    {
        "cv2",
        "jax",
        "keras",
        "lightgbm",
        "matplotlib",
        "mediapipe",
        "numba",
        "pandas",
        "skimage",
        "sklearn",
        "tensorflow",
    }
    | {"timm", "torch", "torchvision", "transformers", "xgboost"}
)
"""Packages that a plugin may use and must not import to be listed."""

MOST_CPU_S = 2.0

_LISTING = """
import json, sys, time
from deepfake_core import plugins
load = getattr(plugins, "load_" + sys.argv[1])
before, began = set(sys.modules), time.process_time()
load(sys.argv[2]).info
print(json.dumps([time.process_time() - began, sorted({name.partition(".")[0] for name in set(sys.modules) - before})]))
"""


class PluginConformance:
    """Checks of what all plugins have in common.

    Attributes:
        name: entry-point name of the plugin.
        overrides: settings that make it quick.
        expected_failures: checks that fail, and why. Each must fail: one that passes after all is a failure. For what is known
            and can't be helped for now; ``deepfake plugins check`` shows the reasons.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    overrides: ClassVar[str] = ""
    expected_failures: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture(scope="class")
    @classmethod
    def plugin(cls) -> Stream | Fuser | Dataset:
        """The loaded plugin."""
        return _load(cls.kind, cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls, plugin: Stream | Fuser | Dataset) -> Settings:
        """The settings the checks run with."""
        assert isinstance(plugin, Fuser | Dataset)
        return plugin.settings(cls.overrides)

    @pytest.fixture(scope="class")
    @classmethod
    def alone(cls) -> Lived:
        """All hooks, called in a process of its own."""
        raise NotImplementedError

    def test_it_loads(self) -> None:
        """Its hooks are those of the contract, written for this version of it, and it says who it is."""
        assert _load(self.kind, self.name).info.name == self.name

    def test_info_is_complete(self, plugin: Stream | Fuser | Dataset) -> None:
        """It says in one line what it does."""
        assert plugin.info.summary
        assert "\n" not in plugin.info.summary

    def test_settings_are_described(self, plugin: Stream | Fuser | Dataset) -> None:
        """Every setting says what it is."""
        undescribed = [name for name, field in plugin.info.settings.model_fields.items() if not field.description]
        assert not undescribed

    def test_every_setting_counts_in_the_digest(self, settings: Settings) -> None:
        """Another value of any setting is another digest, unless the setting says that it doesn't change results."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the other value is of another type
            silent = [
                name
                for name, field in type(settings).model_fields.items()
                if not field.exclude and settings.model_copy(update={name: "another"}).digest == settings.digest
            ]
        assert not silent

    def test_listing_it_imports_nothing_heavy(self) -> None:
        """``plugins list`` and shell completion import it: heavy packages belong inside functions. Counted in CPU time."""
        command = [sys.executable, "-c", _LISTING, self.kind, self.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        seconds, modules = json.loads(done.stdout.splitlines()[-1])
        assert sorted(HEAVY & set(modules)) == []
        assert seconds < MOST_CPU_S

    def test_it_prints_nothing(self, alone: Lived) -> None:
        """What a command answers is all that comes to stdout; a plugin has ``logging``."""
        assert alone.printed == ""

    def test_it_writes_where_it_may(self, alone: Lived) -> None:
        """Into the store, its work folder and the log; not into the working directory, the home, or a forgotten temporary file."""
        assert alone.written == ()


def _load(kind: str, name: str) -> Stream | Fuser | Dataset:
    loaded: Stream | Fuser | Dataset = getattr(plugins, f"load_{kind}")(name)
    return loaded

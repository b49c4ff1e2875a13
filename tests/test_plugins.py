"""Plugins are listed unseen, loaded by name, called alone, and refused when they break the contract."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepfake_core import plugins
from deepfake_core.contract.errors import BrokenPlugin, DuplicatePlugin, UnknownPlugin
from deepfake_core.contract.hookspecs import FuserHooks
from deepfake_core.contract.records import API_VERSION, VideoRecord
from deepfake_core.data.store import Store
from deepfake_core.plugins import admission
from tests.conftest import TOY, install, use_site

STREAM = (TOY / "toy_stream.py").read_text()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Installs a stream made of the toy's source with some text replaced."""

    def make(*changes: tuple[str, str], name: str = "toy", distribution: str = "deepfake-toy") -> None:
        source = STREAM
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        module = f"toy_{distribution.replace('-', '_')}"
        folder = install(
            tmp_path / distribution,
            distribution=distribution,
            modules={f"{module}.py": source},
            entry_points=f"[deepfake_core.streams]\n{name} = {module}\n",
        )
        use_site(monkeypatch, folder)

    return make


def test_listing_imports_nothing(site):
    site(("import json", "raise RuntimeError('imported')"))
    listing = next(listing for listing in plugins.installed("streams") if listing.name == "toy")
    assert (listing.distribution, listing.version) == ("deepfake-toy", "1.0")
    assert "toy_deepfake_toy" not in sys.modules


def test_broken_plugin_is_named_and_does_not_stop_others(site):
    site(("import json", "raise RuntimeError('imported')"))
    site(('name="toy"', 'name="other"'), distribution="deepfake-other", name="other")
    with pytest.raises(BrokenPlugin, match=r"deepfake-toy 1\.0.*RuntimeError: imported"):
        plugins.load_stream("toy")
    assert plugins.load_stream("other").info.name == "other"


def test_unknown_name_lists_what_is_there(toy):
    with pytest.raises(UnknownPlugin) as caught:
        plugins.load_stream("toi")
    assert "toy" in caught.value.problem
    assert "did you mean 'toy'?" in caught.value.hint
    assert "pip install" in caught.value.hint


def test_duplicate_names_both_distributions(site):
    site()
    site(distribution="deepfake-second")
    with pytest.raises(DuplicatePlugin, match=r"deepfake-second 1\.0 and deepfake-toy 1\.0"):
        plugins.load_stream("toy")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("def predict_oof(", "def predict_off("), "unknown hook 'predict_off'"),
        (("def extract(video, store):", "def extract(video, store=None):"), "parameter 'store' a default"),
        (("def extract(video, store):", "def extract(video, store, label):"), "doesn't fit"),
        (("@hookimpl\ndef predict_oof(", "def predict_oof("), r"lacks the hook\(s\) predict_oof"),
        (('name="toy"', 'name="tool"'), "calls itself 'tool'"),
        (("return StreamInfo(", "return 1 / 0 or StreamInfo("), "failed in stream_info: ZeroDivisionError"),
        (("return StreamInfo(", "raise SystemExit\n    return StreamInfo("), "failed in stream_info: SystemExit"),
        (("return StreamInfo(", "return None and StreamInfo("), "NoneType of itself, not StreamInfo"),
        (("return StreamInfo(", "return {1: 2} or StreamInfo("), "dict of itself, not StreamInfo"),
        (('name="toy",', 'name="toy", strange=1,'), "failed in stream_info: TypeError.*'strange'"),
        (('name="toy",', 'name="Toy",'), "failed in stream_info: ValueError.*lower-case"),
        (("settings=ToySettings,", "settings=dict,"), "class of its settings"),
        (('presets={"paper": ToySettings(), "demo": ToySettings()}', "presets={}"), "has no presets"),
        (('"paper": ToySettings(),', '"paper": Settings(),'), "not of the class ToySettings: preset paper"),
        (("import json", "import json, sys\nsys.exit(3)"), "can't be imported from toy_deepfake_toy: SystemExit"),
    ],
)
def test_contract_breaches_are_refused_at_load(site, change, says):
    site(change)
    with pytest.raises(BrokenPlugin, match=says) as caught:
        plugins.load_stream("toy")
    assert "deepfake-toy 1.0" in caught.value.problem
    assert caught.value.hint


@pytest.mark.parametrize(
    ("stated", "upgrade"),
    [(99, "pip install -U deepfake-core deepfake-toy"), (0, "pip install -U deepfake-toy"), ("None", "pip install -U")],
)
def test_another_contract_version_is_refused_with_both_versions_and_what_to_install(site, stated, upgrade):
    site(('name="toy",', f'name="toy", api_version={stated},'))
    with pytest.raises(
        BrokenPlugin, match=rf"version {stated} of the hook contract; this core has {API_VERSION}"
    ) as caught:
        plugins.load_stream("toy")
    assert upgrade in caught.value.hint


def test_the_version_before_is_accepted_with_a_warning(site, monkeypatch, caplog):
    """As it will be once there is a second version."""
    monkeypatch.setattr(admission, "API_VERSION", 2)
    site()
    assert plugins.load_stream("toy").info.api_version == 1, "what states none was written for the first"
    assert "version 1 of the hook contract; this core has 2" in caplog.text
    assert "pip install -U deepfake-toy" in caplog.text
    site(('name="toy",', 'name="newer", api_version=2,'), distribution="deepfake-newer", name="newer")
    caplog.clear()
    assert plugins.load_stream("newer").info.api_version == 2
    assert not caplog.text


def test_a_name_that_only_a_newer_core_has_says_so(site):
    site(("    hookimpl,\n)", "    hookimpl,\n    something_new,\n)"))
    with pytest.raises(BrokenPlugin, match="something_new") as caught:
        plugins.load_stream("toy")
    assert "pip install -U deepfake-core deepfake-toy" in caught.value.hint


def test_two_streams_do_not_see_each_others_calls(site, tmp_path):
    site()
    site(('name="toy"', 'name="other"'), distribution="deepfake-other", name="other")
    assert plugins.load_stream("toy").info.name == "toy"
    assert plugins.load_stream("other").info.name == "other"


def test_a_wrapper_sees_every_call(site, tmp_path, monkeypatch):
    site()
    source = (
        "from deepfake_core import hookimpl\nseen = []\n\n\n@hookimpl(wrapper=True)\ndef extract(video):\n"
        "    seen.append(video.video_id)\n    return (yield)\n"
    )
    folder = install(
        tmp_path / "w",
        distribution="deepfake-watch",
        modules={"toy_watch.py": source},
        entry_points="[deepfake_core.wrappers]\nwatch = toy_watch\n",
    )
    use_site(monkeypatch, folder)
    stream = plugins.load_stream("toy")
    video = tmp_path / "v.mp4"
    video.write_text("0.5")
    found = stream.extract(VideoRecord("v", video), stream.settings("demo", ""), Store(tmp_path / "store"))
    assert found.quality == {"number": 0.5}
    assert sys.modules["toy_watch"].seen == ["v"]


def test_wrapper_that_is_no_wrapper_is_refused(site, tmp_path, monkeypatch):
    site()
    folder = install(
        tmp_path / "w",
        distribution="deepfake-watch",
        modules={
            "toy_watch.py": "from deepfake_core import hookimpl\n\n\n@hookimpl\ndef extract(video):\n    return 1\n"
        },
        entry_points="[deepfake_core.wrappers]\nwatch = toy_watch\n",
    )
    use_site(monkeypatch, folder)
    with pytest.raises(BrokenPlugin, match="no wrapper"):
        plugins.load_stream("toy")


def test_fuser_hooks_are_called_as_specified():
    """The three fuser hooks, on a fuser that takes the mean."""
    import pluggy

    from deepfake_core.contract.hookspecs import PROJECT, hookimpl
    from deepfake_core.contract.records import FusedModel, FuserInfo
    from deepfake_core.contract.settings import Settings

    class Mean:
        @hookimpl
        def fuser_info(self):
            return FuserInfo("mean", Settings, {"paper": Settings()})

        @hookimpl
        def fuse(self, oof, work_dir):
            assert "label" in oof
            return FusedModel(work_dir)

        @hookimpl
        def predict_fused(self, model, table):
            return table.filter(like="p_").mean(axis=1).to_numpy()

    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(FuserHooks)
    manager.register(Mean())
    manager.check_pending()
    hook, table = manager.hook, pd.DataFrame({"label": [0, 1], "p_a": [0.0, 1.0], "p_b": [0.5, 0.5]})
    assert hook.fuser_info().name == "mean"
    model = hook.fuse(oof=table, settings=Settings(), work_dir=Path(), seed=1)
    np.testing.assert_array_equal(hook.predict_fused(model=model, table=table, settings=Settings()), [0.25, 0.75])

"""What was written for version 1 of the hook contract runs unchanged, and what version 1 promised is still there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from deepfake_core import plugins
from deepfake_core.cli import main
from deepfake_core.contract.records import Fold
from deepfake_core.data.store import Store
from tests.conftest import install, use_site
from tests.contract.surface import surface

V1 = Path(__file__).with_name("frozen_v1")
SHA256 = {
    "contract.json": "b904ca32ab71a397c699fd89d247e25e24a44e12add548d91310e7ab6f4bed3c",
    "frozen_dataset.py": "1ee38645ccdc5304ad6905c71968d14f708762a17a3d71c19cc587e5ae8e0670",
    "frozen_fuser.py": "96a8f871a600ed995969d77756e9fd61b4f532c7dc3599f775cb8fe1c353d295",
    "frozen_stream.py": "3d1a415073b2ce7a910322ab5e91e4cae163976eaec1aed188d41fbeb5e1ab5f",
}
PROMISED = json.loads((V1 / "contract.json").read_text())
NOW = surface()


@pytest.fixture
def frozen(tmp_path_factory, monkeypatch):
    """The three plugins, installed as pip would."""
    site = install(
        tmp_path_factory.mktemp("site"),
        distribution="deepfake-frozen",
        modules={f"toy_{path.name}": path.read_text() for path in V1.glob("*.py")},
        entry_points="[deepfake_core.streams]\nfrozen_stream = toy_frozen_stream\n"
        "[deepfake_core.fusers]\nfrozen_fuser = toy_frozen_fuser\n"
        "[deepfake_core.datasets]\nfrozen_dataset = toy_frozen_dataset\n"
        "[deepfake_core.ensembles]\nfrozen_alone = toy_frozen_fuser:ALONE\n",
    )
    use_site(monkeypatch, site)


@pytest.mark.parametrize("name", SHA256)
def test_the_frozen_files_are_as_they_were(name):
    assert hashlib.sha256((V1 / name).read_bytes()).hexdigest() == SHA256[name], "write new files for a new version"


def test_every_frozen_file_is_watched():
    assert {path.name for path in V1.iterdir() if path.is_file()} == set(SHA256)


def test_each_hook_is_called_as_it_was(frozen, tmp_path):
    """Through the loaded plugins, which check what comes back."""
    stream, fuser = plugins.load_stream("frozen_stream"), plugins.load_fuser("frozen_fuser")
    dataset = plugins.load_dataset("frozen_dataset")
    videos = dataset.index(tmp_path / "videos", {"raised": 10}, dataset.settings("people=12"))
    assert len(videos) == 22
    settings, store = stream.settings("demo", "width=0.25"), Store(tmp_path / "store")
    clips = {video.video_id: stream.extract(video, settings, store) for video in videos}
    (tmp_path / "work").mkdir()
    fold = Fold(0, tuple(videos[:16]), tuple(videos[16:18]), seed=1)
    model = stream.train_fold(fold, clips, settings, tmp_path / "work", _Log())
    scored = stream.predict_oof(model, clips, settings)
    fakes = np.array([video.label == 1 for video in videos])
    assert scored.p[fakes].mean() > scored.p[~fakes].mean() + 0.2, "numbers of fakes are 0.4 higher"
    assert [panel.title for panel in stream.illustrate(model, clips[videos[0].video_id], settings)] == ["Its number"]
    table = _table(videos, scored.p)
    fused = fuser.fuse(table, fuser.settings(""), tmp_path / "work", 1)
    np.testing.assert_allclose(fuser.predict(fused, table, fuser.settings("")), scored.p)
    np.testing.assert_allclose(
        fuser.explain(fused, table, fuser.settings("pull=0.5")).sum(axis=1), (scored.p - 0.5) / 2, atol=1e-12
    )


def test_a_run_with_them_ends_well(frozen, home):
    arguments = ["--index", "frozen_dataset", "--ensemble", "frozen_alone", "--folds", "3", "--workers", "1"]
    found = CliRunner().invoke(main, ["run", *arguments, "--register", "false", "--out", str(home / "out")])
    assert found.exit_code == 0, found.output
    assert "frozen_fuser" in found.output
    assert (home / "out" / "report.html").is_file()


@pytest.mark.parametrize("kind", PROMISED["hooks"])
def test_no_hook_lost_a_parameter_and_new_hooks_are_optional(kind):
    before, now = PROMISED["hooks"][kind], NOW["hooks"][kind]
    for hook, parameters in before.items():
        assert {name for name, *_ in parameters} <= {name for name, *_ in now[hook]}
    assert set(now) - set(before) <= set(NOW["optional_hooks"]), "a plugin of version 1 doesn't have it"
    assert set(PROMISED["optional_hooks"]) <= set(NOW["optional_hooks"])


@pytest.mark.parametrize("record", PROMISED["records"])
def test_records_grow_at_their_end_by_what_has_a_default(record):
    before, now = PROMISED["records"][record], NOW["records"][record]
    for promised, present in zip(before, now, strict=False):
        assert promised[0] == present[0], "a call by position means something else now"
        assert present[1] or not promised[1], f"{promised[0]} had a default"
    assert len(now) >= len(before)
    assert all(given for _, given in now[len(before) :])


@pytest.mark.parametrize("group", ["methods", "functions"])
def test_calls_that_plugins_make_are_still_possible(group):
    before = PROMISED[group] if group == "methods" else {"deepfake_core": PROMISED[group]}
    now = NOW[group] if group == "methods" else {"deepfake_core": NOW[group]}
    for owner, functions in before.items():
        for name, parameters in functions.items():
            present = now[owner][name]
            assert [p[:2] for p in present[: len(parameters)]] == [p[:2] for p in parameters], f"{owner}.{name}"
            assert all(p[2] for p in present[len(parameters) :]), f"{owner}.{name} asks for more"
            assert all(p[2] or not q[2] for p, q in zip(present, parameters, strict=False)), f"{owner}.{name}"


def test_names_and_statuses_are_still_there():
    assert set(PROMISED["names"]) <= set(NOW["names"])
    assert PROMISED["statuses"].items() <= NOW["statuses"].items()


class _Log:
    def metric(self, name, value, step=0):
        assert np.isfinite(value)

    def artifact(self, path):
        assert path.is_file()

    def figure(self, name, figure):
        assert figure.axes


def _table(videos, p):
    import pandas as pd

    columns = {
        "video_id": [video.video_id for video in videos],
        "label": [video.label for video in videos],
        "frozen_stream_p": p,
    }
    return pd.DataFrame(columns)

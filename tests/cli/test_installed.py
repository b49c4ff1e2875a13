"""``plugins list`` shows everything and never fails; ``plugins show`` tells what can be set and how presets differ."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from tests.conftest import TOY, install, use_site

TOY_SOURCE = (TOY / "toy_stream.py").read_text()
WRAPPER = "from deepfake_core import hookimpl\n\n\n@hookimpl(wrapper=True)\ndef extract():\n    return (yield)\n"


@pytest.fixture
def deepfake():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(main, list(arguments))


@pytest.fixture
def offer(tmp_path, monkeypatch):
    """Installs a distribution of one module."""

    def make(distribution, entry_points, source, note=None):
        module = f"toy_{distribution.replace('-', '_')}"
        folder = install(
            tmp_path / distribution,
            distribution=distribution,
            modules={f"{module}.py": source},
            entry_points=entry_points.format(module=module),
        )
        if note:
            info = next(folder.glob("*.dist-info"))
            (info / "direct_url.json").write_text(json.dumps(note))
        use_site(monkeypatch, folder)

    return make


def listed(deepfake):
    found = deepfake("plugins", "list", "--json")
    assert found.exit_code == 0, found.output
    return {(entry["kind"], entry["name"], entry["distribution"]): entry for entry in json.loads(found.stdout)}


def test_list_tells_presets_summary_and_state(deepfake, toys):
    found = listed(deepfake)
    toy = found["stream", "toy", "deepfake-toys"]
    assert (toy["status"], toy["presets"], toy["summary"]) == ("ok", ["paper", "demo"], "reads a number")
    assert found["ensemble", "toys", "deepfake-toys"]["status"] == "ok"
    text = deepfake("plugins", "list")
    assert text.exit_code == 0
    assert "deepfake-toys 1.0" in text.output
    assert "paper, demo" in text.output


def test_list_survives_whatever_a_plugin_does(deepfake, offer):
    broken = {
        "raises": "raise RuntimeError('planned')",
        "exits": "import sys\nsys.exit(3)",
        "lacks": "from nowhere_at_all import it",
        "empty": "",
        "newer": TOY_SOURCE.replace('name="toy",', 'name="newer", api_version=2,'),
        "silent": TOY_SOURCE.replace("return StreamInfo(", "return None and StreamInfo("),
    }
    for name, source in broken.items():
        offer(f"deepfake-{name}", f"[deepfake_core.streams]\n{name} = {{module}}\n", source)
    offer("deepfake-nothing", "[deepfake_core.streams]\nnothing = {module}:not_there\n", "")
    offer("deepfake-set", "[deepfake_core.ensembles]\nset = {module}:SET\n", "SET = 1")
    lonely = "from deepfake_core import Ensemble\nE = Ensemble(('gone',), 'x', fuser='no_fuser')\n"
    offer("deepfake-lonely", "[deepfake_core.ensembles]\nlonely = {module}:E\n", lonely)
    offer("deepfake-loud", "[deepfake_core.streams]\ntoy = {module}\n", "print('loud')\n" + TOY_SOURCE)
    found = {name: entry for (_, name, _), entry in listed(deepfake).items()}
    says = {
        "raises": "RuntimeError: planned",
        "exits": "SystemExit: 3",
        "lacks": "No module named 'nowhere_at_all'",
        "empty": "lacks the hook(s)",
        "newer": "version 2 of the hook contract; this core has 1",
        "silent": "NoneType",
        "nothing": "not_there",
        "set": "is a int",
        "lonely": "streams that aren't installed: gone",
    }
    for name, reason in says.items():
        assert found[name]["status"] == "broken"
        assert reason in found[name]["reason"]
        assert found[name]["hint"]
    assert found["toy"]["status"] == "ok"
    text = deepfake("plugins", "list")
    assert text.exit_code == 0
    assert "RuntimeError: planned" in text.output
    assert "loud" not in text.stdout.splitlines()


def test_list_names_both_owners_of_a_name(deepfake, offer):
    for distribution in ("deepfake-first", "deepfake-second"):
        offer(distribution, "[deepfake_core.streams]\ntoy = {module}\n", TOY_SOURCE)
    found = listed(deepfake)
    for distribution in ("deepfake-first", "deepfake-second"):
        entry = found["stream", "toy", distribution]
        assert entry["status"] == "duplicate"
        assert "deepfake-first 1.0 and deepfake-second 1.0" in entry["reason"]


def test_list_has_wrappers_and_blames_no_other_for_a_broken_one(deepfake, offer, toy):
    offer("deepfake-watch", "[deepfake_core.wrappers]\nwatch = {module}\n", WRAPPER)
    offer("deepfake-bad", "[deepfake_core.wrappers]\nbad = {module}\n", WRAPPER.replace("(wrapper=True)", ""))
    strange = WRAPPER.replace("extract()", "extract(label)")
    offer("deepfake-ill", "[deepfake_core.wrappers]\nill = {module}\n", strange)
    found = listed(deepfake)
    assert found["wrapper", "watch", "deepfake-watch"]["status"] == "ok"
    assert "no wrapper" in found["wrapper", "bad", "deepfake-bad"]["reason"]
    assert "doesn't fit" in found["wrapper", "ill", "deepfake-ill"]["reason"]
    assert found["stream", "toy", "deepfake-toy"]["status"] == "ok"
    assert json.loads(deepfake("plugins", "show", "watch", "--json").stdout)[0]["hooks"] == ["extract"]


@pytest.mark.parametrize(
    ("note", "how", "where"),
    [
        ({"url": "file:///src/my%20toy", "dir_info": {"editable": True}}, "editable", "/src/my toy"),
        ({"url": "file:///src/toy", "dir_info": {}}, "folder", "/src/toy"),
        (
            {"url": "file:///dist/toy-1.0-py3-none-any.whl", "archive_info": {}},
            "archive",
            "/dist/toy-1.0-py3-none-any.whl",
        ),
        (
            {"url": "https://x.org/toy", "vcs_info": {"vcs": "git", "commit_id": "ab12"}},
            "vcs",
            "https://x.org/toy@ab12",
        ),
    ],
)
def test_origin_is_read_from_what_pip_noted(deepfake, offer, note, how, where):
    """As PEP 610 defines the note."""
    offer("deepfake-toy", "[deepfake_core.streams]\ntoy = {module}\n", TOY_SOURCE, note)
    assert listed(deepfake)["stream", "toy", "deepfake-toy"]["origin"] == {"how": how, "where": where}


def test_a_damaged_installation_is_listed(deepfake, offer, tmp_path):
    offer("deepfake-toy", "[deepfake_core.streams]\ntoy = {module}\n", TOY_SOURCE)
    info = next((tmp_path / "deepfake-toy").glob("*.dist-info"))
    (info / "direct_url.json").write_text("{")
    assert listed(deepfake)["stream", "toy", "deepfake-toy"]["origin"]["how"] == "unknown"
    (info / "METADATA").write_text("")
    assert listed(deepfake)["stream", "toy", "unknown"]["version"] == "unknown"


def test_show_tells_settings_and_marks_where_presets_differ(deepfake, offer):
    source = TOY_SOURCE.replace('"demo": ToySettings()', '"demo": ToySettings(width=0.5)')
    offer("deepfake-toy", "[deepfake_core.streams]\ntoy = {module}\n", source)
    found = deepfake("plugins", "show", "toy")
    assert found.exit_code == 0, found.output
    lines = [line.split() for line in found.output.splitlines()]
    assert ["width", "float", "0.2", ">", "0", "width", "of", "the", "slope"] in lines
    assert ["name", "default", "paper", "demo"] in lines
    assert ["width", "0.2", "0.2", "0.5", "*"] in lines
    assert ["die_in_fold", "-1", "-1", "-1"] not in lines, "only what differs"
    assert ["embedding", "size", "2"] in lines
    content = json.loads(deepfake("plugins", "show", "toy", "--json").stdout)[0]
    assert set(content["hooks"]) == {"stream_info", "extract", "train_fold", "predict_oof", "illustrate"}
    assert content["presets"]["demo"] == {"width": 0.5, "fail_in_fold": -1, "die_in_fold": -1}
    assert content["settings"][0] == {
        "name": "width",
        "type": "float",
        "default": 0.2,
        "bounds": "> 0",
        "meaning": "width of the slope",
    }


def test_show_fits_the_terminal_whatever_the_settings(deepfake, offer):
    source = """
from typing import Literal
from pydantic import Field
from deepfake_core import DatasetInfo, Settings, hookimpl

class Wide(Settings):
    a_name_that_goes_on_and_on_for_ever_and_ever: Literal["one", "two", "three hundred and sixty five"] = "one"
    pairs: tuple[tuple[int, float], ...] = Field(((1, 0.5),) * 9, min_length=1, description="word " * 60)
    bounded: int | None = Field(None, ge=1, lt=9)
    hidden: int = Field(3, exclude=True)

@hookimpl
def dataset_info():
    return DatasetInfo("wide", Wide)

@hookimpl
def index_dataset():
    return ()
"""
    offer("deepfake-wide", "[deepfake_core.datasets]\nwide = {module}\n", source)
    text = deepfake("plugins", "show", "wide").output
    assert max(map(len, text.splitlines())) <= 110
    assert "≥ 1, < 9" in text
    assert "length ≥ 1" in text
    declared = {
        each["name"]: each for each in json.loads(deepfake("plugins", "show", "wide", "--json").stdout)[0]["settings"]
    }
    assert declared["bounded"]["type"] == "int | None"
    assert declared["pairs"]["type"] == "tuple[tuple[int, float], …]"
    assert declared["hidden"]["default"] == 3


def test_show_of_an_ensemble_tells_its_streams_and_fuser(deepfake, toys):
    text = " ".join(deepfake("plugins", "show", "averaged").output.split())
    assert "streams toy, blurry fuser mean" in text
    assert json.loads(deepfake("plugins", "show", "toys", "--json").stdout)[0]["fuser"] == "best"


def test_show_tells_what_was_meant_and_why_a_plugin_is_broken(deepfake, offer, toy):
    found = deepfake("plugins", "show", "toi")
    assert found.exit_code == 2
    assert "did you mean 'toy'?" in found.output
    assert deepfake("plugins", "show", "toy", "--kind", "fuser").exit_code == 2
    offer("deepfake-raises", "[deepfake_core.streams]\nraises = {module}\n", "raise RuntimeError('planned')")
    broken = deepfake("plugins", "show", "raises")
    assert broken.exit_code == 2
    assert "RuntimeError: planned" in broken.stderr
    assert "hint:" in broken.stderr


def test_listing_imports_nothing_heavy():
    import subprocess

    code = (
        "import sys\nfrom deepfake_core.cli import main\n"
        "try: main(['plugins', 'list'])\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    )
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'torch'", "'cv2'", "'mediapipe'", "'sklearn'", "'mlflow'", "'pandas'", "'matplotlib'", "'xgboost'"):
        assert heavy not in modules

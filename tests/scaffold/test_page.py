"""Who types what the page on encoders says ends with an encoder in the ensemble's table. On few clips, in fewer folds."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deepfake_core.data.index import make_index, write_index
from deepfake_core.plugins import load_dataset
from tests.scaffold.conftest import ROOT, Environment

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "write_a_stream.md"
COMMANDS = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture
def few_clips(clean: Environment) -> Path:
    """Eight people of the demo set, a real and a fake clip of each."""
    demo = load_dataset("demo")
    limits = {"real": 8, "faceswap": 8, "reenactment": 0, "selfblend": 0}
    videos = demo.index(clean.folder / "home" / "datasets" / "demo", limits, demo.settings(""))
    index = clean.folder / "few.csv"
    write_index(make_index(videos, "demo"), index)
    return index


def test_the_page_leads_to_a_row_in_the_table(clean, few_clips):
    pytest.importorskip("deepfake_nn")
    for name in ("MLproject", "conda.yaml"):
        (clean.folder / name).symlink_to(ROOT / name)
    smaller = {
        "mlflow run": ["-P", f"index={few_clips}", "-P", "folds=3", "-P", "refit=false", "-P", "workers=1"],
        "deepfake run": ["--index", few_clips, "--folds", "3", "--refit", "false", "--workers", "1"],
    }
    said = {}
    for command in COMMANDS:
        more = [word for start, words in smaller.items() if command.startswith(start) for word in words]
        said[command] = clean.run(*shlex.split(command), *more)
    assert "my_encoder: out-of-fold AUC" in said["mlflow run . -e stream -P name=my_encoder --env-manager local"]
    table = said["deepfake run --ensemble rppg,my_encoder"]
    assert {"rppg", "my_encoder"} <= {line.split()[0] for line in table.splitlines() if " stream " in line}
    assert "my_encoder: taken from run" in table
    assert (clean.folder / "ensemble" / "report.html").is_file()

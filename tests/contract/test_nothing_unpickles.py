"""No line of the core or of a plugin loads a model in a way that could run code from a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("deepfake_core", "plugins")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not {"tests", "build", ".venv"} & set(path.relative_to(ROOT).parts)
]
ALLOWED = {
    # What a test kit or a parent process has itself just pickled.
    ("deepfake_core/parallel.py", "pickle.loads"),
    ("deepfake_core/detector/bounded.py", "pickle.loads"),
    ("deepfake_core/testing/alone.py", "pickle.loads"),
}


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, object]]]:
    """``module.function`` and the constant keyword arguments of every such call."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            constants = {k.arg: k.value.value for k in node.keywords if k.arg and isinstance(k.value, ast.Constant)}
            yield f"{node.func.value.id}.{node.func.attr}", constants


def dangers(source: str) -> list[str]:
    """Calls that may unpickle."""
    found = []
    for name, given in calls(ast.parse(source)):
        module, _, function = name.partition(".")
        if (
            (
                module in ("pickle", "cloudpickle", "dill", "joblib", "shelve")
                and function in ("load", "loads", "open", "Unpickler")
            )
            or (name == "torch.load" and given.get("weights_only") is not True)
            or (name in ("np.load", "numpy.load") and given.get("allow_pickle") is not False)
            or name in ("pd.read_pickle", "pandas.read_pickle", "yaml.load", "yaml.unsafe_load")
        ):
            found.append(name)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_loads_nothing_that_runs(path):
    name = path.relative_to(ROOT).as_posix()
    assert [call for call in dangers(path.read_text()) if (name, call) not in ALLOWED] == []


@pytest.mark.parametrize(
    "line",
    [
        "pickle.load(f)",
        "joblib.load('m')",
        "torch.load('m.pth')",
        "torch.load('m', weights_only=False)",
        "np.load('x.npy')",
        "pd.read_pickle('x')",
    ],
)
def test_what_would_run_is_seen(line):
    assert dangers(line)


def test_what_is_safe_passes():
    assert not dangers("torch.load('m.pth', weights_only=True)\nnp.load('x.npz', allow_pickle=False)\njson.load(f)")

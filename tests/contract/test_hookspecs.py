"""Every hook is documented, typed, and has a test."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from deepfake_core.contract.hookspecs import HOOKS

ROOT = Path(__file__).parents[2]
ALL = [
    pytest.param(function, id=name)
    for specs in HOOKS.values()
    for name, function in vars(specs).items()
    if hasattr(function, "deepfake_spec")
]
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))


def test_the_hooks_of_the_contract_are_there():
    assert {"extract", "train_fold", "predict_oof", "fuse"} <= {param.id for param in ALL}


@pytest.mark.parametrize("hook", ALL)
def test_hook_is_documented_and_typed(hook):
    assert len(inspect.getdoc(hook) or "") > 60
    signature = inspect.signature(hook)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(
        p.annotation is not inspect.Parameter.empty for name, p in signature.parameters.items() if name != "self"
    )


@pytest.mark.parametrize("hook", ALL)
def test_hook_has_its_signature_in_the_docs(hook):
    names = [name for name in inspect.signature(hook).parameters if name != "self"]
    signature = f"{hook.__name__}({', '.join(names)})"
    assert signature in (ROOT / "docs" / "plugin_hooks.md").read_text()


@pytest.mark.parametrize("hook", ALL)
def test_hook_has_a_test(hook):
    assert re.search(rf"def {hook.__name__}\(", TESTS), "no test implements it"

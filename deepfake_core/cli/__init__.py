"""The command ``deepfake``: one thin command per step."""

from __future__ import annotations

from deepfake_core.cli import data, detecting, installed, learning
from deepfake_core.cli.group import main

__all__ = ["data", "detecting", "installed", "learning", "main"]

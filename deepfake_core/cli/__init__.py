"""The command ``deepfake``: one thin command per step."""

from __future__ import annotations

from deepfake_core.cli import authoring, data, detecting, doctor, installed, learning
from deepfake_core.cli.group import main

__all__ = ["authoring", "data", "detecting", "doctor", "installed", "learning", "main"]

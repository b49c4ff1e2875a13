"""``python -m deepfake_core.cli``: the command ``deepfake``."""

from deepfake_core.cli import main

main()

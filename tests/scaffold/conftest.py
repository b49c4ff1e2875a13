"""A clean environment: a venv that sees the packages of this one, and into which only what a test builds is installed."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SCRIPTS = {
    "deepfake": "from deepfake_core.cli import main; main()",
    "mlflow": "from mlflow.cli import cli; cli()",
    "pip": "from pip._internal.cli.main import main; import sys; sys.exit(main())",
    "pytest": "import pytest, sys; sys.exit(pytest.console_main())",
}


@dataclass(frozen=True)
class Environment:
    """A venv, and a folder in which commands run."""

    venv: Path
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """Nothing is downloaded, and all that is kept is kept below the folder."""
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MLFLOW_RUN_ID")}
        return {
            **kept,
            "PATH": f"{self.venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "DEEPFAKE_HOME": str(self.folder / "home"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the value of build isolation
            "PIP_NO_DEPS": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, *command: object, cwd: Path | None = None, code: int = 0) -> str:
        """Runs a command and returns what it said."""
        words = [str(word) for word in command]
        done = subprocess.run(words, cwd=cwd or self.folder, env=self.env, capture_output=True, text=True, timeout=900)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    def deepfake(self, *arguments: object, code: int = 0) -> str:
        """The command ``deepfake``."""
        return self.run("deepfake", *arguments, code=code)

    def install_wheel(self, source: Path) -> None:
        """Builds a distribution and installs the wheel."""
        wheels = self.folder / "wheels" / source.name
        self.run("pip", "wheel", "--quiet", "--wheel-dir", wheels, source)
        self.run("pip", "install", "--quiet", *self._only(wheels.glob("*.whl")))

    @staticmethod
    def _only(found: Sequence[Path]) -> list[Path]:
        paths = list(found)
        assert len(paths) == 1
        return paths


@pytest.fixture
def clean(tmp_path: Path) -> Environment:
    """An environment without any plugin but those of this one."""
    return make_environment(tmp_path)


def make_environment(folder: Path) -> Environment:
    """Makes the venv."""
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (purelib,) = (venv / "lib").glob("python*/site-packages")
    # addsitedir, since editable installations are known by .pth files of their own, which a plain path would not read.
    outer = dict.fromkeys([sysconfig.get_paths()["purelib"], *site.getsitepackages()])
    lines = [f"import site; site.addsitedir({path!r})" for path in outer]
    (purelib / "outer.pth").write_text("\n".join([*lines, str(ROOT)]) + "\n")
    for name, code in _SCRIPTS.items():
        script = venv / "bin" / name
        script.write_text(f"#!{venv / 'bin' / 'python'}\n{code}\n")
        script.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    return Environment(venv, work)

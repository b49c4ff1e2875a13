"""Which pages are there, and which commands do they tell people to type?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs import make_reference

ROOT = Path(__file__).parents[2]
_NOT_OURS = {".venv", "build", "node_modules", "templates"}
PAGES = sorted(path for path in ROOT.rglob("*.md") if not _NOT_OURS & set(path.relative_to(ROOT).parts))
_BLOCK = re.compile(r"^```bash\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One line of a bash block, without its comment; continued lines joined."""

    page: str
    line: str

    def __str__(self) -> str:
        return f"{self.page}: {self.line[:70]}"


def texts() -> dict[str, str]:
    """Every page by its name: those of the repository, and the commands' own examples."""
    written = {str(path.relative_to(ROOT)): path.read_text() for path in PAGES}
    return {**written, "commands": make_reference.commands_page()}


def blocks(text: str) -> list[str]:
    """The bash blocks of a page."""
    return _BLOCK.findall(text)


def commands() -> list[Command]:
    """All commands of all pages, each once."""
    return list(dict.fromkeys(_commands()))


def _commands() -> Iterator[Command]:
    for page, text in texts().items():
        for block in blocks(text):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.split(r"(?:^|\s{1,})# ", line)[0].strip()
                if command and not command.startswith("#"):
                    yield Command(page, command)


def spoken() -> list[Command]:
    """Commands within sentences: code spans that begin with ``deepfake``."""
    found = [
        Command(page, words.strip())
        for page, text in texts().items()
        for words in re.findall(r"(?<!`)`(deepfake [^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    ]
    return list(dict.fromkeys(found))

"""How does the documentation become a site? ``make docs``, or ``python docs/make_site.py``.

Pages are gathered in ``build/docs/pages``: those of ``docs``, those that ``make_reference`` writes from the code, the
changelog and the contributor's page. Zensical makes the site of them in ``build/docs/site``. Nothing is fetched from
elsewhere, neither when the site is built nor when it is read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from docs import make_reference

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILD = ROOT / "build" / "docs"

ALSO = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "README.md": "index.md"}
"""Pages that stand elsewhere in the repository, and what they are on the site; the README's place is taken by the index."""

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
_SHIM = "https://unpkg.com/iframe-worker/shim"
_FETCHED = re.compile(
    r'<(?:script|img|iframe)[^>]*\ssrc="?https?:|<link[^>]*rel="?(?:stylesheet|preconnect)[^>]*https?:'
)


def gather(folder: Path) -> None:
    """Writes all pages, pictures and scripts of the site into ``folder``, emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    written = make_reference.pages()
    sources = {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*.md")}
    sources |= {page: ROOT / name for name, page in ALSO.items() if name != "README.md"}
    known = {*sources, *written}
    texts = {page: _linked(path.read_text(), path, page, known) for page, path in sources.items()} | written
    for page, text in texts.items():
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    for name in ("images", "assets"):
        shutil.copytree(DOCS / name, folder / name)


def _linked(text: str, source: Path, page: str, known: set[str]) -> str:
    """A page's text with links as they must be on the site; links to code become its path."""

    def link(found: re.Match[str]) -> str:
        picture, words, target, anchor = found.groups()
        path = Path(os.path.normpath(source.parent / target))
        inside = path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else ""
        place = ALSO.get(path.relative_to(ROOT).as_posix(), inside)
        if place in known or inside.startswith("images/"):
            return f"{picture}[{words}]({os.path.relpath(place, Path(page).parent)}{anchor or ''})"
        if not path.exists():
            raise SystemExit(f"{source.relative_to(ROOT)}: there is no {target}.")
        return f"{words} (`{path.relative_to(ROOT).as_posix()}`)"

    return _LINK.sub(link, text)


def build(folder: Path = BUILD) -> Path:
    """Builds the site in ``folder``; where it is.

    Raises:
        SystemExit: Zensical isn't installed, warned of something, or a page would fetch something from elsewhere.
    """
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    program = shutil.which("zensical", path=path)
    if program is None:
        raise SystemExit('Zensical isn\'t installed: pip install -e ".[docs]", on Python 3.11 or later')
    gather(folder / "pages")
    site = folder / "site"
    shutil.rmtree(site, ignore_errors=True)
    config = shutil.copy(ROOT / "mkdocs.yml", folder)
    done = subprocess.run([program, "build", "--clean", "--strict", "-f", config], cwd=folder, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    for page in site.rglob("*.html"):
        shim = os.path.relpath(site / "assets" / "file_search.js", page.parent)
        text = page.read_text().replace(_SHIM, shim)
        found = _FETCHED.search(text)
        if found:
            raise SystemExit(f"{page.relative_to(site)} would fetch something: {found[0]}")
        page.write_text(text)
    return site


if __name__ == "__main__":
    print(f"the site: {build() / 'index.html'}")

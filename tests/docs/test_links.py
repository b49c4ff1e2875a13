"""Links between pages lead somewhere, and every page is reached from the site's navigation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from docs import make_reference, make_site
from tests.docs.pages import PAGES, ROOT

GENERATED = {ROOT / "docs" / page for page in make_reference.pages()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
        place = (page.parent / target).resolve()
        assert place.exists() or place in GENERATED, target


def leaves(tree: object) -> Iterator[str]:
    for each in tree if isinstance(tree, list) else tree.values() if isinstance(tree, dict) else ():
        yield from [each] if isinstance(each, str) else leaves(each)


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    make_site.gather(folder)
    return folder


def test_every_page_is_in_the_navigation(gathered):
    there = {path.relative_to(gathered).as_posix() for path in gathered.rglob("*.md")}
    listed = list(leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert len(listed) == len(set(listed))
    assert set(listed) == there


def test_links_to_code_become_its_path(gathered):
    pages = "\n".join(path.read_text() for path in gathered.rglob("*.md"))
    assert not re.search(r"\]\((?!https?:)[^)]*(plugins|deepfake_core|README\.md)", pages)

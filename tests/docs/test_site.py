"""The site builds without a warning, fetches nothing, and its search works on pages that are opened as files."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from docs import make_pictures, make_site

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    if not shutil.which("zensical", path=path):
        pytest.skip("Zensical isn't installed: pip install -e '.[docs]', on Python 3.11 or later")
    return make_site.build(tmp_path_factory.mktemp("site"))


def test_pages_pictures_and_search_index_are_there(site):
    assert {"index.html", "faq.html", "science.html"} <= {path.name for path in site.glob("*.html")}
    assert (site / "images" / "architecture.svg").exists()
    index = (site / "search.js").read_text()
    assert "reference/streams.html" in index and "min_coverage" in index


def test_nothing_is_fetched_from_elsewhere(site):
    loads = re.compile(
        r'(?:src|srcset)="?(https?://[^"\s>]+)|<link[^>]+rel="?(?:stylesheet|preload)[^>]+href="?(https?://[^"\s>]+)'
    )
    assert not [found for page in site.rglob("*.html") for found in loads.findall(page.read_text())]


def test_search_works_on_files(site):
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "reference" / "errors.html").as_uri())
        page.keyboard.press("/")
        page.keyboard.type("channel attention")
        page.get_by_text(re.compile(r"^\d+ results?$")).wait_for(timeout=20_000)
        browser.close()
    assert asked and all(url.startswith(("file:", "data:", "about:", "blob:")) for url in asked)


def test_the_drawn_architecture_is_the_one_that_is_shown():
    assert (make_site.DOCS / "images" / "architecture.svg").read_text() == make_pictures.architecture()

"""The page in a browser: what people see, and that nothing leaves this machine."""

from __future__ import annotations

import csv
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.app.serving import running

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MS = 120_000


@dataclass
class Watched:
    """A browser's page, and all that mustn't happen in it."""

    page: object
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.get_by_label("Detector").wait_for()
        self.page.wait_for_function("document.querySelector('[aria-label=Detector]').value.startsWith('version')")

    def drop(self, *files: Path, place: int = 0) -> None:
        self.page.locator("input[type=file]").nth(place).set_input_files(files)

    def report(self):
        frame = self.page.frame_locator("iframe[title=Report]")
        frame.locator("h1").wait_for(timeout=PATIENCE_MS)
        return frame


@pytest.fixture(scope="module")
def served(world, tmp_path_factory) -> Iterator[tuple[object, str, Path]]:
    """The server, its address, and the only folder that it writes to."""
    pytest.importorskip("gradio", reason="Gradio isn't installed: pip install 'deepfake-core[app]'")
    temporary = tmp_path_factory.mktemp("temporary")
    limits = ("--max-mb", "1", "--max-seconds", "2")
    with running(*limits, TMPDIR=str(temporary)) as (server, url, _):
        (folder,) = temporary.glob("deepfake-app-*")
        yield server, url, folder


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def watched(browser, served) -> Iterator[Watched]:
    """The page; at the end, nothing has gone elsewhere or wrong."""
    context = browser.new_context(accept_downloads=True)
    here = urlsplit(served[1]).netloc
    found = Watched(context.new_page())

    def allow(route):
        address = urlsplit(route.request.url)
        if address.netloc == here:
            route.continue_()
        else:
            found.outside.append(route.request.url)
            route.abort()

    context.route("**/*", allow)
    found.page.on("console", lambda said: found.errors.append(said.text) if said.type == "error" else None)
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.open(served[1])
    yield found
    context.close()
    assert found.outside == [] and found.errors == []


def empty_of_videos(folder: Path) -> bool:
    """Whether no file with content lies where uploads and extractions do."""
    return not [
        p for name in ("uploads", "work") for p in (folder / name).rglob("*") if p.is_file() and p.stat().st_size
    ]


@pytest.fixture
def files(tmp_path) -> Path:
    """A real one, a fake one, one that is no video, one of a hostile name."""
    for name, text in {
        "real.mp4": "-0.5",
        "fake.mp4": "1.9",
        "rubbish.mp4": "rubbish",
        "a<img src=x onerror=alert(1)>.mp4": "2.0",
        "slow.mp4": "slow",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_video_and_its_report(watched, served, files, tmp_path):
    watched.drop(files / "fake.mp4")
    watched.page.get_by_role("button", name="Examine it").click()
    report = watched.report()
    assert "This looks like a fake" in report.locator(".answer").inner_text()
    assert {"toy", "blurry"} <= set(report.locator("td:first-child").all_inner_texts())
    watched.page.get_by_text("Drop Video Here").wait_for()  # it is gone from the page, too
    height = watched.page.locator("iframe").bounding_box()["height"]
    assert height >= report.locator("body").bounding_box()["height"]
    with watched.page.expect_download() as download:
        watched.page.get_by_role("button", name="Save the report").click()
    assert download.value.suggested_filename == "fake-report.html"
    download.value.save_as(tmp_path / "saved.html")
    assert "This looks like a fake" in (tmp_path / "saved.html").read_text(encoding="utf-8")
    assert empty_of_videos(served[2])


def test_a_text_that_calls_itself_a_video(watched, served, files):
    watched.drop(files / "rubbish.mp4")
    watched.page.get_by_role("button", name="Examine it").click()
    report = watched.report()
    assert "couldn't be looked at" in report.locator(".answer").inner_text()
    assert report.get_by_text("decode_error: no number").count() == 1
    assert watched.page.get_by_text("not playable").count() == 0  # a browser's opinion, no error of ours
    assert empty_of_videos(served[2])


def test_a_video_that_is_too_long(watched, served, clip):
    watched.drop(clip)
    watched.page.get_by_role("button", name="Examine it").click()
    watched.page.get_by_text("This video is too long.").wait_for(timeout=PATIENCE_MS)
    assert empty_of_videos(served[2])


def test_a_video_that_is_too_large(watched, served, files):
    large = bytes((1 << 20) + 1)
    (files / "large.mp4").write_bytes(large)
    watched.drop(files / "large.mp4")
    watched.page.get_by_text("exceed the maximum allowed size of 1.0 Mb").wait_for()
    watched.errors.clear()  # Gradio asks how far an upload is that it never began
    address = f"{served[1]}/gradio_api/upload"
    sent = watched.page.request.post(
        address, multipart={"files": {"name": "a.mp4", "mimeType": "video/mp4", "buffer": large}}
    )
    assert sent.status == 413
    assert empty_of_videos(served[2])


def test_without_a_video(watched):
    watched.page.get_by_role("button", name="Examine it").click()
    watched.page.get_by_text("There is no video yet.").wait_for(timeout=PATIENCE_MS)


def test_several_videos(watched, served, files, tmp_path):
    watched.page.get_by_role("tab", name="Several").click()
    hostile = files / "a<img src=x onerror=alert(1)>.mp4"
    watched.drop(files / "real.mp4", files / "rubbish.mp4", hostile, place=1)
    watched.page.get_by_role("button", name="Examine them").click()
    save = watched.page.get_by_role("button", name="Save as CSV")
    save.wait_for(timeout=PATIENCE_MS)
    assert watched.page.get_by_text("3 videos: 1 fake, 1 real, 1 couldn't be looked at.").count() == 1
    rows = watched.page.locator(".df-table tbody tr").all_inner_texts()
    assert len(rows) == 3 and "decode_error: no number" in rows[1]
    assert watched.page.locator("img[src=x]").count() == 0
    with watched.page.expect_download() as download:
        save.click()
    download.value.save_as(tmp_path / "verdicts.csv")
    with (tmp_path / "verdicts.csv").open(encoding="utf-8", newline="") as table:
        assert [row["verdict"] for row in csv.DictReader(table)] == ["real", "inconclusive", "fake"]
    assert empty_of_videos(served[2])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone(watched, files, scheme):
    watched.page.set_viewport_size({"width": 390, "height": 844})
    watched.page.emulate_media(color_scheme=scheme)
    watched.drop(files / "fake.mp4")
    watched.page.get_by_role("button", name="Examine it").click()
    watched.report()
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_ends_in_the_middle_of_a_video(browser, served, files):
    server, url, folder = served
    page = browser.new_page()
    watched = Watched(page)
    watched.open(url)
    watched.drop(files / "slow.mp4")
    page.get_by_role("button", name="Examine it").click()
    page.get_by_text("toy looks at it").wait_for(timeout=PATIENCE_MS)
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == 0 and not folder.exists()
    page.close()

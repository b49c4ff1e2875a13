"""What a person is told: true, complete, and harmless whatever a file is called."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import pytest
from matplotlib.figure import Figure

from deepfake_core import Panel
from deepfake_core.data.pseudo import DEEPFAKES
from deepfake_core.detector.manifest import FuserPart, Manifest, Measured, StreamPart, TrainedOn
from deepfake_core.detector.registry import Version
from deepfake_core.detector.report import About, write
from deepfake_core.detector.verdict import Opinion, Verdict

VOID = {"meta", "img", "br", "hr", "link", "input"}
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> &amp; \' " \u202egpj\x00.mp4\udcff'
SHOWN = '<script>alert("x")</script><img src=x onerror=alert(1)> &amp; \' " \\u202egpj\\x00.mp4\\udcff'


class Page(HTMLParser):
    """The page as a browser takes it: its tags, attributes and texts; refuses one that isn't well formed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert not self._open
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.texts.append(data)

    def every(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag == name]

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]


@pytest.fixture
def manifest() -> Manifest:
    def stream(name: str, auc: float) -> StreamPart:
        return StreamPart(
            name=name,
            distribution="d",
            version="1",
            settings={},
            source="run",
            trained=True,
            auc=auc,
            low=0.1,
            high=0.9,
        )

    return Manifest(
        core_version="1.2.3",
        created=datetime(2031, 4, 5, tzinfo=timezone.utc),
        ensemble="all",
        streams=(stream("pulse", 0.612), stream("faces", 0.887)),
        fuser=FuserPart(name="some_fuser", distribution="d", version="1", settings={}),
        missing="model",
        inference="folds",
        members=("fold_0", "fold_1", "fold_2", "fold_3", "fold_4"),
        calibrator={},
        threshold=0.47,
        rule="youden",
        band=(0.23, 0.71),
        measured=Measured(auc=0.913, low=0.854, high=0.952, naive=0.95, coverage=1.0),
        trained_on=TrainedOn(
            index_digest="ac07e405",
            folds_digest="f",
            videos=431,
            fakes=212,
            people=59,
            datasets=("first_set", "second_set"),
            methods=("real", "swap_a", "swap_b"),
        ),
    )


@pytest.fixture
def about(manifest: Manifest) -> About:
    made = datetime(2031, 4, 6, tzinfo=timezone.utc)
    return About(manifest, Version("deepfake-detector", 17, ("champion",), {}, "run", made))


FAKE = Verdict(
    "/videos/a.mp4",
    "fake",
    0.884,
    0.791,
    0.962,
    ("pulse abstains: too_short",),
    (
        Opinion("pulse", None, None, "too_short", {"detail": "1.5 s of 6.0 s"}),
        Opinion("faces", 0.673, -0.125, "ok", {"face_share": 0.9375, "face_px": 141.6, "blurred": True, "own_fact": 7}),
    ),
    DEEPFAKES,
)
UNSURE = Verdict("/videos/b.mp4", "inconclusive", None, None, None, ("too few streams say anything",), (), DEEPFAKES)
BROKEN = Verdict("/videos/c.txt", "inconclusive", None, None, None, (), (), DEEPFAKES, error="no video stream in it")


def figure() -> Figure:
    drawn = Figure(figsize=(9, 2))
    drawn.subplots().plot([0, 1], [0, 1])
    return drawn


@pytest.fixture
def made(tmp_path: Path, about: About) -> Callable[..., Page]:
    def make(*verdicts: Verdict, panels: Sequence[tuple[str, Panel]] = (), about: About = about) -> Page:
        """``panels`` are of the first video."""
        write(verdicts, [panels, *([()] * (len(verdicts) - 1))], about, tmp_path / "report.html")
        return Page(tmp_path / "report.html")

    return make


def test_every_number_is_told(made):
    text = made(FAKE).text
    for said in ("0.88", "0.79 to 0.96", "0.67", "-0.12", "0.89", "0.61", "94 %", "142", "own fact"):
        assert said in text, said
    for said in (
        "deepfake-detector, version 17 (champion)",
        "0.913 [0.854, 0.952]",
        "91 of 100 pairs",
        "431 videos, 212 of them fake, of 59 people",
        "first_set and second_set",
        "swap_a and swap_b",
        "ac07e405",
        "2031-04-05",
        "1.2.3",
        "some_fuser",
        "from 0.23 to 0.71",
        "0.47, by the rule youden",
        "5, each trained without the people of one fold",
        "pulse 0.612, faces 0.887",
    ):
        assert said in text, said
    assert "needs a longer stretch (1.5 s of 6.0 s)" in text
    assert "pulse abstains: too_short" in text


def test_bars_stand_where_the_numbers_say(made):
    page = made(FAKE)
    large, small = page.every("circle")
    assert large["cx"] == "88.40%"
    assert small["cx"] == "66.26%"  # 0.03 + 0.94 * 0.673: inside of the rail's ends
    boxes = [(box["x"], box["width"], box["class"]) for box in page.every("rect")]
    assert boxes[:4] == [
        ("0.00%", "23.00%", "fill-real"),
        ("23.00%", "48.00%", "fill-open"),
        ("71.00%", "29.00%", "fill-fake"),
        ("79.10%", "17.10%", "ink"),
    ]
    assert boxes[-1] == ("0.00%", "50.00%", "fill-real")  # the only share, towards real: half the width
    assert page.every("line")[0]["x1"] == "47.00%"


def test_a_page_holds_everything_itself(made):
    page = made(FAKE, UNSURE, BROKEN, panels=[("faces", Panel("Title", "Caption.", figure()))])
    (source,) = page.values("src")
    kind, data = source.split(",")
    assert kind == "data:image/png;base64"
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(data)), format="png")
    assert pixels.shape[1] == 990 and pixels.std() > 0.01
    ids = set(page.values("id"))
    assert page.values("href") and all(href.startswith("#") and href[1:] in ids for href in page.values("href"))
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base", "form"}
    assert "url(" not in page.source and "@import" not in page.source
    assert "default-src 'none'" in page.every("meta")[1]["content"]
    assert page.every("img")[0]["alt"] == "Title, faces"


@pytest.mark.parametrize("panels", [False, True])
def test_hostile_texts_are_shown_as_they_are(made, about, panels):
    opinion = Opinion(HOSTILE, 0.4, 0.1, HOSTILE, {HOSTILE: HOSTILE, "detail": HOSTILE})
    verdict = Verdict(HOSTILE, "real", 0.1, 0.0, 0.2, (HOSTILE,), (opinion,), DEEPFAKES)
    broken = replace(BROKEN, video=HOSTILE, error=HOSTILE)
    hostile = replace(about, version=replace(about.version, name=HOSTILE, aliases=(HOSTILE,)))
    found = [(HOSTILE, Panel(HOSTILE, HOSTILE, figure()))] if panels else []
    page = made(verdict, broken, about=hostile, panels=found)
    plain = made(FAKE, BROKEN, panels=[("a", Panel("b", "c", figure()))] if panels else [])
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags}
    assert {name for _, has in page.tags for name in has} <= {name for _, has in plain.tags for name in has}
    headings = [text for text in page.texts if text == SHOWN]
    assert len(headings) >= 6  # twice in the summary, twice over a section, as reason and as error


def test_certainty_is_never_claimed(made):
    sure = replace(FAKE, probability=1.0, low=0.99999, high=1.0, opinions=(Opinion("faces", 0.0, 0.3, "ok", {}),))
    page = made(sure)
    assert "above 0.99" in page.text and "below 0.01" in page.text
    assert not re.search(r"certain|surely|definite|proves|100 %", page.text)
    assert "no proof" in page.text


def test_without_a_probability_none_is_drawn(made):
    page = made(UNSURE)
    assert "The detector can't tell." in page.text and "Why it can't tell" in page.text
    assert "too few streams say anything" in page.text
    assert not page.every("circle")


def test_one_model_alone_has_no_range(made):
    page = made(replace(FAKE, low=None, high=None))
    assert "95 % range" not in page.text and "one model alone" in page.text
    assert not [box for box in page.every("rect") if box["class"] == "ink"]


def test_a_file_that_is_no_video_is_told_what_to_do(made):
    text = made(BROKEN).text
    assert "couldn't be looked at" in text and "no video stream in it" in text and "ffmpeg" in text
    assert "The detector can't tell" not in text


def test_several_videos_begin_with_a_summary(made):
    page = made(FAKE, UNSURE, BROKEN)
    links = [has["href"] for has in page.every("a") if has["href"].startswith("#video")]
    assert links == ["#video-1", "#video-2", "#video-3"]
    assert page.text.index("remarks") < page.text.index("This looks like a fake")
    assert "remarks" not in made(FAKE).text


def test_facts_that_streams_share_stand_once(made):
    shared = {"face_px": 141.6, "content_hash": "0123456789abcdef"}
    opinions = tuple(Opinion(name, 0.9, None, "ok", {**shared, "frames": n}) for n, name in enumerate(("a", "b", "c")))
    text = made(replace(FAKE, opinions=opinions)).text
    assert "By a, b and c:" in text and text.count("width of the face") == 1
    assert text.count("frames that were looked at") == 3
    assert "0123456789abcdef" not in text
    assert "adds to the answer" not in text  # nothing was fused


@pytest.mark.parametrize(
    ("band", "said"),
    [
        ((0.0, 1.0), "too few videos to decide anything"),
        ((0.0, 0.8), "never “real”"),
        ((0.2, 1.0), "never “fake”"),
        ((0.2, 0.8), "“fake” above 0.80 and “real” below 0.20"),
    ],
)
def test_a_band_is_told_in_words(made, about, manifest, band, said):
    cautious = replace(about, manifest=manifest.model_copy(update={"band": band}))
    assert said in made(FAKE, about=cautious).text


def test_a_detector_that_isnt_registered_is_named_by_what_it_is_made_of(made, about):
    text = made(FAKE, about=replace(about, version=None)).text
    assert "all, made 2031-04-05" in text and "version 17" not in text


def test_the_same_verdicts_make_the_same_page(made):
    assert made(FAKE, BROKEN).source == made(FAKE, BROKEN).source

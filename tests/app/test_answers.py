"""What the page says to videos of all kinds, and what is left of them: nothing."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path

import mlflow
import pytest

from deepfake_core.app import answers, fragments
from deepfake_core.app import desk as desks
from deepfake_core.contract.errors import HookFailed, UsageError
from deepfake_core.contract.records import Extracted
from deepfake_core.detector import registry
from deepfake_core.detector.bounded import ExaminationCrashed
from deepfake_core.detector.detector import Detector
from deepfake_core.detector.registry import Version

FAKE, REAL = "1.9", "-0.5"


class Elements(HTMLParser):
    """The elements of a page with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def first(self, tag: str, **has: str) -> dict[str, str | None]:
        return next(each for name, each in self.found if name == tag and has.items() <= each.items())

    @property
    def text(self) -> str:
        return " ".join(self.texts)


class Heard(list):
    """What was told of the progress."""

    def __call__(self, share: float, words: str) -> None:
        assert 0 <= share <= 1
        self.append((share, words))


class Stub:
    """In the examiner's place: does what it is told to."""

    def __init__(self, result) -> None:
        self.result = result
        self.asked: list[str] = []

    def extract(self, stream, video, settings, store):
        self.asked.append(stream)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result(video)


def nothing_left(which: desks.Desk) -> bool:
    return not any(which.uploads.iterdir()) and not any((which.uploads.parent / "work").iterdir())


def test_the_report_is_in_the_answer(desk, hand_in):
    heard = Heard()
    page = Elements(answers.one(desk, hand_in("clip.mp4", FAKE), 1, heard))
    report = Elements(page.first("iframe")["srcdoc"])
    assert "This looks like a fake" in report.text and "clip.mp4" in report.text
    assert "toy" in report.text and "blurry" in report.text and "version 1 (challenger)" in page.text
    assert page.first("button")["data-file"] == "clip-report.html"
    assert nothing_left(desk)
    assert [share for share, _ in heard] == sorted(share for share, _ in heard)
    assert any("blurry" in words for _, words in heard)


def test_a_report_may_run_nothing(desk, hand_in):
    frame = Elements(answers.one(desk, hand_in("clip.mp4", REAL), 1, Heard())).first("iframe")
    assert "allow-scripts" not in frame["sandbox"].split() and "default-src 'none'" in frame["srcdoc"]


def test_what_is_no_video_is_told_so(desk, hand_in):
    page = Elements(answers.one(desk, hand_in("clip.mp4", "rubbish"), 1, Heard()))
    report = Elements(page.first("iframe")["srcdoc"])
    assert "couldn't be looked at" in report.text and "no number" in report.text
    assert nothing_left(desk)


def test_without_a_video_or_a_detector(desk, hand_in):
    assert "no video yet" in answers.one(desk, None, 1, Heard())
    assert "deepfake run" in answers.one(desk, hand_in("clip.mp4", FAKE), None, Heard())
    assert "no videos yet" in "".join(answers.several(desk, [], 1, Heard()))
    assert "deepfake run" in "".join(answers.several(desk, [hand_in("clip.mp4", FAKE)], None, Heard()))
    assert "no version" in answers.one(desk, hand_in("clip.mp4", FAKE), 99, Heard())
    assert "no version" in list(answers.several(desk, [hand_in("clip.mp4", FAKE)], 99, Heard()))[-1]
    assert nothing_left(desk)


def test_a_long_video_is_examined_by_nobody(world, tmp_path, clip):
    nobody = Stub(AssertionError("it was opened"))
    which = desks.Desk(registry.NAME, max_seconds=2, scratch=tmp_path, examiner=nobody)
    folder = which.uploads / "abc"
    folder.mkdir()
    (folder / "long.mp4").write_bytes(clip.read_bytes())
    page = answers.one(which, str(folder / "long.mp4"), 1, Heard())
    assert "too long" in page and "at most 2 s" in page and nobody.asked == []
    folder.mkdir()
    (folder / "long.mp4").write_bytes(clip.read_bytes())
    *_, table = answers.several(which, [str(folder / "long.mp4")], 1, Heard())
    assert "too_long: it lasts 3 s" in table and nobody.asked == [] and nothing_left(which)


def test_several_grow_into_a_table(desk, hand_in):
    uploads = [hand_in("a.mp4", FAKE), hand_in("b.mp4", "rubbish"), hand_in("c.mp4", REAL), hand_in("d.mp4", "no face")]
    heard = Heard()
    tables = [Elements(text) for text in answers.several(desk, uploads, 1, heard)]
    assert "0 of 4 videos" in tables[0].text and "1 of 4 videos: 1 fake" in tables[1].text
    last = tables[-1]
    assert "4 videos: 1 fake, 1 real, 1 inconclusive, 1 couldn't be looked at" in last.text
    assert "decode_error: no number" in last.text and "saw no face" in last.text
    rows = last.first("button", **{"data-file": "verdicts.csv"})["data-text"].splitlines()
    assert len(rows) == 5 and rows[1].startswith("a.mp4,fake,") and "models:/deepfake-detector/1" in rows[1]
    report = Elements(last.first("button", **{"data-file": "report.html"})["data-text"])
    assert "This looks real" in report.text
    assert any(words.startswith("video 4 of 4: ") for _, words in heard) and nothing_left(desk)


def test_who_leaves_in_the_middle_leaves_nothing(desk, hand_in):
    tables = answers.several(desk, [hand_in("a.mp4", FAKE), hand_in("b.mp4", REAL)], 1, Heard())
    next(tables)
    next(tables)
    tables.close()
    assert nothing_left(desk)


def test_the_same_file_twice_is_one_video(desk, hand_in):
    upload = hand_in("a.mp4", FAKE)
    *_, table = answers.several(desk, [upload, upload], 1, Heard())
    assert "1 video: 1 fake." in Elements(table).text


def test_names_are_texts(desk, hand_in):
    name = "<img src=x onerror=alert(1)> & \u202eReversed\u2066 ${alert(1)}.mp4"
    page = Elements(answers.one(desk, hand_in(name, FAKE), 1, Heard()))
    report = Elements(page.first("iframe")["srcdoc"])
    assert "<img src=x onerror=alert(1)> & \\u202eReversed\\u2066" in report.text
    *_, table = answers.several(desk, [hand_in(name, FAKE)], 1, Heard())
    for each in (page, report, Elements(table)):
        assert "img" not in [tag for tag, _ in each.found if _.get("src") == "x"]
    assert "onerror=alert(1)> & \\u202e" in Elements(table).text


def test_a_detector_is_loaded_once(desk, hand_in, monkeypatch):
    loaded = []
    load = Detector.load
    monkeypatch.setattr(Detector, "load", lambda folder: loaded.append(folder) or load(folder))
    for content in (FAKE, REAL):
        answers.one(desk, hand_in("clip.mp4", content), 1, Heard())
    assert len(loaded) == 1


def test_only_the_last_detectors_stay(world, tmp_path, monkeypatch):
    folder = registry.fetch("models:/deepfake-detector/1", tmp_path / "fetched")
    manifest = Detector.load(folder).manifest
    with mlflow.start_run():
        numbers = [registry.register(folder, manifest, "several").number for _ in range(desks.KEPT + 1)]
    (tmp_path / "scratch").mkdir()
    which = desks.Desk("several", max_seconds=2, scratch=tmp_path / "scratch", examiner=Stub(None))
    first, *others = (which.asked(number) for number in numbers)
    assert sorted(path.name for path in (tmp_path / "scratch" / "models").iterdir()) == [str(n) for n in numbers[1:]]
    assert which.asked(numbers[-1]).detector is others[-1].detector
    assert which.asked(numbers[0]).detector is not first.detector


def judged(world, tmp_path: Path, result) -> tuple[str, Stub]:
    """The answer where the examiner gives this result."""
    stub = Stub(result)
    which = desks.Desk(registry.NAME, max_seconds=2, scratch=tmp_path, examiner=stub)
    (which.uploads / "abc").mkdir()
    (which.uploads / "abc" / "clip.mp4").write_text(FAKE)
    page = Elements(answers.one(which, str(which.uploads / "abc" / "clip.mp4"), 1, Heard()))
    assert nothing_left(which)
    return next((Elements(each["srcdoc"]).text for tag, each in page.found if tag == "iframe"), page.text), stub


def test_a_file_that_crashed_one_stream_is_kept_from_the_others(world, tmp_path):
    text, stub = judged(world, tmp_path, ExaminationCrashed("the process was ended by SIGSEGV"))
    assert "crashed: the process was ended by SIGSEGV" in text and stub.asked == ["toy"]


def test_a_plugin_that_fails_does_not_end_the_page(world, tmp_path):
    text, stub = judged(world, tmp_path, HookFailed("toy: extract raised", hint="report it"))
    assert "failed: toy: extract raised" in text and stub.asked == ["toy", "blurry"]


def test_where_uploads_lie_is_not_told(world, tmp_path):
    def unreadable(video):
        return Extracted(video.video_id, None, "decode_error", {"detail": f"{video.path}: end of {video.path}"})

    text, _ = judged(world, tmp_path, unreadable)
    assert "decode_error: end of clip.mp4" in text and os.fspath(tmp_path) not in text


def test_a_detector_that_cannot_work_says_what_to_do(world, tmp_path):
    text, _ = judged(world, tmp_path, UsageError("the weights aren't here.", hint="download them."))
    assert "can't work here" in text and "the weights aren't here." in text and "download them." in text


def test_only_uploads_are_removed(desk, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="wasn't uploaded"), desk.handed_in([str(tmp_path / "mine.txt")]):
        pass
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        ([("challenger",), ("champion",), ()], 2),
        ([(), (), ("challenger",)], 1),
        ([(), ()], 2),
        ([], None),
    ],
)
def test_the_champion_is_asked_first(aliases, expected):
    versions = [Version("m", len(aliases) - n, each, {}, "", None) for n, each in enumerate(aliases)]
    found = desks.preferred(versions)
    assert (found and found.number) == expected


def test_the_selector_names_versions(desk):
    (version,) = desk.versions()
    assert fragments.label(version).startswith("version 1 (challenger), AUC ")

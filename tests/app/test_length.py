"""A header is read in a process of its own; what can't be read is left to others."""

from __future__ import annotations

import os
import time

import pytest

from deepfake_core.app import length


def test_the_header_tells(clip):
    assert length.seconds(clip) == pytest.approx(3.0, abs=0.11)


def test_what_is_no_video_has_no_length(tmp_path):
    (tmp_path / "text.mp4").write_text("0.3")
    assert length.seconds(tmp_path / "text.mp4") is None
    assert length.seconds(tmp_path / "gone.mp4") is None


def test_who_never_answers_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")  # opening it waits for a writer, for ever
    begun = time.monotonic()
    assert length.seconds(tmp_path / "pipe.mp4", timeout_s=1) is None
    assert time.monotonic() - begun < 10

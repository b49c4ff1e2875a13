"""How do frames become a video file again, with their own times?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from av.video.stream import VideoStream

    from deepfake_core.data.video import Frame

TICK = Fraction(1, 90_000)
"""Unit of times in the files, in seconds."""

UNKNOWN_RATE = 30.0
"""Stated where the source states no frame rate; the frames' times are true all the same."""


@dataclass(frozen=True)
class Encoding:
    """Settings of x264.

    Attributes:
        pixels: FFmpeg's name of the pixel format.
        options: of the encoder.
        even: whether width and height must be even; the last column or row is left out then.
    """

    pixels: str
    options: Mapping[str, str]
    even: bool = False


NEARLY_LOSSLESS = Encoding("yuv444p", MappingProxyType({"crf": "4", "preset": "veryfast", "bf": "0"}))
"""Colours at full resolution, PSNR about 47 dB: its own loss lies far below what is asked for. Without frames that refer to later ones,
whose order makes the container misstate the length of a video with frames left out."""


def h264(crf: float) -> Encoding:
    """As platforms deliver it: x264's and FFmpeg's defaults but for the constant rate factor, colours at half the resolution."""
    return Encoding("yuv420p", MappingProxyType({"crf": f"{crf:g}", "preset": "medium"}), even=True)


def write(frames: Iterable[Frame], path: Path, *, rate: float, encoding: Encoding) -> int:
    """Writes frames as a video without sound; returns their number.

    Args:
        frames: all of one size; times rise from 0.
        path: ends in ``.mp4``.
        rate: frames per second to state; NaN if unknown.
        encoding: how.
    """
    stated = UNKNOWN_RATE if math.isnan(rate) else rate
    count = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(stated).limit_denominator(1001), options=dict(encoding.options)
        )
        for count, frame in enumerate(frames, start=1):
            if count == 1:
                _prepare(stream, frame, encoding)
            rgb = frame.rgb[: stream.height, : stream.width]
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            picture.time_base, picture.pts = TICK, round(frame.time_s / TICK)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return count


def _prepare(stream: VideoStream, frame: Frame, encoding: Encoding) -> None:
    height, width = frame.rgb.shape[:2]
    stream.height, stream.width = (height - height % 2, width - width % 2) if encoding.even else (height, width)
    stream.pix_fmt = encoding.pixels
    stream.codec_context.time_base = TICK
    # With several threads x264 decides differently; videos run side by side instead.
    stream.codec_context.thread_count = 1

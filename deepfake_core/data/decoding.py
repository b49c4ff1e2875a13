"""What does a file hold as a video stream, and which frames does it decode to?

The part of reading that knows FFmpeg: opening within bounds, passing over damage, timestamps, and seeking only where a
seek can be trusted. ``video`` turns these frames into what the rest of the project sees.
"""

from __future__ import annotations

import errno
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from deepfake_core.contract.errors import VideoMissing, VideoTooLarge, VideoUnreadable

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.format import VideoFormat
    from av.video.stream import VideoStream

FORMATS = (
    "mov,matroska,avi,mpeg,mpegts,mpegvideo,gif,apng,flv,asf,ogg,mxf,mjpeg,m4v,h264,hevc,ivf,obu,nut,rm,dv,yuv4mpegpipe"
)
"""FFmpeg's names of the formats that are read. Playlists aren't among them: a text file that calls itself ``.mp4``
could otherwise make the reader open other files."""

# Containers that list their key frames, so that a seek lands where it should.
_INDEXED = ("mov", "matroska")
# A seek throws away what the decoder has begun; it pays from about this many skipped frames on.
_HOP_FRAMES = 32
# Codecs that may keep 16 frames at hand; and how many bits a pixel may have until so many frames need more memory than
# those of 4096x2304 should. It is set so that 3840x2160 of 4:2:0 and 10 bits, which phones record, is read: 24 bits.
_MANY_REFERENCES = ("h264", "hevc", "vvc", "vp9", "av1")
_FITTING_BITS = 24 * (3840 * 2160) / (4096 * 2304)
# Tags in another encoding than UTF-8 are no error; from version 19 on, av knows that by itself.
_TAGS: Mapping[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
# Decoders round the width up to 64 pixels before they compare with FFmpeg's max_pixels, so that bound is a little wider
# and the exact one is checked here.
_ROUNDING = 64 * 16_384


@dataclass(frozen=True)
class Limits:
    """How much of a video may be read.

    Attributes:
        max_pixels: of one stored frame. A larger one raises ``VideoTooLarge``, before it is decoded. The default keeps a
            process that has frames scaled down (``max_side``) below 600 MB, whatever the clip; frames of full size may
            take 120 MB more. For that, codecs that may keep 16 frames at hand count deep pixels (10 bits, 4:4:4) in
            proportion.
        max_frames: at most so many frames are delivered, or spread over. Reading stops there without an error, as if
            the clip ended.
        max_duration_s: likewise for the seconds from the start that was asked for.
    """

    max_pixels: int = 4096 * 2304
    max_frames: int = 120_000
    max_duration_s: float = 3600.0


class Astray(Exception):
    """A seek didn't lead where it should have: read forward instead."""


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[Clip]:
    """The file's video stream; closed, and FFmpeg's errors translated, on the way out."""
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS, **_decoder_options(limits)}
    whole = Path(path).absolute()  # which can't be mistaken for a URL
    try:
        whole.open("rb").close()  # FFmpeg calls some damage "operation not permitted"
    except OSError as error:
        raise VideoMissing(f"{path}: {error.strerror}") from error
    try:
        with av.open(whole, options=options, **_TAGS) as container:
            yield Clip(path, container, limits)
    except av.FFmpegError as error:
        raise VideoUnreadable(f"{path}: {error.strerror}") from error


class Clip:
    """One open file: its first video stream that isn't cover art, decoded in presentation order.

    Attributes:
        codec: FFmpeg's name of the codec.
        rate: average frames per second; NaN if the file doesn't tell.
    """

    def __init__(self, path: Path, container: InputContainer, limits: Limits) -> None:
        streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
        if not streams:
            raise VideoUnreadable(f"{path}: no video stream")
        stream = streams[0]
        decoder = stream.codec_context
        if decoder is None or stream.time_base is None:
            raise VideoUnreadable(f"{path}: no decoder for its video stream")
        rate = stream.average_rate or stream.guessed_rate
        self.codec = decoder.codec.canonical_name
        self.rate = float(rate) if rate else math.nan
        self._path, self._container, self._stream, self._limits = path, container, stream, limits
        self._tick_s = float(stream.time_base)
        self._indexed = container.format.name.startswith(_INDEXED)
        self._clock = _Clock(self._tick_s, 1 / self.rate)
        self._seen = 0
        self._refuse_beyond_limit(decoder.width, decoder.height, decoder.format)
        decoder.options = _decoder_options(limits)
        # With several threads, what a decoder makes of damage differs from run to run; videos run side by side instead.
        decoder.thread_count = 1

    @property
    def duration_s(self) -> float | None:
        """As the stream states it, else as FFmpeg estimates it."""
        if self._stream.duration:
            return self._stream.duration * self._tick_s
        return self._container.duration / av.time_base if self._container.duration else None

    @property
    def frame_count(self) -> int | None:
        """As the stream states it, else estimated from duration and rate."""
        if self._stream.frames:
            return self._stream.frames
        return round(self.duration_s * self.rate) if self.duration_s and not math.isnan(self.rate) else None

    def decoded(self) -> Iterator[av.VideoFrame]:
        """Sound frames from here on, in presentation order.

        Raises:
            VideoUnreadable: there was none since the file was opened.
            VideoTooLarge: a frame exceeds the limit.
        """
        decoder = self._stream.codec_context
        for packet in chain(self._packets(), [None]):
            try:
                batch = decoder.decode(packet)
            except av.FFmpegError as error:
                self._refuse_if_beyond_limit(error)
                continue  # a damaged packet: the decoder finds its way again at a later one
            while batch:
                self._refuse_beyond_limit(batch[0].width, batch[0].height, batch[0].format)
                if batch[0].is_corrupt:
                    del batch[0]
                else:
                    self._seen += 1
                    yield batch.pop(0)  # without a name here that would keep it in memory
        if not self._seen:
            raise VideoUnreadable(f"{self._path}: no frame can be decoded")

    def timed(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Sound frames from here on, each after its time in seconds after the stream's first frame.

        Raises:
            VideoUnreadable: there is no sound frame; or one without timestamp, in a file without frame rate.
            VideoTooLarge: a frame exceeds the limit.
        """
        return map(self._with_time, self.decoded())

    def seek_before(self, start_s: float) -> None:
        """Moves to a key frame at or before ``start_s``.

        Raises:
            Astray: there is no trusting a seek in this file.
        """
        self._start_clock()
        goal = self._clock.pts(start_s)
        if goal is None or not self._indexed:
            raise Astray
        self._seek(goal)
        landed = next(self.decoded(), None)
        if landed is None or landed.pts is None or landed.pts > goal:
            raise Astray
        self._seek(goal)

    def timeline(self) -> Timeline:
        """Which frames there are, from the packets alone.

        Raises:
            VideoUnreadable: there are none.
        """
        sound = (packet for packet in self._packets() if not packet.is_discard and not packet.is_corrupt)
        stamps = [(p.pts, p.dts, p.is_keyframe) for p in islice(sound, self._limits.max_frames)]
        if not stamps:
            raise VideoUnreadable(f"{self._path}: no sound packet")
        marks = sorted({pts for pts, _, _ in stamps if pts is not None})
        order = [dts for _, dts, _ in stamps if dts is not None]
        if len(marks) < len(stamps) or order != sorted(order):
            # Timestamps that are missing or begin anew don't tell one frame from another: number the frames instead.
            most = math.inf if math.isnan(self.rate) else math.ceil(self._limits.max_duration_s * self.rate)
            return Timeline(marks=range(int(min(len(stamps), most))), keys=(), timed=False)
        end = marks[0] + self._limits.max_duration_s / self._tick_s
        keys = sorted(pts for pts, _, is_key in stamps if is_key and pts is not None) if self._indexed else []
        return Timeline(marks=marks[: bisect_left(marks, end)], keys=keys, timed=True)

    def grab(
        self, wanted: Sequence[int], timeline: Timeline, *, hopping: bool
    ) -> Iterator[tuple[float, av.VideoFrame]]:
        """For each mark in ``wanted``, the first frame at or after it that hasn't been given yet; as ``timed``.

        Args:
            wanted: ascending marks of ``timeline``.
            timeline: of this file.
            hopping: seek past groups of pictures in which nothing is wanted.

        Raises:
            Astray: a seek missed. What was given until then is right.
        """
        frames = self.timed()
        reached = 0
        for mark in wanted:
            key = timeline.key_before(mark) if hopping else None
            hop = key is not None and bisect_left(timeline.marks, key) - reached > _HOP_FRAMES
            if key is not None and hop:
                self._start_clock()
                self._seek(key)
                frames = self.timed()
            for time_s, frame in frames:
                here = frame.pts if timeline.timed else self._seen - 1
                if here is not None and here >= mark:
                    if hop and here != mark:
                        raise Astray
                    reached = bisect_right(timeline.marks, here)
                    yield time_s, frame
                    break

    def _start_clock(self) -> None:
        """Times count from the stream's first frame, so that one has to be seen before any other."""
        if not self._seen:
            next(self.timed())

    def _with_time(self, frame: av.VideoFrame) -> tuple[float, av.VideoFrame]:
        time_s = self._clock.seconds(frame.pts)
        if math.isnan(time_s):
            raise VideoUnreadable(f"{self._path}: neither timestamps nor a frame rate")
        return time_s, frame

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        try:
            yield from (packet for packet in self._container.demux(self._stream) if packet.size)
        except av.FFmpegError:
            return  # the file breaks off here: what came before still counts
        except IndexError:
            return  # all packets were read: av fails on flushing a stream that turned up after it opened the file

    def _seek(self, pts: int) -> None:
        try:
            self._container.seek(pts, stream=self._stream)
        except av.FFmpegError as error:
            raise Astray from error

    def _refuse_beyond_limit(self, width: int, height: int, pixel_format: VideoFormat | None) -> None:
        bits = pixel_format.padded_bits_per_pixel if pixel_format and self.codec in _MANY_REFERENCES else 0
        if width * height * max(1.0, bits / _FITTING_BITS) > self._limits.max_pixels:
            depth = f" of {bits} bits" if bits > _FITTING_BITS else ""
            raise VideoTooLarge(f"{width}x{height} pixels{depth}; the limit is {self._limits.max_pixels} in all")

    def _refuse_if_beyond_limit(self, error: av.FFmpegError) -> None:
        decoder = self._stream.codec_context
        self._refuse_beyond_limit(decoder.width, decoder.height, decoder.format)
        # A decoder answers "invalid argument" to a size beyond max_pixels, and forgets it; to damage, "invalid data".
        if error.errno == errno.EINVAL and not decoder.width:
            raise VideoTooLarge(f"more than {self._limits.max_pixels} pixels") from error


@dataclass(frozen=True)
class Timeline:
    """Which frames a clip has.

    Attributes:
        marks: one per frame, ascending: its timestamp in the stream's ticks or, unless ``timed``, its number.
        keys: the marks of key frames, where a seek can be trusted; else empty.
        timed: whether marks are timestamps.
    """

    marks: Sequence[int]
    keys: Sequence[int]
    timed: bool

    def spread(self, count: int) -> list[int]:
        """The marks of the middle frames of ``count`` equal runs; all marks if there are fewer."""
        total = len(self.marks)
        if total <= count:
            return list(self.marks)
        return [self.marks[(2 * k + 1) * total // (2 * count)] for k in range(count)]

    def key_before(self, mark: int) -> int | None:
        """The last key frame's mark at or before ``mark``."""
        after = bisect_right(self.keys, mark)
        return self.keys[after - 1] if after else None


class _Clock:
    """Seconds after the first frame, from timestamps that may be missing or out of order.

    Args:
        tick_s: unit of the timestamps, in seconds.
        interval_s: average seconds from frame to frame, for frames that don't tell; may be NaN.
    """

    def __init__(self, tick_s: float, interval_s: float) -> None:
        self._tick_s, self._interval_s = tick_s, interval_s
        self._origin: float | None = None
        self._last_s, self._expected_s = -math.inf, 0.0

    def seconds(self, pts: int | None) -> float:
        """The next frame's time; NaN if there is no telling."""
        if self._origin is None and pts is not None:
            self._origin = pts - self._expected_s / self._tick_s
        stated = math.nan if pts is None or self._origin is None else (pts - self._origin) * self._tick_s
        now = stated if stated > self._last_s else self._expected_s
        self._last_s, self._expected_s = now, now + self._interval_s
        return now

    def pts(self, time_s: float) -> int | None:
        """The timestamp at ``time_s``; None while no frame has told one."""
        return None if self._origin is None else round(self._origin + time_s / self._tick_s)


def _decoder_options(limits: Limits) -> dict[str, str]:
    return {"max_pixels": str(limits.max_pixels + _ROUNDING)}

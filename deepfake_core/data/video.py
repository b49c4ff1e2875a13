"""How does a video file become upright RGB frames with true timestamps, in bounded memory?

Files are read forward, one frame at a time, and only the frames asked for are converted to RGB; scaling happens in
that same conversion. Nothing is opened before the first frame is asked for, and a file is closed as soon as its
generator ends or is dropped. FFmpeg's errors come out as the contract's ``VideoError`` kinds.

Pixels are the stored ones: a stream with non-square pixels isn't stretched, because resampling blurs what a detector
looks at. Alpha is dropped; high dynamic range isn't tone-mapped. A stream that doesn't state its colour matrix is
taken as BT.601, as FFmpeg and OpenCV do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import dropwhile, islice, starmap, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from deepfake_core.data.decoding import Astray, Limits, opened

if TYPE_CHECKING:
    import av
    from av.buffer import Buffer
    from numpy.typing import NDArray

__all__ = ["DEFAULT_LIMITS", "Frame", "Limits", "VideoInfo", "frames", "probe", "sample"]

DEFAULT_LIMITS = Limits()

# A seek costs the decoding of up to a group of pictures, often 10 s: a start nearer than that is read forward.
_FAR_S = 10.0
# Times are floats: a frame this near a bound lies on it.
_NEAR_S = 1e-6
_SPC_RESERVED, _SPC_UNSPECIFIED = 3, 2


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header and first frame say.

    Attributes:
        width: of the upright frame, in pixels.
        height: of the upright frame, in pixels.
        rotation: degrees (0, 90, 180, 270), clockwise, by which stored frames are turned to be upright.
        mirrored: whether stored frames are flipped top to bottom before they are turned.
        fps: average frames per second; NaN if the file doesn't tell.
        duration_s: in seconds, as the file states or FFmpeg estimates it.
        frame_count: as the file states it, else estimated from duration and frame rate.
        codec: FFmpeg's name of the codec, e.g. ``h264``.
    """

    width: int
    height: int
    rotation: int
    mirrored: bool
    fps: float
    duration_s: float | None
    frame_count: int | None
    codec: str


@dataclass(frozen=True, eq=False)
class Frame:
    """One upright frame.

    Attributes:
        time_s: presentation time in seconds after the stream's first frame. Where the file has no timestamp, or one
            that doesn't come after the preceding frame's, it is the preceding time plus the average frame interval.
        rgb: ``[H, W, 3]`` uint8 RGB, contiguous.
    """

    time_s: float
    rgb: NDArray[np.uint8]


def probe(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """Reads a video's header and decodes its first frame.

    Raises:
        VideoMissing: no such file, or it can't be opened.
        VideoUnreadable: no video, or no frame of it can be decoded.
        VideoTooLarge: a frame exceeds ``limits.max_pixels``.
    """
    with opened(path, limits) as clip:
        first = next(clip.decoded())
        turn = _Turn.of(first)
        width, height = (first.height, first.width) if turn.transposed else (first.width, first.height)
        return VideoInfo(
            width=width,
            height=height,
            rotation=turn.degrees,
            mirrored=turn.mirrored,
            fps=clip.rate,
            duration_s=clip.duration_s,
            frame_count=clip.frame_count,
            codec=clip.codec,
        )


def frames(
    path: Path,
    *,
    max_side: int | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Frame]:
    """Every frame from ``start_s`` on, in presentation order.

    A file that is damaged or breaks off gives the frames that decode; those that the decoder flags as corrupt are
    left out. A start beyond the end gives none.

    Args:
        path: of the file.
        max_side: frames are scaled down, by area averaging, so that their longer side has at most so many pixels.
        start_s: seconds after the stream's first frame. A start far into the clip is reached by a seek where the
            container lists its key frames.
        duration_s: only frames less than so many seconds after ``start_s``.
        limits: bounds on what is read.

    Raises:
        VideoMissing: no such file, or it can't be opened.
        VideoUnreadable: no video, or no frame of it can be decoded.
        VideoTooLarge: a frame exceeds ``limits.max_pixels``; also when the size changes midway.
    """
    first_s = start_s - _NEAR_S
    end_s = start_s + min(limits.max_duration_s, math.inf if duration_s is None else duration_s) - _NEAR_S
    upright = _Upright(max_side)
    for seeking in (start_s > _FAR_S, False):
        try:
            with opened(path, limits) as clip:
                if seeking:
                    clip.seek_before(start_s)
                # These iterators, unlike a loop, hold on to no frame while the next one is decoded.
                late = dropwhile(lambda timed: timed[0] < first_s, clip.timed())
                wanted = takewhile(lambda timed: timed[0] < end_s, late)
                yield from starmap(upright, islice(wanted, limits.max_frames))
            return
        except Astray:
            continue


def sample(path: Path, count: int, *, max_side: int | None = None, limits: Limits = DEFAULT_LIMITS) -> Iterator[Frame]:
    """``count`` frames spread evenly over the clip: the middle one of each of ``count`` equal runs of frames.

    A first pass reads the packets without decoding them, so that frames are counted rather than believed; a
    second one decodes forward and converts only what is wanted. Groups of pictures in which nothing is wanted
    are skipped where the container lists its key frames. A clip of fewer frames gives all of them. In a damaged clip
    the next frame that decodes stands in for one that doesn't, and there may be fewer than ``count``.

    Args:
        path: of the file.
        count: frames wanted, at least 1.
        max_side: as in ``frames``.
        limits: bounds on what is read.

    Raises:
        VideoMissing, VideoUnreadable, VideoTooLarge: as in ``frames``.
    """
    if count < 1:
        raise ValueError(f"count is {count}; at least one frame must be wanted")
    with opened(path, limits) as clip:
        timeline = clip.timeline()
    wanted = timeline.spread(count)
    upright = _Upright(max_side)
    given = 0
    for hopping in (True, False):
        try:
            with opened(path, limits) as clip:
                for frame in starmap(upright, clip.grab(wanted[given:], timeline, hopping=hopping)):
                    yield frame
                    given += 1
            return
        except Astray:
            continue


class _Upright:
    """Makes a ``Frame`` of a decoded one: scales it, converts it to RGB, turns it.

    Args:
        max_side: most pixels of the longer side; None leaves the size as it is.
    """

    def __init__(self, max_side: int | None) -> None:
        if max_side is not None and max_side < 1:
            raise ValueError(f"max_side is {max_side}; a frame has at least one pixel")
        self._max_side = max_side
        self._reformatter = VideoReformatter()
        self._turn: _Turn | None = None

    def __call__(self, time_s: float, frame: av.VideoFrame) -> Frame:
        if frame.colorspace == _SPC_RESERVED:  # says as little as "unspecified", but swscale refuses it
            frame.colorspace = _SPC_UNSPECIFIED
        if self._turn is None:
            # Only the first: a frame whose side data was looked at refers to itself, and lives until garbage collection.
            self._turn = _Turn.of(frame)
        longer = max(frame.width, frame.height)
        scale = 1.0 if self._max_side is None else min(1.0, self._max_side / longer)
        rgb = self._reformatter.reformat(
            frame,
            width=max(1, round(frame.width * scale)),
            height=max(1, round(frame.height * scale)),
            format="rgb24",
            # Without scaling both give the same pixels, but swscale has a fast path for the latter alone.
            interpolation=Interpolation.AREA if scale < 1 else Interpolation.BILINEAR,
            threads=1,
        )
        return Frame(time_s, self._turn.apply(cast("NDArray[np.uint8]", rgb.to_ndarray())))


@dataclass(frozen=True)
class _Turn:
    """How a stored frame is laid to be upright: transposed first, then flipped."""

    transposed: bool = False
    rows_flipped: bool = False
    columns_flipped: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> _Turn:
        """From the frame's display matrix ``[a b u; c d v; x y w]``, which maps (p, q) to (ap + cq + x, bp + dq + y)."""
        side_data = cast("Mapping[str, Buffer]", frame.side_data).get("DISPLAYMATRIX")
        if side_data is None:
            return cls()
        a, b, _, c, d = np.frombuffer(bytes(side_data), dtype=np.int32)[:5].tolist()
        if abs(b) > abs(a):
            return cls(transposed=True, rows_flipped=b < 0, columns_flipped=c < 0)
        return cls(rows_flipped=d < 0, columns_flipped=a < 0)

    @property
    def mirrored(self) -> bool:
        return self.transposed ^ self.rows_flipped ^ self.columns_flipped

    @property
    def degrees(self) -> int:
        """Clockwise, where the stored row points to: right, down, left or up."""
        if self.transposed:
            return 270 if self.rows_flipped else 90
        return 180 if self.columns_flipped else 0

    def apply(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``[H, W, 3]``, upright and contiguous."""
        if self.transposed:
            rgb = rgb.transpose(1, 0, 2)
        if self.rows_flipped:
            rgb = rgb[::-1]
        if self.columns_flipped:
            rgb = rgb[:, ::-1]
        return np.ascontiguousarray(rgb)

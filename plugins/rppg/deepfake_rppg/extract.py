"""How does a video become traces, in one pass and bounded memory?"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_core import VideoFrameRateTooLow, VideoNoFace, VideoTooShort
from deepfake_rppg.frequency import BANDS, SIZE, luma_spectrum
from deepfake_rppg.regions import region_means
from deepfake_rppg.settings import TraceSettings
from deepfake_rppg.traces import REGIONS, Traces

if TYPE_CHECKING:
    from deepfake_core.data.video import Frame

SPREAD_FRAMES = 60
"""Frames of the published sampling."""

SHORTEST_GAP_S = 0.7 / 30
"""A frame that follows sooner is skipped, so at most 43 per second are measured: of 60 every second one, of 120 every
third. The pulse band ends at 4 Hz; more frames would only cost time."""

MIN_FACE_SHARE = 0.7
"""Smallest share of frames with a face, from the first to the last of them: longer gaps aren't interpolated."""

ALIASED_BELOW_HZ = 8.0
"""Twice the upper end of the pulse band."""

DETAIL_EVERY = 5
"""The frequency block and the hash look at every fifth frame of a window, which changes the block by less than 0.1.
Five isn't a multiple of the usual distances between a codec's better and worse frames (2, 3, 4)."""


class Detail(NamedTuple):
    """How one face looks: its frequency block ``[64] float64`` and its perceptual hash, 16 hexadecimal digits."""

    spectrum: NDArray[np.float64]
    hash: str


class Measured(NamedTuple):
    """What is kept of one face in one frame: mean colours ``[9, 3] float32``, and its detail in some frames."""

    rgb: NDArray[np.float32]
    detail: Detail | None


def trace(path: Path, settings: TraceSettings, folder: Path) -> dict[str, float | int | str | bool | None]:
    """Measures the face of a video and saves its traces.

    With ``sampling="window"`` these are the first ``window_s`` seconds at the native frame rate; with ``spread60``
    sixty frames over the whole clip, as published, which mostly lie too far apart for a pulse: ``aliased`` says so.
    Frames before the face first appears and after it last does are left out.

    Args:
        path: of the video.
        settings: what to read.
        folder: where ``traces.npz`` goes.

    Returns:
        Facts: ``width`` and ``height`` of the video; ``fps``, ``seconds`` and ``frames`` of the traces;
        ``low_frame_rate``, ``aliased``; ``face_share`` (of the frames read), ``face_px`` (in the working frame),
        ``faces_seen``, ``face_jumps``; ``content_hash``.

    Raises:
        VideoTooShort: there are less than ``min_s`` seconds, of the video or of the face.
        VideoFrameRateTooLow: a window has fewer than ``min_fps`` frames per second.
        VideoNoFace: the face is seen in too few frames.
        VideoError: the file can't be read.
    """
    from deepfake_core.data import video
    from deepfake_faces.align import content_hash
    from deepfake_faces.track import follow

    info = video.probe(path)
    if settings.sampling == "window":
        track = follow(_frames(path, settings), functools.partial(_measure, detail_every=DETAIL_EVERY))
    else:
        track = follow(_frames(path, settings), functools.partial(_measure, detail_every=1), look_around_every=1)

    seen = np.flatnonzero(track.present)
    stretch = slice(seen[0], seen[-1] + 1)
    times, measured = track.times[stretch], track.measured[stretch]
    fps, seconds = _rate(times)
    _require_length(times, settings.min_s, " with a face")
    if len(seen) < MIN_FACE_SHARE * len(times):
        raise VideoNoFace(f"face in {len(seen)} of {len(times)} frames, {MIN_FACE_SHARE:.0%} needed")

    unseen = np.full((len(REGIONS), 3), np.nan, np.float32)
    details = {time: face.detail for time, face in zip(times, measured, strict=True) if face and face.detail}
    aliased = fps < ALIASED_BELOW_HZ
    Traces(
        times=times,
        rgb=np.stack([face.rgb if face else unseen for face in measured]),
        landmarks=track.landmarks[stretch],
        spectrum=_mean_spectrum([detail.spectrum for detail in details.values()]),
        aliased=aliased,
    ).save(folder)
    return {
        "width": info.width,
        "height": info.height,
        "fps": fps,
        "seconds": seconds,
        "frames": len(times),
        "low_frame_rate": fps < settings.good_fps,
        "aliased": aliased,
        **track.quality(),
        "content_hash": content_hash(
            {time: detail.hash for time, detail in details.items()}, start_s=track.times[0], end_s=track.times[-1]
        ),
    }


def _frames(path: Path, settings: TraceSettings) -> Iterator[Frame]:
    """The frames to measure.

    Length and rate are known, and judged, when the last one has been read: headers can be wrong.
    """
    from deepfake_core.data import video

    times: list[float] = []
    if settings.sampling == "spread60":
        frames = video.sample(path, SPREAD_FRAMES, max_side=settings.max_side)
        shortest_gap = 0.0
    else:
        frames = video.frames(path, max_side=settings.max_side, duration_s=settings.window_s)
        shortest_gap = SHORTEST_GAP_S
    for frame in frames:
        if not times or frame.time_s - times[-1] >= shortest_gap:
            times.append(frame.time_s)
            yield frame
    _require_length(times, settings.min_s)
    fps, _ = _rate(times)
    if settings.sampling == "window" and fps < settings.min_fps:
        raise VideoFrameRateTooLow(f"{fps:.1f} frames per second of {settings.min_fps:.1f}")


def _rate(times: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """Mean frames per second, and seconds covered when each frame lasts as long as the mean one; two or more frames."""
    fps = (len(times) - 1) / (times[-1] - times[0])
    return float(fps), float(len(times) / fps)


def _require_length(times: Sequence[float] | NDArray[np.float64], need: float, what: str = "") -> None:
    """Refuses a stretch that is more than half a frame too short."""
    fps, seconds = _rate(times) if len(times) > 1 else (np.inf, 0.0)
    if seconds + 0.5 / fps < need:
        raise VideoTooShort(f"{seconds:.1f} s of {need:.1f} s{what}")


def _measure(number: int, frame: Frame, landmarks: NDArray[np.float32], *, detail_every: int) -> Measured:
    detail = _detail(frame.rgb, landmarks) if number % detail_every == 0 else None
    return Measured(region_means(frame.rgb, landmarks), detail)


def _detail(rgb: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> Detail:
    import cv2

    from deepfake_faces.align import HASH_MARGIN, HASH_SIZE, align, difference_hash, mesh_anchors

    # Rounded to whole grey levels, a smooth face would show the rounding in its high frequencies.
    luma = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2GRAY)
    anchors = mesh_anchors(landmarks)
    return Detail(
        spectrum=luma_spectrum(align(luma, anchors, size=SIZE)),
        hash=difference_hash(align(luma, anchors, size=HASH_SIZE, margin=HASH_MARGIN)),
    )


def _mean_spectrum(spectra: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean over frames; NaN without any."""
    usable = [spectrum for spectrum in spectra if not np.isnan(spectrum).any()]
    return np.mean(usable, axis=0) if usable else np.full(2 * BANDS, np.nan)

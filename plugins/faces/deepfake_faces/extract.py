"""How does a video become face crops, in one pass and bounded memory?

Each frame is looked at once, scaled down; crops are cut from the full frame there and then, for every face that may
turn out to be the clip's. A few frames are kept back, so that a face that was missed in between can still be cut.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_core import VideoNoFace
from deepfake_core.data import video
from deepfake_core.data.video import Frame
from deepfake_faces.align import HASH_MARGIN, HASH_SIZE, align, content_hash, difference_hash
from deepfake_faces.crops import FaceCrops, look_at
from deepfake_faces.detect import Detector, Faces, open_detector
from deepfake_faces.matching import Candidate, Candidates, Gate, jumps
from deepfake_faces.settings import FaceSettings
from deepfake_faces.warp import resized

LONGER_SIDE = 640
"""Frames are scaled down to this many pixels before the detector looks."""

BATCH = 4
"""Frames that the detector gets at once."""

GATE = Gate(shift=1.0, growth=1.6)
"""From one sampled frame to the next. In 115 clips of lively speakers, sampled every 0.1 to 2 s, faces moved by at most
0.6 of their size and grew by at most 1.2; people side by side are more than 1 apart."""

JUMP = 0.6
"""A move from one sampled frame to the next of more than this share of the face's size counts as a jump."""

CANDIDATES = 8
"""Faces followed at once."""

SEEN_SHARE = 0.1
"""A face in a smaller share of the frames isn't counted: of sixteen, in one only."""

SURE = 0.9
"""A face that is mostly less sure than this is only believed when no surer one lasts. Over 115 clips MTCNN was 0.97 sure
of every face, and 0.7 to 0.9 of what it saw in beards, shirts and shoulders."""

LONGEST_GAP = 3
"""Frames in a row without the face that are filled between two that show it."""

CONTEXT = 1.6
"""Side of a stored crop, in longer sides of the box."""

MOST = 400
"""Largest side of a stored crop, pixels."""

SHARPNESS_SIZE = 128
"""Side to which the face's box is brought before its sharpness is measured, pixels."""


class Sighting(NamedTuple):
    """One face in one frame, in pixels of the video.

    ``pixels`` show the square of side ``cut`` at ``left`` and ``top``; ``side`` is what the face needs of it.
    """

    slot: int
    time_s: float
    box: NDArray[np.float64]
    points: NDArray[np.float64]
    confidence: float
    interpolated: bool
    pixels: NDArray[np.uint8]
    left: int
    top: int
    cut: int
    side: int
    outside: float


def extract(path: Path, settings: FaceSettings, folder: Path) -> dict[str, float | int | str | None]:
    """Cuts the faces out of a video and saves them as ``FaceCrops``.

    Args:
        path: of the video.
        settings: which faces.
        folder: where the crops go.

    Returns:
        Facts about the clip's face, track 0: ``detector``; ``width`` and ``height`` of the video; ``sampled`` frames;
        ``face_share``, the share of them in which it was detected; ``interpolated``, how many more were filled;
        ``face_px``, ``sharpness``, ``tilt_deg`` and ``outside``, medians over its crops, as ``FaceCrops`` defines
        them; ``faces_seen``, how many faces last; ``face_jumps``, how often it moves far between two frames, as at a
        cut; ``content_hash``.

    Raises:
        VideoNoFace: no face is seen in enough frames.
        VideoError: the file can't be read.
    """
    followed = _follow(path, settings)
    times = followed.times
    faces = followed.candidates.ranked()
    lasting = _believed(_seen_in(faces, settings.min_share * len(times)))
    if not lasting:
        most = max((len(face.numbers) for face in faces), default=0)
        raise VideoNoFace(f"face in {most} of {len(times)} frames, {settings.min_share:.0%} needed")
    tracks = lasting if settings.faces == "all" else lasting[:1]
    crops = _crops([[s for sightings in face.payloads for s in sightings] for face in tracks], sampled=len(times))
    crops.save(folder)
    own = crops.track == 0
    return {
        "detector": settings.detector,
        "width": followed.width,
        "height": followed.height,
        "sampled": len(times),
        "face_share": len(tracks[0].numbers) / len(times),
        "interpolated": int(crops.interpolated[own].sum()),
        "face_px": float(np.median(crops.face_px[own])),
        "sharpness": float(np.median(crops.sharpness[own])),
        "tilt_deg": float(np.median(crops.tilt_deg[own])),
        "outside": float(np.median(crops.outside[own])),
        "faces_seen": len(_believed(_seen_in(faces, SEEN_SHARE * len(times)))),
        "face_jumps": jumps(np.stack(tracks[0].boxes), above=JUMP),
        "content_hash": _content_hash(crops, times),
    }


class _Followed(NamedTuple):
    times: list[float]
    candidates: Candidates[list[Sighting]]
    width: int
    height: int


def _follow(path: Path, settings: FaceSettings) -> _Followed:
    """Every face of the sampled frames, cut out."""
    times: list[float] = []
    candidates = Candidates[list[Sighting]](GATE, most=CANDIDATES)
    recent: deque[Frame] = deque(maxlen=LONGEST_GAP)
    with open_detector(settings.detector) as detector:
        for batch in _batches(video.sample(path, settings.sampled_frames)):
            for frame, faces in zip(batch, _look(detector, batch), strict=True):
                slot = len(times)
                times.append(frame.time_s)
                for row, face in candidates.matching(faces.boxes):
                    here = _cut(slot, frame, faces.boxes[row], faces.points[row], float(faces.confidence[row]))
                    face.add(slot, here.box, [*_between(face, here, recent), here])
                recent.append(frame)
                height, width = frame.rgb.shape[:2]
    return _Followed(times, candidates, width, height)


def _believed(faces: list[Candidate[list[Sighting]]]) -> list[Candidate[list[Sighting]]]:
    """Those that the detector is sure of, if it is of any; all from a detector that doesn't tell."""
    sure = [
        face for face in faces if not np.median([s.confidence for sightings in face.payloads for s in sightings]) < SURE
    ]
    return sure or faces


def _seen_in(faces: list[Candidate[list[Sighting]]], frames: float) -> list[Candidate[list[Sighting]]]:
    """Those that were detected in so many frames or more."""
    return [face for face in faces if len(face.numbers) >= frames]


def _batches(frames: Iterator[Frame]) -> Iterator[tuple[Frame, ...]]:
    """Frames of one size each: a stream can change it midway."""
    for _, alike in groupby(frames, key=lambda frame: frame.rgb.shape):
        while batch := tuple(islice(alike, BATCH)):
            yield batch


def _look(detector: Detector, batch: Sequence[Frame]) -> list[Faces]:
    """The faces of each frame, in its own pixels."""
    height, width = batch[0].rgb.shape[:2]
    scale = LONGER_SIDE / max(height, width)
    if scale >= 1:
        return [faces.within(width, height) for faces in detector.detect([frame.rgb for frame in batch])]
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    found = detector.detect([resized(frame.rgb, *small) for frame in batch])
    return [faces.scaled(width / small[0], height / small[1]).within(width, height) for faces in found]


def _between(face: Candidate[list[Sighting]], here: Sighting, recent: Sequence[Frame]) -> Iterator[Sighting]:
    """The face in the frames since it was last seen, if they are few: moved and scaled evenly in time."""
    if not face.payloads:
        return
    last = face.payloads[-1][-1]
    if here.slot - last.slot - 1 > LONGEST_GAP:
        return
    for slot in range(last.slot + 1, here.slot):
        frame = recent[slot - here.slot]
        share = (frame.time_s - last.time_s) / (here.time_s - last.time_s)
        box = last.box + share * (here.box - last.box)
        points = last.points + share * (here.points - last.points)
        yield _cut(slot, frame, box, points, min(last.confidence, here.confidence), interpolated=True)


def _cut(
    slot: int,
    frame: Frame,
    box: NDArray[np.float64],
    points: NDArray[np.float64],
    confidence: float,
    *,
    interpolated: bool = False,
) -> Sighting:
    """Cuts whole pixels about a face, at least ``MOST`` along a side, and scales down what is larger."""
    left, top, right, bottom = box
    side = math.ceil(CONTEXT * max(right - left, bottom - top))
    cut = max(side, MOST)
    corner = round((left + right - cut) / 2), round((top + bottom - cut) / 2)
    pixels = _mirrored(frame.rgb, *corner, cut)
    if cut > MOST:
        pixels = resized(pixels, MOST, MOST)
    height, width = frame.rgb.shape[:2]
    inside = (min(right, width) - max(left, 0)) * (min(bottom, height) - max(top, 0))
    outside = 1 - inside / ((right - left) * (bottom - top))
    return Sighting(
        slot, frame.time_s, box, points, confidence, interpolated, pixels, *corner, cut, side, float(outside)
    )


def _mirrored(rgb: NDArray[np.uint8], left: int, top: int, side: int) -> NDArray[np.uint8]:
    """A square of the picture, mirrored at the border where it reaches out."""
    import cv2

    height, width = rgb.shape[:2]
    out = (max(0, -top), max(0, top + side - height), max(0, -left), max(0, left + side - width))
    part = rgb[max(0, top) : top + side, max(0, left) : left + side]
    return np.array(cv2.copyMakeBorder(part, *out, cv2.BORDER_REFLECT_101) if any(out) else part)


def _crops(tracks: Sequence[Sequence[Sighting]], *, sampled: int) -> FaceCrops:
    """All crops at the size of the largest, which is never more than the video shows."""
    sightings = [sighting for track in tracks for sighting in track]
    size = min(MOST, max(sighting.side for sighting in sightings))
    trim = (MOST - size) // 2
    inner = slice(trim, trim + size)
    pixels = np.stack([sighting.pixels[inner, inner] for sighting in sightings])
    scales = np.array([MOST / sighting.cut for sighting in sightings])
    origins = np.array([(sighting.left, sighting.top) for sighting in sightings], np.float64)
    boxes = np.stack([sighting.box for sighting in sightings])
    places = np.concatenate([boxes.reshape(-1, 2, 2), [sighting.points for sighting in sightings]], axis=1)
    places = (places - origins[:, None]) * scales[:, None, None] - trim
    box, points = places[:, :2].reshape(-1, 4), places[:, 2:]
    return FaceCrops(
        pixels=pixels,
        sampled=sampled,
        track=np.repeat(np.arange(len(tracks)), [len(track) for track in tracks]),
        slot=np.array([sighting.slot for sighting in sightings]),
        time_s=np.array([sighting.time_s for sighting in sightings]),
        box=box,
        points=points,
        confidence=np.array([sighting.confidence for sighting in sightings]),
        sharpness=np.array([_sharpness(*crop) for crop in zip(pixels, box, strict=True)]),
        face_px=(boxes[:, 2:] - boxes[:, :2]).min(axis=1),
        outside=np.array([sighting.outside for sighting in sightings]),
        interpolated=np.array([sighting.interpolated for sighting in sightings]),
    )


def _sharpness(pixels: NDArray[np.uint8], box: NDArray[np.float64]) -> float:
    """Variance of the Laplacian of the luma of the box, brought to ``SHARPNESS_SIZE``."""
    import cv2

    face = look_at(pixels, box, size=SHARPNESS_SIZE, margin=0.0)
    return float(cv2.Laplacian(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def _content_hash(crops: FaceCrops, times: Sequence[float]) -> str | None:
    """Of track 0 where it was detected, in every second sampled frame."""
    half = (times[-1] - times[0]) / max(1, len(times) - 1) / 2
    rows = np.flatnonzero((crops.track == 0) & ~crops.interpolated & (crops.slot % 2 == 0))
    hashes = {
        float(crops.time_s[row]): difference_hash(
            align(crops.pixels[row], crops.points[row], size=HASH_SIZE, margin=HASH_MARGIN)
        )
        for row in rows
    }
    return content_hash(hashes, start_s=times[0] - half, end_s=times[-1] + half)

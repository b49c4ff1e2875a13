"""What does the clip's face look like in the sampled frames, and what does a stream see of it?"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_core import Entry, Store, VideoNoFace, VideoRecord
from deepfake_faces.settings import FaceSettings, ViewSettings
from deepfake_faces.warp import shrunk, square

CROPS_VERSION = 1
"""Raised when the code cuts other crops from the same settings."""

PIXELS, ROWS = "pixels.npy", "rows.npz"

_UNSMOOTHED = 1.05
"""Fewer stored pixels than this per pixel of the view are sampled without smoothing."""


def face_crops(video: VideoRecord, settings: FaceSettings, store: Store) -> Entry:
    """The video's crops, cut now unless they are cached; its folder is for ``FaceCrops.load``.

    Args:
        video: the file.
        settings: ``FaceSettings`` or any settings that inherit them, such as a stream's.
        store: the cache.

    Returns:
        The entry; its facts are those of ``extract.extract``.

    Raises:
        VideoNoFace: no face is seen in enough frames.
        VideoError: the file can't be read.
    """
    own = settings.part(FaceSettings)

    def make(folder: Path) -> dict[str, Any]:
        from deepfake_faces.extract import extract

        return extract(video.path, own, folder)

    return store.video_entry(video, extractor="face-crops", version=CROPS_VERSION, settings=own, make=make)


@dataclass(frozen=True, eq=False)
class FaceCrops:
    """The F crops of one video: each track's in time order, track 0 first.

    A crop is a square about the face, 1.6 times as wide as the longer side of its box, and S pixels wide like all of
    the clip. Where that is more than the face needs, the crop shows more of the picture, in the video's own pixels;
    where it is less, the crop is averaged down. So nothing is stored larger than the video shows it. Out of the
    picture, crops are mirrored at its border.

    Attributes:
        pixels: ``[F, S, S, 3] uint8 RGB``, mapped from the file.
        sampled: frames of the video that were looked at; slots count them.
        track: ``[F]``; 0 is the clip's face, the one with the largest sum of areas.
        slot: ``[F]``, which of the sampled frames.
        time_s: ``[F]``, presentation time, s.
        box: ``[F, 4]``: left, top, right, bottom; forehead to chin, ear to ear; in pixels of the crop.
        points: ``[F, 5, 2]``: the eye on the left of the picture, the other one, the tip of the nose, the corners of
            the mouth in the same order; in pixels of the crop.
        confidence: ``[F]``, of the detection, 0 to 1; NaN if the detector doesn't tell; between two detections the
            lower of theirs.
        sharpness: ``[F]``, variance of the Laplacian of the box's luma at 128 x 128 pixels.
        face_px: ``[F]``, the box's shorter side in pixels of the video.
        outside: ``[F]``, share of the box that lies out of the picture.
        interpolated: ``[F] bool``: the detector missed the face; box and points lie between those before and after.
    """

    pixels: NDArray[np.uint8]
    sampled: int
    track: NDArray[np.intp]
    slot: NDArray[np.intp]
    time_s: NDArray[np.float64]
    box: NDArray[np.float64]
    points: NDArray[np.float64]
    confidence: NDArray[np.float64]
    sharpness: NDArray[np.float64]
    face_px: NDArray[np.float64]
    outside: NDArray[np.float64]
    interpolated: NDArray[np.bool_]

    @classmethod
    def load(cls, folder: Path) -> FaceCrops:
        """What ``save`` wrote; pixels are read when they are touched."""
        with np.load(folder / ROWS, allow_pickle=False) as file:
            table, sampled = file["rows"], int(file["sampled"])
        pixels = np.load(folder / PIXELS, mmap_mode="r", allow_pickle=False)
        return cls(pixels=pixels, sampled=sampled, **{name: table[name] for name in _COLUMNS})

    def save(self, folder: Path) -> None:
        """Writes ``pixels.npy`` and ``rows.npz``."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        layout = [(name, column.dtype, column.shape[1:]) for name, column in columns.items()]
        table = np.empty(len(self.pixels), layout)
        for name, column in columns.items():
            table[name] = column
        np.save(folder / PIXELS, self.pixels)
        np.savez(folder / ROWS, rows=table, sampled=self.sampled)

    @property
    def tracks(self) -> tuple[int, ...]:
        """The tracks there are, by falling sum of areas."""
        return tuple(range(int(self.track.max()) + 1))

    @property
    def tilt_deg(self) -> NDArray[np.float64]:
        """How far the line of the eyes is turned clockwise from level, ``[F]``, degrees."""
        x, y = (self.points[:, 1] - self.points[:, 0]).T
        tilt: NDArray[np.float64] = np.degrees(np.arctan2(y, x))
        return tilt

    def usable(self, view: ViewSettings, track: int = 0) -> NDArray[np.intp]:
        """Rows of a track that the view looks at and that pass its gates, in time order; none if none pass.

        Of a clip with more sampled frames than ``view.frames``, evenly spread ones are looked at. If sharpness alone
        would leave none, the sharpest stays.
        """
        passing = self._passing(view, track)
        sharp = passing[self.sharpness[passing] >= view.min_sharpness]
        return sharp if len(sharp) else passing[self.sharpness[passing].argsort()[-1:]]

    def read(
        self, rows: NDArray[np.intp], *, size: int, margin: float, upright_above_deg: float | None
    ) -> NDArray[np.uint8]:
        """Faces as the network gets them.

        Args:
            rows: n of them.
            size: side of the result, pixels.
            margin: border, share of the box's longer side, both sides together.
            upright_above_deg: faces that tilt more are turned about the middle of their box; None: never.

        Returns:
            ``[n, size, size, 3] uint8 RGB``: squares about the middle of the box, not stretched, each resampled once.
            The corners of one that is turned and has a wide margin can reach out of the stored crop; it's mirrored there.
        """
        result = np.empty((len(rows), size, size, 3), np.uint8)
        for place, row, turn in zip(result, rows, self.turn_deg(rows, upright_above_deg), strict=True):
            place[:] = look_at(self.pixels[row], self.box[row], size=size, margin=margin, tilt_deg=turn)
        return result

    def turn_deg(self, rows: NDArray[np.intp], upright_above_deg: float | None) -> NDArray[np.float64]:
        """How far the views of the rows are turned, ``[n]``, degrees; see ``read``."""
        tilt = self.tilt_deg[rows]
        return np.where(np.abs(tilt) > (np.inf if upright_above_deg is None else upright_above_deg), tilt, 0.0)

    def _passing(self, view: ViewSettings, track: int) -> NDArray[np.intp]:
        """Rows of a track that the view looks at and that pass its gates but for sharpness."""
        slots = np.arange(self.sampled)
        if self.sampled > view.frames:
            slots = np.arange(view.frames) * self.sampled // view.frames
        looked_at = (self.track == track) & np.isin(self.slot, slots)
        # A confidence that isn't known refuses nothing.
        refused = (self.confidence < view.min_confidence) | (self.face_px < view.min_face_px)
        return np.flatnonzero(looked_at & ~refused)


_COLUMNS = tuple(field.name for field in fields(FaceCrops) if field.name not in ("pixels", "sampled"))


def view_facts(crops: FaceCrops, view: ViewSettings, track: int = 0) -> dict[str, int | bool]:
    """Flat facts about what a view sees of a track.

    Returns:
        ``frames`` it gets; ``frames_refused`` by its gates; ``faces_interpolated`` among those it gets; ``blurred``,
        whether none is sharp enough and the sharpest had to do.

    Raises:
        VideoNoFace: no frame passes the gates.
    """
    rows, passing = crops.usable(view, track), crops._passing(view, track)
    looked_at = crops._passing(view.model_copy(update={"min_confidence": 0.0, "min_face_px": 0}), track)
    if not len(rows):
        raise VideoNoFace(
            f"none of {len(looked_at)} faces has confidence {view.min_confidence:g} and {view.min_face_px} pixels"
        )
    return {
        "frames": len(rows),
        "frames_refused": len(looked_at) - len(rows),
        "faces_interpolated": int(crops.interpolated[rows].sum()),
        "blurred": bool((crops.sharpness[passing] < view.min_sharpness).all()),
    }


def look_at(
    pixels: NDArray[np.uint8], box: NDArray[np.float64], *, size: int, margin: float, tilt_deg: float = 0.0
) -> NDArray[np.uint8]:
    """The square about a box, resampled once and smoothed before as far as it shrinks.

    Args:
        pixels: ``[H, W, 3] uint8 RGB``.
        box: left, top, right, bottom in its pixels.
        size: side of the result, pixels.
        margin: border, share of the box's longer side, both sides together.
        tilt_deg: how far the square is turned clockwise.
    """
    import cv2

    left, top, right, bottom = box
    side = max(right - left, bottom - top) * (1 + margin)
    factor = max(1, int(side / size))
    scale = side / size / factor
    image = shrunk(pixels, factor)
    if scale > _UNSMOOTHED:
        # A sampled pixel then averages as wide a stretch as it stands for: variances of Gaussians add up.
        sigma = 0.5 * math.sqrt(scale**2 - 1)
        kernel = (5, 5) if scale > 1.5 else (3, 3)
        image = np.asarray(cv2.GaussianBlur(image, kernel, sigma, borderType=cv2.BORDER_REFLECT_101), np.uint8)
    centre = complex(left + right, top + bottom) / 2
    turn = complex(math.cos(math.radians(tilt_deg)), math.sin(math.radians(tilt_deg)))
    return square(image, centre=centre / factor, edge=turn * side / factor, size=size)

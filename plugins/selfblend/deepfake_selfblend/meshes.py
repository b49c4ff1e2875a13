"""Where are the landmarks of the cached faces, and what does a pseudo-fake of a whole clip look like? The store's entries."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepfake_core import Entry, Store, VideoNoFace, VideoRecord
from deepfake_faces.crops import PIXELS, ROWS, FaceCrops, face_crops, look_at
from deepfake_faces.settings import FaceSettings, ViewSettings
from deepfake_selfblend.settings import BlendSettings, SelfBlendSettings

if TYPE_CHECKING:
    from deepfake_selfblend.blending import Blend

MESH_VERSION = 1
"""Raised when other landmarks are found in the same crops."""

PSEUDO_VERSION = 2
"""Raised when the same settings make another pseudo-fake."""

MESH = "mesh.npy"

LOOK_PX = 256
LOOK_MARGIN = 0.5
"""Side of the squares in which landmarks are looked for, and their border as a share of the face's box."""


class _PseudoSettings(FaceSettings, BlendSettings):
    """What a measured pseudo-fake depends on."""


def mesh_crops(video: VideoRecord, settings: FaceSettings, store: Store) -> Entry:
    """The video's face crops, which all neural streams share, with a FaceMesh of each.

    The folder is one for ``FaceCrops.load``: its files are those of the shared entry, linked where the file system can.

    Returns:
        The entry. Its facts are those of the crops and ``mesh_missing``, the number of crops of track 0 without a mesh.

    Raises:
        VideoError: the video can't be used.
    """
    own = settings.part(FaceSettings)

    def make(folder: Path) -> dict[str, Any]:
        shared = face_crops(video, own, store)
        for name in (PIXELS, ROWS):
            _linked(shared.path / name, folder / name)
        crops = FaceCrops.load(folder)
        points = find_meshes(crops)
        np.save(folder / MESH, points)
        return {**shared.facts, "mesh_missing": int((~found(points) & (crops.track == 0)).sum())}

    return store.video_entry(video, extractor="face-mesh-crops", version=MESH_VERSION, settings=own, make=make)


def pseudo_crops(video: VideoRecord, settings: SelfBlendSettings, store: Store) -> Entry:
    """A pseudo-fake of the real video, as crops: one blend for all frames, from a seed that is the video's content.

    The base's colours, sharpness and resolution stay as they are. Where the blend compresses the base, what surrounds the
    face bears one JPEG more than the real video does. Crops without a mesh are left out.

    Raises:
        VideoNoFace: the clip's face has no mesh in any frame.
        VideoError: the video can't be used.
    """
    own = settings.part(_PseudoSettings)

    def make(folder: Path) -> dict[str, Any]:
        from deepfake_selfblend.blending import draw

        real = mesh_crops(video, own.part(FaceSettings), store)
        crops, points = FaceCrops.load(real.path), load_meshes(real.path)
        rng = np.random.default_rng(int(store.content_digest(video)[:16], 16))
        _blended(crops, points, draw(own, rng).on_source).save(folder)
        return dict(real.facts)

    return store.video_entry(video, extractor="pseudo-fake-crops", version=PSEUDO_VERSION, settings=own, make=make)


def _blended(crops: FaceCrops, points: NDArray[np.float32], blend: Blend) -> FaceCrops:
    """The crops that have a mesh, each with its own face blended into it."""
    from deepfake_selfblend.blending import Face, blended

    known = np.flatnonzero(found(points))
    if not (crops.track[known] == 0).any():
        raise VideoNoFace("no frame shows the landmarks that a pseudo-fake is made by")
    pixels = []
    for row in known:
        face, other = (
            Face(crops.pixels[each], points[each, :, :2])
            for each in (row, source_row(row, known[crops.track[known] == crops.track[row]], blend.other_frame))
        )
        pixels.append(blended(face, other, blend).fake)
    columns = {field.name: getattr(crops, field.name)[known] for field in fields(crops) if field.name != "sampled"}
    return replace(crops, **{**columns, "pixels": np.stack(pixels)})


def source_row(row: int, rows: NDArray[np.intp], other_frame: float | None) -> int:
    """Which row of the clip the source comes from: the row itself, or one that lies a drawn way further on, around the end.

    Args:
        row: of the base, one of ``rows``.
        rows: of the clip, in time order.
        other_frame: of the blend.
    """
    if other_frame is None or len(rows) == 1:
        return row
    further = 1 + int(other_frame * (len(rows) - 1))
    return int(rows[(int(np.searchsorted(rows, row)) + further) % len(rows)])


def find_meshes(crops: FaceCrops) -> NDArray[np.float32]:
    """A FaceMesh for each of F crops, ``[F, 468, 3]`` in pixels of the crop; NaN where none was found in its box."""
    from deepfake_faces.mesh import POINTS, FaceMesh

    meshes = np.full((len(crops.pixels), POINTS, 3), np.nan, np.float32)
    with FaceMesh(following=False) as mesh:
        for row, (pixels, box) in enumerate(zip(crops.pixels, crops.box, strict=True)):
            faces = mesh.detect(look_at(pixels, box, size=LOOK_PX, margin=LOOK_MARGIN))
            if not len(faces):
                continue
            step = (box[2:] - box[:2]).max() * (1 + LOOK_MARGIN) / LOOK_PX
            points = faces[0] * step
            points[:, :2] += (box[:2] + box[2:]) / 2 - step * LOOK_PX / 2
            middle = points[:, :2].mean(axis=0)
            if (box[:2] < middle).all() and (middle < box[2:]).all():
                meshes[row] = points
    return meshes


def load_meshes(folder: Path) -> NDArray[np.float32]:
    """What ``mesh_crops`` wrote, ``[F, 468, 3]``; mapped from the file."""
    meshes: NDArray[np.float32] = np.load(folder / MESH, mmap_mode="r", allow_pickle=False)
    return meshes


def found(points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the crops have a mesh, ``[F]``."""
    return ~np.isnan(points[:, 0, 0])


def blendable(crops: FaceCrops, points: NDArray[np.float32], view: ViewSettings) -> NDArray[np.intp]:
    """Rows of the clip's face that the view looks at, that pass its gates and have a mesh, in time order."""
    rows = crops.usable(view)
    return rows[found(points)[rows]]


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)

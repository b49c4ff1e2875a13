"""What does training get of a real clip? The clip and a pseudo-fake of it, which differ in the blend and in nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake_core import Clips, VideoRecord
from deepfake_faces.crops import FaceCrops, look_at
from deepfake_nn.augment import RecipeName
from deepfake_nn.clips import ClipSet, Draw, Sample, seed_of, spread
from deepfake_selfblend import blending
from deepfake_selfblend.blending import Blend, Blended, Face
from deepfake_selfblend.meshes import blendable, load_meshes, source_row
from deepfake_selfblend.settings import SelfBlendSettings

QUALITY = (40, 95)
"""Of the JPEG that both go through."""


class PairSet(ClipSet):
    """Real clips, each with a pseudo-fake that is made when asked for, in the same batch.

    Blends are made in the stored crops' own pixels, before a face is brought to the network's size: so the way from there
    is that of a clip that is scored.

    Args:
        videos: real, each with a mesh in a frame that passes the gates.
        clips: their extractions.
        settings: what is drawn from, and how the network sees a face.
        augmentation: name of the recipe that both go through, with the same draws.
    """

    def __init__(
        self,
        videos: Sequence[VideoRecord],
        clips: Clips,
        settings: SelfBlendSettings,
        *,
        augmentation: RecipeName = "none",
    ) -> None:
        super().__init__(videos, clips, settings, augmentation=augmentation)
        self._settings = settings

    def samples(self, draw: Draw) -> tuple[Sample, Sample]:
        """The clip as it is and a pseudo-fake of it."""
        rng = np.random.default_rng(seed_of(draw.seed, draw.seed >> 32, draw.position))
        blend = blending.draw(self._settings, rng)
        quality = int(rng.integers(*QUALITY, endpoint=True)) if rng.random() < self._settings.compression else None
        views: list[list[NDArray[np.uint8]]] = [[], []]
        for made, turn, box in self._blended(draw, blend):
            for seen, picture in zip(views, (made.real, made.fake), strict=True):
                picture = picture if quality is None else blending.jpeg(picture, quality)
                seen.append(
                    look_at(picture, box, size=self._settings.size, margin=self._settings.margin, tilt_deg=turn)
                )
        real, fake = (torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2) for seen in views)
        return (self._augment(real, draw.seed), 0), (self._augment(fake, draw.seed), 1)

    def shown(self, draw: Draw) -> Blended:
        """The parts of the first pseudo-fake that a draw makes."""
        rng = np.random.default_rng(seed_of(draw.seed, draw.seed >> 32, draw.position))
        made, turn, box = next(self._blended(draw, blending.draw(self._settings, rng)))
        return Blended(
            *(
                look_at(picture, box, size=self._settings.size, margin=self._settings.margin, tilt_deg=turn)
                for picture in (made.real, made.fake, made.source, made.mask)
            )
        )

    def _blended(self, draw: Draw, blend: Blend) -> Iterator[tuple[Blended, float, NDArray[np.float64]]]:
        """The drawn frames, each with how far the view of it is turned, degrees, and its box."""
        folder = self._folders[draw.position]
        assert folder is not None  # clips that have none aren't handed to a stream
        crops, points = FaceCrops.load(folder), load_meshes(folder)
        rows = blendable(crops, points, self._settings)
        drawn = spread(rows, draw.frames, draw.phase)
        turns = crops.turn_deg(drawn, self._settings.upright_above_deg)
        for row, turn in zip(drawn, turns, strict=True):
            other = source_row(row, rows, blend.other_frame)
            face = Face(crops.pixels[row], points[row, :, :2])
            source = face if other == row else Face(crops.pixels[other], points[other, :, :2])
            yield blending.blended(face, source, blend), turn, crops.box[row]

"""What one pass over a video leaves behind: colour traces of nine skin regions, landmarks, image frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REGIONS = (
    "forehead",
    "left_cheek",
    "right_cheek",
    "left_forehead",
    "right_forehead",
    "chin",
    "nose",
    "left_jaw",
    "right_jaw",
)

FILE = "traces.npz"


@dataclass(frozen=True)
class Traces:
    """Measurements of T frames, in time order.

    Attributes:
        times: presentation times, ``[T] float64``, s.
        rgb: mean colour of each region, ``[T, 9, 3] float32``, 0-255; NaN where the region isn't seen.
        landmarks: FaceMesh points, ``[T, 468, 3] float32``, x and y in pixels of the working frame, z in the same
            unit; NaN where no face is seen.
        spectrum: mean frequency block of the aligned face, ``[64] float64``: 32 radial FFT bins, 32 DCT bands.
        aliased: whether the frames lie too far apart for the pulse band.
    """

    times: NDArray[np.float64]
    rgb: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    spectrum: NDArray[np.float64]
    aliased: bool = False

    def save(self, folder: Path) -> None:
        """Writes ``traces.npz`` into ``folder``, as it is: coordinates hardly compress."""
        np.savez(folder / FILE, **self.__dict__)

    @classmethod
    def load(cls, folder: Path) -> Traces:
        """Reads what ``save`` wrote."""
        with np.load(folder / FILE, allow_pickle=False) as file:
            return cls(
                times=file["times"],
                rgb=file["rgb"],
                landmarks=file["landmarks"],
                spectrum=file["spectrum"],
                aliased=bool(file["aliased"]),
            )

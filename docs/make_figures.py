"""Which figures do the docs show? Run ``python docs/make_figures.py`` to draw them again.

Needs scikit-image for its public-domain portrait (NASA's picture of Eileen Collins).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IMAGES = Path(__file__).parent / "images"


def regions_figure(path: Path, *, scale: float = 2.6, border: int = 10) -> None:
    """Draws the nine regions of the rPPG stream on a portrait.

    Args:
        path: PNG to write.
        scale: enlargement of the portrait.
        border: pixels of the portrait kept around the face.
    """
    import cv2
    from matplotlib import colormaps
    from PIL import Image
    from skimage.data import astronaut

    from deepfake_faces.mesh import FaceMesh
    from deepfake_rppg.regions import POLYGONS

    portrait = astronaut()
    with FaceMesh() as mesh:
        for _ in range(5):  # the mesh settles while it follows
            points = mesh.detect(portrait)[0, :, :2]
    left, top = np.floor(points.min(axis=0)).astype(int) - border
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + border
    face = cv2.resize(portrait[top:bottom, left:right], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    drawn = face.copy()
    corners = {name: ((points[list(indices)] - (left, top)) * scale - 0.5) for name, indices in POLYGONS.items()}
    for number, polygon in enumerate(corners.values()):
        colour = [int(255 * part) for part in colormaps["tab10"](number)[:3]]
        cv2.fillPoly(drawn, [_fixed(polygon)], colour, cv2.LINE_AA, 4)
    drawn = cv2.addWeighted(drawn, 0.45, face, 0.55, 0)
    for name, polygon in corners.items():
        cv2.polylines(drawn, [_fixed(polygon)], True, (255, 255, 255), 1, cv2.LINE_AA, 4)
        x, y = polygon.mean(axis=0)
        words = name.split("_")
        for line, word in enumerate(words):
            _write(drawn, word, (x, y + 11 * (line - (len(words) - 1) / 2)))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn).save(path, optimize=True)


def _fixed(polygon: NDArray[np.floating]) -> NDArray[np.int32]:
    """OpenCV's fixed-point coordinates with 4 binary places."""
    return np.round(polygon * 16).astype(np.int32)


def _write(image: NDArray[np.uint8], text: str, centre: tuple[float, float]) -> None:
    import cv2

    size, _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.3, 1)
    origin = (int(centre[0] - size[0] / 2), int(centre[1] + size[1] / 2))
    for colour, thickness in (((0, 0, 0), 2), ((255, 255, 255), 1)):
        cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.3, colour, thickness, cv2.LINE_AA)


if __name__ == "__main__":
    regions_figure(IMAGES / "rppg_regions.png")

"""Where are the face, the head and the skin in the portrait? Run once by hand; its results ship with the package.

Needs ``mediapipe`` (0.10.14) besides the package's own requirements. Writes ``portrait.json`` (468 FaceMesh points in
pixels of the portrait) and ``regions.png`` (8-bit: red = head with neck, green = skin, blue = hair).
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

PACKAGE = Path(__file__).parents[1] / "deepfake_demo_dataset"
HEAD_BOX = (60, 0, 320, 320)
"""x, y, width, height of the part that FaceMesh sees, enlarged three times."""

HEAD_OUTLINE = (
    (226, 10), (262, 18), (290, 42), (304, 78), (302, 100), (290, 122), (279, 132), (270, 139), (262, 152), (257, 163),
    (255, 186), (238, 189), (220, 190), (204, 186), (187, 182), (187, 168), (189, 155), (185, 142), (179, 132), (172, 128),
    (160, 122), (152, 104), (150, 84), (158, 66), (184, 46), (196, 26),
)  # fmt: skip
"""Loosely around hair, ears and neck; GrabCut finds the true edge inside it."""


def landmarks(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """FaceMesh points ``[468, 3]`` in pixels; z towards the camera is negative."""
    x, y, width, height = HEAD_BOX
    large = cv2.resize(image[y : y + height, x : x + width], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    with mp.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1) as mesh:
        (found,) = mesh.process(large).multi_face_landmarks
    return np.array([[p.x * width + x, p.y * height + y, p.z * width] for p in found.landmark])


def regions(image: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Soft masks ``[512, 512, 3]`` of head, skin and hair."""
    outline = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(outline, [np.array(HEAD_OUTLINE)], 255)
    face = np.zeros_like(outline)
    cv2.fillConvexPoly(face, cv2.convexHull(points[:, :2].astype(np.int32)), 255)
    neck = np.zeros_like(outline)
    cv2.fillPoly(neck, [np.array([(189, 150), (253, 150), (253, 188), (190, 183)])], 255)

    trimap = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    trimap[cv2.dilate(outline, np.ones((9, 9), np.uint8)) > 0] = cv2.GC_PR_BGD
    trimap[cv2.erode(outline, np.ones((7, 7), np.uint8)) > 0] = cv2.GC_PR_FGD
    trimap[cv2.erode(outline, np.ones((25, 25), np.uint8)) > 0] = cv2.GC_FGD
    trimap[(face > 0) | (neck > 0)] = cv2.GC_FGD
    trimap[192:] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(image[:, :, ::-1].copy(), trimap, None, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK)
    head = np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    head = cv2.morphologyEx(head, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    head &= (cv2.dilate(outline, np.ones((5, 5), np.uint8)) > 0).astype(np.uint8)

    smooth = cv2.bilateralFilter(image, 7, 40, 5)
    lightness, red_green, yellow = np.moveaxis(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32), -1, 0)
    skin = ((lightness > 145) & (red_green > 130.5) & (yellow < 151)).astype(np.uint8)
    below_brows = cv2.erode(face, np.ones((13, 13), np.uint8)) > 0
    below_brows[: int(points[105, 1])] = False
    skin[below_brows | (neck > 0)] = 1
    skin = cv2.morphologyEx(cv2.morphologyEx(skin, cv2.MORPH_OPEN, np.ones((3, 3))), cv2.MORPH_CLOSE, np.ones((5, 5)))
    skin &= head
    skin[: int(points[10, 1])] = 0
    hair = head & (1 - skin)
    hair[142:] = 0
    soft = [cv2.GaussianBlur(mask.astype(np.float32), (0, 0), s) for mask, s in ((head, 0.8), (skin, 1.2), (hair, 1.2))]
    return (np.stack(soft, axis=-1) * 255).round().astype(np.uint8)


if __name__ == "__main__":
    portrait = astronaut()
    measured = landmarks(portrait)
    (PACKAGE / "portrait.json").write_text(json.dumps(measured.round(1).tolist(), separators=(",", ":")) + "\n")
    cv2.imwrite(str(PACKAGE / "regions.png"), regions(portrait, measured)[:, :, ::-1])

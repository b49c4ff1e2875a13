from __future__ import annotations

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from deepfake_core import UsageError
from deepfake_faces.detect import BEYOND_MESH, Faces, mesh_box, open_detector


@pytest.fixture(params=["mtcnn", "facemesh"])
def name(request) -> str:
    if request.param == "mtcnn":
        pytest.importorskip("facenet_pytorch")
    return request.param


def look(name: str, *frames: np.ndarray) -> list[Faces]:
    with open_detector(name) as detector:
        return detector.detect(frames)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared))


def test_the_face_of_a_portrait(name, portrait):
    (faces,) = look(name, portrait)
    assert faces.boxes.shape == (1, 4)
    assert faces.points.shape == (1, 5, 2)
    left_eye, right_eye, nose, left_mouth, right_mouth = faces.points[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    left, top, right, bottom = faces.boxes[0]
    assert (faces.points[0] > (left, top)).all()
    assert (faces.points[0] < (right, bottom)).all()


def test_both_detectors_agree_about_the_box_and_the_points(portrait):
    pytest.importorskip("facenet_pytorch")
    ((one,), (other,)) = look("mtcnn", portrait), look("facemesh", portrait)
    assert overlap(one.boxes[0], other.boxes[0]) > 0.8
    assert np.linalg.norm(one.points - other.points, axis=2).max() < 0.06 * np.ptp(one.boxes[0][1::2])
    assert one.confidence[0] > 0.99
    assert np.isnan(other.confidence).all()


def test_mtcnn_finds_what_the_reference_implementation_finds(portrait):
    reference = pytest.importorskip("facenet_pytorch").MTCNN(keep_all=True)
    picture = np.concatenate([portrait, cv2.resize(portrait, (150, 150), interpolation=cv2.INTER_AREA).repeat(2, 0)], 1)
    picture[150:, 300:] = 120
    picture[:150, 300:] = cv2.resize(portrait, (150, 150), interpolation=cv2.INTER_AREA)
    boxes, confidence, points = reference.detect(picture, landmarks=True)
    assert len(boxes) == 2
    points = points.astype(float)
    (found,) = look("mtcnn", picture)
    order = np.argsort(found.boxes[:, 0])
    for ours, theirs in zip(order, np.argsort(boxes[:, 0]), strict=True):
        # Their boxes count pixels from 1 and include the last one.
        assert overlap(found.boxes[ours], boxes[theirs] - (1, 1, 0, 0)) > 0.85
        width = np.ptp(boxes[theirs][::2])
        assert np.linalg.norm(found.points[ours] - points[theirs], axis=1).max() < 0.04 * width
        assert found.confidence[ours] == pytest.approx(confidence[theirs], abs=0.02)


def test_frames_are_looked_at_one_by_one(name, portrait):
    empty, small = np.full_like(portrait, 120), np.full_like(portrait, 60)
    small[50:210, 100:260] = cv2.resize(portrait, (160, 160), interpolation=cv2.INTER_AREA)
    together = look(name, portrait, empty, small)
    assert [len(faces.boxes) for faces in together] == [1, 0, 1]
    for frame, faces in zip((portrait, empty, small), together, strict=True):
        (alone,) = look(name, frame)
        np.testing.assert_allclose(faces.boxes, alone.boxes, atol=0.01)
        np.testing.assert_allclose(faces.points, alone.points, atol=0.01)


def test_boxes_do_not_depend_on_the_number_of_threads(portrait):
    """In an interpreter of its own: PyTorch's threads belong to the process."""
    pytest.importorskip("facenet_pytorch")
    script = (
        "import sys, torch; from skimage.data import astronaut; from deepfake_faces.detect import open_detector\n"
        "def boxes(threads):\n"
        "    torch.set_num_threads(threads)\n"
        "    with open_detector('mtcnn') as detector: faces = detector.detect([astronaut()[:300, 80:380]] * 3)\n"
        "    assert torch.get_num_threads() == threads\n"
        "    return [each.boxes.tobytes() + each.points.tobytes() for each in faces]\n"
        "sys.exit(boxes(1) != boxes(2) or boxes(2) != boxes(4))"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=120).returncode == 0


def test_mtcnn_finds_a_small_face(portrait):
    pytest.importorskip("facenet_pytorch")
    picture = np.full((480, 640, 3), 120, np.uint8)
    picture[200:275, 400:475] = cv2.resize(portrait, (75, 75), interpolation=cv2.INTER_AREA)
    (faces,), (large,) = look("mtcnn", picture), look("mtcnn", portrait)
    assert len(faces.boxes) == 1
    assert overlap(faces.boxes[0], large.boxes[0] / 4 + (400, 200, 400, 200)) > 0.7
    assert np.ptp(faces.boxes[0][::2]) < 30


def test_a_face_that_leaves_the_picture_keeps_its_place(portrait):
    """The box then reaches out of the picture instead of being squeezed into it."""
    pytest.importorskip("facenet_pytorch")
    (whole,) = look("mtcnn", portrait)
    away = round(whole.boxes[0][0] + 0.25 * np.ptp(whole.boxes[0][::2]))
    (cut,) = look("mtcnn", np.ascontiguousarray(portrait[:, away:]))
    assert len(cut.boxes) == 1
    assert cut.boxes[0][0] < 0
    assert overlap(cut.boxes[0] + (away, 0, away, 0), whole.boxes[0]) > 0.7


@pytest.mark.parametrize("shape", [(200, 300, 3), (8, 8, 3), (10, 400, 3)])
def test_a_picture_without_a_face(name, shape):
    (faces,) = look(name, np.full(shape, 127, np.uint8))
    assert faces.boxes.shape == (0, 4)
    assert faces.points.shape == (0, 5, 2)
    assert faces.confidence.shape == (0,)


def test_the_box_of_a_mesh():
    mesh = np.random.default_rng(0).uniform(0, 1, (468, 3)).astype(np.float32)
    mesh[:2, :2] = (0, 0), (1, 1)
    mesh = mesh * (100, 200, 100) + (30, 40, 0)
    np.testing.assert_allclose(mesh_box(mesh), np.array([30, 40, 130, 240]) + np.multiply(BEYOND_MESH, (100, 200) * 2))


def test_scaling_and_leaving_out_what_lies_outside():
    faces = Faces(np.array([[0.0, 0, 10, 20], [95, 0, 115, 20]]), np.ones((2, 5, 2)), np.array([0.8, 0.9]))
    scaled = faces.scaled(2, 3)
    assert scaled.boxes[0].tolist() == [0, 0, 20, 60]
    assert scaled.points[0, 0].tolist() == [2, 3]
    assert faces.within(100, 50).confidence.tolist() == [0.8]
    assert faces.within(106, 50).confidence.tolist() == [0.8, 0.9]


def test_without_the_extra_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    with pytest.raises(UsageError, match=r"deepfake-faces\[mtcnn\]"):
        open_detector("mtcnn")


def test_facemesh_needs_no_torch():
    script = (
        "import sys; sys.modules['torch'] = sys.modules['facenet_pytorch'] = None\n"
        "import numpy, deepfake_faces.crops, deepfake_faces.extract\n"
        "from deepfake_faces.detect import open_detector\n"
        "with open_detector('facemesh') as d: print(len(d.detect([numpy.zeros((64, 64, 3), 'uint8')])[0].boxes))"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.stdout == "0\n", done.stderr

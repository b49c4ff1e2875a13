from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from deepfake_faces.mesh import POINTS, FaceMesh

RIGHT_EYE, LEFT_EYE, NOSE_TIP, CHIN = 33, 263, 4, 152


@pytest.fixture(scope="module")
def portrait():
    return pytest.importorskip("skimage.data").astronaut()


def settled(mesh: FaceMesh, rgb: np.ndarray) -> np.ndarray:
    for _ in range(5):
        faces = mesh.detect(rgb)
    return faces


def test_a_portrait_has_one_upright_face(portrait):
    with FaceMesh(faces=2) as mesh:
        faces = settled(mesh, portrait)
    assert faces.shape == (1, POINTS, 3)
    assert faces.dtype == np.float32
    (points,) = faces
    # The subject's right eye is on the picture's left; y points down.
    assert points[RIGHT_EYE, 0] < points[NOSE_TIP, 0] < points[LEFT_EYE, 0]
    assert points[RIGHT_EYE, 1] < points[NOSE_TIP, 1] < points[CHIN, 1]
    assert points[NOSE_TIP, 2] < points[[RIGHT_EYE, LEFT_EYE], 2].min(), "the nose is nearer than the eyes"


def test_points_are_pixels_of_the_frame(portrait):
    portrait = portrait[:300, 80:380]
    wide = np.zeros((400, 600, 3), np.uint8)
    wide[50:350, 200:500] = portrait
    with FaceMesh() as mesh:
        here = settled(mesh, portrait)[0]
    with FaceMesh() as mesh:
        there = settled(mesh, wide)[0]
    moved = there[:, :2] - here[:, :2]
    np.testing.assert_allclose(np.median(moved, axis=0), (200, 50), atol=1.0)
    # z has the unit of x, so the depth of the face doesn't depend on the size of the frame.
    np.testing.assert_allclose(np.ptp(there[:, 2]), np.ptp(here[:, 2]), rtol=0.1)


def test_a_frame_without_a_face(portrait):
    with FaceMesh() as mesh:
        assert mesh.detect(np.full((240, 320, 3), 127, np.uint8)).shape == (0, POINTS, 3)
        assert len(settled(mesh, portrait)) == 1, "the mesh finds a face that comes later"
        assert len(mesh.detect(np.full((240, 320, 3), 127, np.uint8))) == 0


def test_two_faces(portrait):
    pair = np.concatenate([portrait[:, :400], portrait[:, :400]], axis=1)
    with FaceMesh(faces=3) as mesh:
        faces = settled(mesh, pair)
    assert len(faces) == 2
    distance = np.abs(faces[0, :, 0].mean() - faces[1, :, 0].mean())
    assert distance == pytest.approx(400, abs=2)


def test_the_same_frames_give_the_same_points(portrait):
    results = []
    for _ in range(2):
        with FaceMesh(faces=2) as mesh:
            results.append(settled(mesh, portrait))
    np.testing.assert_array_equal(*results)


def test_rows_need_not_lie_next_to_each_other(portrait):
    with FaceMesh() as mesh:
        expected = settled(mesh, np.ascontiguousarray(portrait[:, 60:400]))
    with FaceMesh() as mesh:
        np.testing.assert_array_equal(settled(mesh, portrait[:, 60:400]), expected)


def test_nothing_is_printed():
    script = (
        "from skimage.data import astronaut\n"
        "from deepfake_faces.mesh import FaceMesh\n"
        "with FaceMesh(faces=2) as mesh: print(len(mesh.detect(astronaut())))"
    )
    pytest.importorskip("skimage")
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)


def test_unknown_lines_on_stderr_are_passed_on(monkeypatch, capfd):
    from mediapipe.python.solutions import face_mesh

    def noisy(**_: object) -> None:
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nmodel file is damaged\n")
        raise RuntimeError("no graph")

    monkeypatch.setattr(face_mesh, "FaceMesh", noisy)
    with pytest.raises(RuntimeError, match="no graph"):
        FaceMesh()
    assert capfd.readouterr().err == "model file is damaged\n"
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n", "stderr is restored"


def test_importing_the_module_is_cheap():
    script = "import sys, deepfake_faces.mesh; print({'mediapipe', 'cv2', 'torch'} & set(sys.modules))"
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={"PYTHONPATH": path})
    assert done.stdout == "set()\n", done.stderr

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from deepfake_core import VideoNoFace
from deepfake_core.data.video import Frame
from deepfake_faces import track
from deepfake_faces.mesh import POINTS
from deepfake_faces.track import FaceTrack, follow

Spot = tuple[float, float, float]
"""Left, top and side of a square face."""


def face(left: float, top: float, side: float) -> np.ndarray:
    points = np.random.default_rng(0).uniform(0, 1, (POINTS, 3))
    points[:2, :2] = (0, 0), (1, 1)
    return np.float32([left, top, 0]) + np.float32(side * points)


@pytest.fixture
def run(monkeypatch) -> Callable[..., FaceTrack[Spot]]:
    """Follows a script: for each frame, the faces that the mesh reports."""

    def run_script(script: Sequence[Sequence[Spot]], **options: float) -> FaceTrack[Spot]:
        class ScriptedMesh:
            def __init__(self, *, faces: int, following: bool = True) -> None:
                self.most = faces

            def detect(self, rgb: np.ndarray) -> np.ndarray:
                found = [face(*spot) for spot in script[rgb[0, 0, 0]]][: self.most]
                return np.stack(found) if found else np.empty((0, POINTS, 3), np.float32)

            def __enter__(self):
                return self

            def __exit__(self, *_: object) -> None: ...

        monkeypatch.setattr(track, "FaceMesh", ScriptedMesh)
        frames = (Frame(number / 25, np.full((4, 4, 3), number, np.uint8)) for number in range(len(script)))
        return follow(frames, lambda _, __, points: tuple(map(float, track._boxes(points[None])[0])), **options)

    return run_script


def test_the_lasting_face_wins_over_the_one_that_is_larger_for_a_moment(run):
    person, passer_by = (100.0, 100.0, 100.0), (400.0, 50.0, 200.0)
    found = run([[person]] * 56 + [[person, passer_by]] * 8 + [[person]] * 12)
    assert found.present.all()
    np.testing.assert_allclose(found.boxes, np.tile((100, 100, 200, 200), (76, 1)), rtol=1e-6)
    assert set(found.measured) == {(100.0, 100.0, 200.0, 200.0)}
    assert found.faces_seen == 2


def test_the_larger_of_two_lasting_faces_wins(run):
    near, far = (300.0, 100.0, 120.0), (100.0, 100.0, 80.0)
    found = run([[far, near]] * 30)
    np.testing.assert_allclose(found.boxes[:, 0], 300)


def test_the_order_of_detection_does_not_matter(run):
    rng = np.random.default_rng(0)
    script = []
    for number in range(50):
        spots = [(100.0 + number, 100.0, 100.0), (320.0 - number, 100.0, 90.0)]
        script.append([spots[i] for i in rng.permutation(2)])
    found = run(script)
    np.testing.assert_allclose(found.boxes[:, 0], 100 + np.arange(50))
    assert found.quality()["face_jumps"] == 0


def test_a_lost_face_is_taken_up_again(run):
    spot = (100.0, 100.0, 100.0)
    found = run([[spot]] * 10 + [[]] * 5 + [[spot]] * 10)
    np.testing.assert_array_equal(found.present, [True] * 10 + [False] * 5 + [True] * 10)
    assert found.measured[12] is None
    assert np.isnan(found.landmarks[12]).all()
    assert np.isnan(found.boxes[12]).all()
    assert found.quality() == {
        "face_share": pytest.approx(0.8),
        "face_px": pytest.approx(100),
        "faces_seen": 1,
        "face_jumps": 0,
    }


def test_another_face_elsewhere_is_another_track(run):
    found = run([[(100.0, 100.0, 100.0)]] * 20 + [[(300.0, 100.0, 100.0)]] * 10)
    np.testing.assert_array_equal(found.present, [True] * 20 + [False] * 10)
    assert found.faces_seen == 2


def test_jumps_are_counted(run):
    found = run([[(100.0, 100.0, 100.0)]] * 10 + [[(140.0, 100.0, 100.0)]] * 10)
    assert found.present.all()
    assert found.quality()["face_jumps"] == 1


def test_a_momentary_detection_is_not_a_face_seen(run):
    spot = (100.0, 100.0, 100.0)
    found = run([[spot]] * 50 + [[spot, (400.0, 100.0, 90.0)]] * 4 + [[spot]] * 50, look_around_every=1)
    assert found.faces_seen == 1


def test_a_newcomer_takes_the_place_of_the_weakest_out_of_sight(run):
    """Three passers-by come and go before the person appears; the person still wins."""
    passers_by = [[(200.0 * number, 0.0, 100.0)] for number in range(3) for _ in range(5)]
    found = run(passers_by + [[(100.0, 300.0, 150.0)]] * 30)
    np.testing.assert_array_equal(found.present, [False] * 15 + [True] * 30)
    assert found.faces_seen == 4


def test_newcomers_do_not_displace_the_strongest(run):
    person = (100.0, 300.0, 150.0)
    passers_by = [[(200.0 * number, 0.0, 100.0)] for number in range(4) for _ in range(3)]
    found = run([[person]] * 20 + passers_by + [[person]] * 10)
    np.testing.assert_array_equal(found.present, [True] * 20 + [False] * 12 + [True] * 10)


def test_a_face_that_joins_later_is_found_by_the_next_look_around(run):
    speaker, newcomer = (100.0, 100.0, 80.0), (300.0, 100.0, 160.0)
    script = [[speaker]] * 5 + [[speaker, newcomer]] * 55
    found = run(script, look_around_every=10)
    np.testing.assert_array_equal(found.present, [False] * 10 + [True] * 50)
    np.testing.assert_allclose(found.boxes[10:, 0], 300)
    assert run(script, look_around_every=1).present.sum() == 55


def test_too_few_frames_with_a_face(run):
    script = [[(100.0, 100.0, 100.0)]] * 4 + [[]] * 6
    with pytest.raises(VideoNoFace) as raised:
        run(script)
    assert raised.value.detail == "face in 4 of 10 frames, 50% needed"
    assert run(script, min_share=0.4).quality()["face_share"] == pytest.approx(0.4)


@pytest.mark.parametrize("script", [[], [[]] * 5])
def test_no_face_at_all(run, script):
    with pytest.raises(VideoNoFace):
        run(script, min_share=0.0)


def test_a_real_face_is_followed_through_a_moving_picture():
    portrait = pytest.importorskip("skimage.data").astronaut()[:300, 80:380]
    ground = np.random.default_rng(0).integers(0, 255, (360, 480, 3), np.uint8)
    shifts = [(4 * number, 2 * number) for number in range(25)]

    def frames() -> Iterator[Frame]:
        for number, (x, y) in enumerate(shifts):
            rgb = ground.copy()
            rgb[y : y + 300, x : x + 300] = portrait
            yield Frame(number / 25, rgb)

    found = follow(frames(), lambda number, frame, points: (number, frame.rgb.shape, points.shape))
    assert found.present.all()
    assert found.measured[3] == (3, (360, 480, 3), (POINTS, 3))
    np.testing.assert_allclose(found.times, np.arange(25) / 25)
    centres = found.landmarks[:, :, :2].mean(axis=1)
    np.testing.assert_allclose(centres - centres[5], np.subtract(shifts, shifts[5]), atol=2.0)

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from deepfake_faces.align import (
    ANCHORS,
    CENTRE,
    HASH_MARGIN,
    HASH_SIZE,
    SIDE,
    TEMPLATE,
    align,
    content_hash,
    difference_hash,
    mesh_anchors,
)
from deepfake_faces.mesh import POINTS

DATA = Path(__file__).parents[4] / "shared" / "data"


def anchors_at(eyes_apart: float, centre: tuple[float, float], degrees: float = 0.0) -> np.ndarray:
    """Points of a face that fits the template exactly: eye distance in pixels, and where its crop's centre lies."""
    turn = np.exp(1j * np.deg2rad(degrees)) * eyes_apart
    spots = complex(*centre) + turn * ((TEMPLATE - CENTRE) @ (1, 1j))
    return np.stack([spots.real, spots.imag], axis=1)


def blobs(shape: tuple[int, int], spots: np.ndarray, width: float) -> np.ndarray:
    """Soft dots; positions are measured from the first pixel's corner."""
    y, x = np.indices(shape) + 0.5
    dots = [np.exp(-((x - left) ** 2 + (y - top) ** 2) / (2 * width**2)) for left, top in spots]
    return np.float32(255 * np.sum(dots, axis=0))


@pytest.mark.parametrize("degrees", [-35.0, 0.0, 20.0])
@pytest.mark.parametrize("eyes_apart", [20.0, 60.0, 150.0])
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_the_anchors_land_where_the_template_says(degrees, eyes_apart, margin):
    points = anchors_at(eyes_apart, (500.3, 480.6), degrees)
    image = blobs((960, 1000), points[2:], width=eyes_apart / 15)
    size = 96
    crop = align(image, points, size=size, margin=margin)
    unit = size / (SIDE * (1 + 2 * margin))
    expected = blobs((size, size), (TEMPLATE[2:] - CENTRE) * unit + size / 2, width=unit / 15)
    assert crop.dtype == np.float32
    # A shift by half a pixel of these dots gives 0.97.
    assert np.corrcoef(crop.ravel(), expected.ravel())[0, 1] > 0.985


def test_the_anchors_of_a_mesh():
    """An eye lies between its corners."""
    mesh = np.zeros((POINTS, 3), np.float32)
    mesh[list(ANCHORS[0]), :2] = (10, 20), (14, 22)
    mesh[ANCHORS[2][0]] = 30, 40, 5
    assert mesh_anchors(mesh).tolist() == [[12, 21], [0, 0], [30, 40], [0, 0], [0, 0]]


def test_a_face_of_the_crops_size_is_copied_unchanged():
    image = np.random.default_rng(0).integers(0, 255, (200, 220, 3), np.uint8)
    size = 66  # eyes 30 pixels apart: one pixel each
    crop = align(image, anchors_at(size / SIDE, (110.0, 97.0)), size=size)
    np.testing.assert_array_equal(crop, image[97 - 33 : 97 + 33, 110 - 33 : 110 + 33])


@pytest.mark.parametrize("reduction", [2, 3, 5, 8])
def test_a_large_face_is_averaged(reduction):
    """On white noise, where any single pixel says next to nothing of its neighbours."""
    side = 32 * reduction
    image = np.random.default_rng(0).uniform(0, 255, (640, 640)).astype(np.float32)
    left = top = 40 * reduction
    points = anchors_at(side / SIDE, (left + side / 2, top + side / 2))
    blocks = image[top : top + side, left : left + side].reshape(32, reduction, 32, reduction).mean(axis=(1, 3))
    crop = align(image, points, size=32)
    assert np.corrcoef(crop.ravel(), blocks.ravel())[0, 1] > 0.85


@pytest.mark.parametrize("eyes_apart", [75.0, 111.0, 160.0])
def test_detail_finer_than_the_crop_hardly_aliases(eyes_apart):
    stripes = np.tile(np.uint8([0, 255]), (600, 300))
    crop = align(stripes, anchors_at(eyes_apart, (300.0, 300.0), 3.0), size=64)
    assert crop.std() < 0.2 * stripes.std()


def test_outside_the_frame_the_picture_is_mirrored():
    image = np.full((100, 100), 200, np.uint8)
    assert (align(image, anchors_at(40.0, (5.0, 50.0)), size=64) == 200).all()


class TestDifferenceHash:
    def test_a_ramp_along_rows_sets_the_row_bits(self):
        ramp = np.tile(np.arange(90, dtype=np.uint8), (36, 1))
        assert difference_hash(ramp) == "ffffffff00000000"
        assert difference_hash(ramp[:, ::-1]) == "0000000000000000"

    def test_a_ramp_along_columns_sets_the_column_bits(self):
        ramp = np.tile(np.arange(90, dtype=np.uint8)[:, None], (1, 36))
        assert difference_hash(ramp) == "00000000ffffffff"

    def test_contrast_size_and_colour_planes_do_not_matter(self):
        cells = np.random.default_rng(0).uniform(40, 200, (36, 36)).astype(np.float32)
        expected = difference_hash(cells)
        assert difference_hash(cells * 0.5 + 20) == expected
        assert difference_hash(np.kron(cells, np.ones((3, 3), np.float32))) == expected
        assert difference_hash(np.stack([np.round(cells)] * 3, axis=2).astype(np.uint8)) == expected

    def test_unrelated_crops_differ_in_half_the_bits(self):
        rng = np.random.default_rng(0)
        hashes = [difference_hash(rng.uniform(0, 255, (36, 36)).astype(np.float32)) for _ in range(40)]
        apart = [bits_apart(a, b) for a, b in combinations(hashes, 2)]
        assert np.mean(apart) == pytest.approx(32, abs=1.5)


def test_a_content_hash_takes_the_crop_nearest_to_the_middle_of_each_eighth():
    hashes = {tenth / 10: f"{tenth:016x}" for tenth in range(81)}
    found = content_hash(hashes, start_s=0.0, end_s=8.0)
    assert [int(found[k * 16 : k * 16 + 16], 16) for k in range(8)] == [5, 15, 25, 35, 45, 55, 65, 75]
    assert content_hash({3.0: "0" * 16}, start_s=0.0, end_s=8.0) == "0" * 128
    assert content_hash({}, start_s=0.0, end_s=8.0) is None


@pytest.mark.skipif(not DATA.exists(), reason="needs real clips in ../shared/data")
def test_real_clips_are_told_apart_and_their_re_encodings_are_not(tmp_path):
    with (DATA / "clips_index.csv").open() as file:
        people = {row["path"]: row["identity"] for row in csv.DictReader(file) if "/grid/" in row["path"]}
    clips = dict(list(people.items())[:3])
    hashes = {name: hash_of(DATA / name) for name in clips}
    for name in clips:
        copy = tmp_path / "copy.mp4"
        half_size(DATA / name, copy)
        assert bits_apart(hashes[name], hash_of(copy)) / 8 <= 8
    for one, other in combinations(clips, 2):
        assert clips[one] == clips[other] or bits_apart(hashes[one], hashes[other]) / 8 > 10


def bits_apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def hash_of(path: Path) -> str:
    from deepfake_core.data import video
    from deepfake_faces.track import follow

    found = follow(
        video.frames(path, max_side=640),
        lambda _, frame, points: difference_hash(
            align(frame.rgb, mesh_anchors(points), size=HASH_SIZE, margin=HASH_MARGIN)
        ),
    )
    hashes = {time: one for time, one in zip(found.times, found.measured, strict=True) if one}
    return content_hash(hashes, start_s=found.times[0], end_s=found.times[-1])


def half_size(source: Path, target: Path) -> None:
    import av

    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        size = old.streams.video[0]
        stream = new.add_stream("libx264", rate=25, options={"crf": "32"})
        stream.width, stream.height, stream.pix_fmt = size.width // 4 * 2, size.height // 4 * 2, "yuv420p"
        for frame in old.decode(video=0):
            picture = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
            clean = av.VideoFrame.from_ndarray(picture.to_ndarray(), format="yuv420p")
            new.mux(stream.encode(clean))
        new.mux(stream.encode(None))

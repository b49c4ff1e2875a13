from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_core.contract.errors import VideoError, VideoMissing, VideoTooLarge, VideoUnreadable
from deepfake_core.data import video
from deepfake_core.data.video import Limits

FPS = 25
CLIPS = Path(__file__).parents[3] / "shared" / "data" / "clips"
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
CORNERS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (40, 40, 210), "white": (230, 230, 230)}


# ---- making videos with known content


def numbered(i: int, *, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """A picture that shows ``i`` as 12 bits, in a grid of 3 x 4 dark and bright blocks."""
    bits = np.array([(i >> b) & 1 for b in range(12)]).reshape(3, 4)
    blocks = np.kron(bits, np.ones((height // 3, width // 4)))
    return np.repeat((40 + 175 * blocks)[..., None], 3, axis=2).astype(np.uint8)


def number(rgb: NDArray[np.uint8]) -> int:
    height, width, _ = rgb.shape
    rows, columns = (2 * np.arange(3) + 1) * height // 6, (2 * np.arange(4) + 1) * width // 8
    bits = rgb[np.ix_(rows, columns)].mean(axis=2).ravel() > 128
    return int(sum(1 << b for b in range(12) if bits[b]))


def numbers(frames: Iterable[video.Frame]) -> list[int]:
    return [number(frame.rgb) for frame in frames]


def write(
    path: Path,
    images: Iterable[NDArray[np.uint8]],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    source: str = "rgb24",
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, FPS),
    options: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
) -> Path:
    """Encodes ``images``, at ``pts`` in units of ``time_base``, else at 25 frames per second."""
    images = list(images)
    with av.open(str(path), "w", options=muxing or {}) as container:
        stream = container.add_stream(codec, rate=FPS, options=options or {})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format=source)
            frame.time_base, frame.pts = time_base, i if pts is None else pts[i]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_numbered(path: Path, count: int, **how: object) -> Path:
    return write(path, (numbered(i) for i in range(count)), **how)  # type: ignore[arg-type]


def with_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Writes a display matrix into the track header of an MP4, as phones do."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    matrix = np.array([a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30], dtype=">i4")
    assert data[at : at + 36] == np.array([one, 0, 0, 0, one, 0, 0, 0, 1 << 30], dtype=">i4").tobytes()
    data[at : at + 36] = matrix.tobytes()
    turned = path.with_stem(f"{path.stem}_turned")
    turned.write_bytes(data)
    return turned


def flat(colour: Sequence[int], *, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    return np.full((height, width, len(colour)), colour, np.uint8)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 numbered frames with B-frames."""
    return write_numbered(tmp_path_factory.mktemp("clip") / "clip.mp4", 40, options={"bf": "3"})


# ---- timestamps


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rate_keeps_its_timestamps(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    pts = np.cumsum(rng.integers(10, 120, size=40))
    path = write_numbered(
        tmp_path / f"vfr{suffix}", 40, pts=pts.tolist(), time_base=Fraction(1, 1000), options={"bf": "3"}
    )
    read = list(video.frames(path))
    assert numbers(read) == list(range(40))
    assert [frame.time_s for frame in read] == pytest.approx((pts - pts[0]) / 1000, abs=6e-4)


def test_missing_timestamps_follow_the_frame_rate(tmp_path: Path) -> None:
    read = list(video.frames(write_numbered(tmp_path / "raw.h264", 40)))
    assert numbers(read) == list(range(40))
    assert [frame.time_s for frame in read] == pytest.approx(np.arange(40) / FPS)


def test_timestamps_that_begin_anew_go_on(tmp_path: Path) -> None:
    part = write_numbered(tmp_path / "part.ts", 40).read_bytes()
    path = tmp_path / "twice.ts"
    path.write_bytes(part + part)
    read = list(video.frames(path))
    assert numbers(read) == [*range(40), *range(40)]
    assert [frame.time_s for frame in read] == pytest.approx(np.arange(80) / FPS)
    # The packet at the seam counts as damaged, so positions may be off by one.
    sampled = [frame.time_s for frame in video.sample(path, 16)]
    assert sampled == pytest.approx([(2 * k + 1) * 80 // 32 / FPS for k in range(16)], abs=1.01 / FPS)


# ---- contiguous frames


def test_a_window_holds_the_frames_of_its_seconds(clip: Path) -> None:
    assert numbers(video.frames(clip, start_s=0.4, duration_s=0.2)) == [10, 11, 12, 13, 14]
    assert numbers(video.frames(clip, start_s=1.5)) == [38, 39]
    assert numbers(video.frames(clip, start_s=99.0)) == []


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        (".mp4", "libx264", {"g": "40", "bf": "3"}),
        (".mkv", "libx264", {"x264-params": "keyint=40:open-gop=1:bframes=3:b-adapt=0:scenecut=0"}),
        (".ts", "libx264", {"g": "40"}),
        (".mpg", "mpeg2video", {"g": "12", "bf": "2"}),
        (".webm", "libvpx", {"g": "40", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}),
    ],
)
def test_a_far_start_and_hops_give_the_same_frames_as_reading_all(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str]
) -> None:
    path = write_numbered(tmp_path / f"long{suffix}", 400, codec=codec, options=options)
    everything = list(video.frames(path))
    assert numbers(everything) == list(range(400))

    window = list(video.frames(path, start_s=12.1, duration_s=2.0))
    expected = [frame for frame in everything if 12.1 <= frame.time_s < 14.1]
    assert [frame.time_s for frame in window] == [frame.time_s for frame in expected]
    assert all(np.array_equal(one.rgb, other.rgb) for one, other in zip(window, expected, strict=True))

    sampled = list(video.sample(path, 5))
    if codec != "libvpx":  # its hidden reference frames are packets too
        assert numbers(sampled) == [40, 120, 200, 280, 360]
    assert len(sampled) == 5
    for frame in sampled:
        same = everything[number(frame.rgb)]
        assert frame.time_s == same.time_s
        assert np.array_equal(frame.rgb, same.rgb)


# ---- sampling


@pytest.mark.parametrize("count", [1, 7, 16, 39, 40])
def test_sampled_frames_are_the_middles_of_equal_runs(clip: Path, count: int) -> None:
    assert numbers(video.sample(clip, count)) == [math.floor((k + 0.5) * 40 / count) for k in range(count)]


def test_a_clip_with_fewer_frames_than_asked_gives_all(clip: Path) -> None:
    assert numbers(video.sample(clip, 100)) == list(range(40))


def test_sampling_counts_the_frames_there_are_not_those_announced(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = (rng.integers(0, 255, size=(48, 64, 3), dtype=np.uint8) for _ in range(100))
    path = write(tmp_path / "clip.mp4", noise, options={"bf": "0", "g": "10"}, muxing={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert video.probe(path).frame_count == 100
    there = [frame.time_s for frame in video.frames(path)]
    assert 40 < len(there) < 60
    assert [frame.time_s for frame in video.sample(path, 8)] == [
        there[len(there) * (2 * k + 1) // 16] for k in range(8)
    ]


def test_asking_for_no_frame_or_no_pixel_is_a_mistake(clip: Path) -> None:
    with pytest.raises(ValueError, match="count"):
        next(video.sample(clip, 0))
    with pytest.raises(ValueError, match="max_side"):
        next(video.frames(clip, max_side=0))


# ---- size, rotation, colour


@pytest.mark.parametrize(
    ("matrix", "rotation", "mirrored", "corners"),
    [
        ((1, 0, 0, 1), 0, False, "red green blue white"),
        ((0, 1, -1, 0), 90, False, "blue red white green"),
        ((-1, 0, 0, -1), 180, False, "white blue green red"),
        ((0, -1, 1, 0), 270, False, "green white red blue"),
        ((1, 0, 0, -1), 0, True, "blue white red green"),
        ((-1, 0, 0, 1), 180, True, "green red white blue"),
        ((0, 1, 1, 0), 90, True, "red blue green white"),
        ((0, -1, -1, 0), 270, True, "white green blue red"),
    ],
)
def test_frames_are_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], rotation: int, mirrored: bool, corners: str
) -> None:
    """Corners are named top left, top right, bottom left, bottom right: before, red green blue white."""
    image = np.zeros((64, 96, 3), np.uint8)
    stored = np.array(list(CORNERS.values()))
    image[:32, :48], image[:32, 48:], image[32:, :48], image[32:, 48:] = stored
    path = with_matrix(write(tmp_path / "clip.mp4", [image] * 3), *matrix)

    info = video.probe(path)
    upright = (64, 96) if rotation % 180 else (96, 64)
    assert (info.width, info.height, info.rotation, info.mirrored) == (*upright, rotation, mirrored)
    for max_side, shape in [(None, (upright[1], upright[0], 3)), (48, (upright[1] // 2, upright[0] // 2, 3))]:
        rgb = next(video.frames(path, max_side=max_side)).rgb
        assert rgb.shape == shape
        assert rgb.flags.c_contiguous and rgb.dtype == np.uint8
        height, width, _ = rgb.shape
        seen = rgb[np.ix_([height // 4, 3 * height // 4], [width // 4, 3 * width // 4])].reshape(4, 3)
        nearest = [
            min(CORNERS, key=lambda name: abs(np.array(CORNERS[name]) - pixel).sum()) for pixel in seen.astype(int)
        ]
        assert " ".join(nearest) == corners


@pytest.mark.parametrize(("max_side", "shape"), [(None, (48, 64)), (200, (48, 64)), (32, (24, 32)), (30, (22, 30))])
def test_frames_are_scaled_down_never_up(clip: Path, max_side: int | None, shape: tuple[int, int]) -> None:
    assert next(video.frames(clip, max_side=max_side)).rgb.shape == (*shape, 3)
    assert next(video.sample(clip, 1, max_side=max_side)).rgb.shape == (*shape, 3)


def test_scaling_down_averages_areas(tmp_path: Path) -> None:
    stripes = np.zeros((48, 64, 3), np.uint8)
    stripes[:, ::4] = 240
    path = write(tmp_path / "stripes.mkv", [stripes], codec="ffv1", pix_fmt="bgr0")
    rgb = next(video.frames(path, max_side=16)).rgb
    assert rgb.mean() == pytest.approx(60, abs=2)
    assert rgb.std() < 2


@pytest.mark.parametrize("max_side", [None, 32])
@pytest.mark.parametrize("colour", [(200, 20, 20), (20, 180, 20), (30, 30, 190), (120, 120, 120)])
@pytest.mark.parametrize(("matrix", "tag"), [("ITU709", 1), ("ITU601", 6), ("ITU601", 2)])
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_survive_matrix_and_range(
    tmp_path: Path, matrix: str, tag: int, full_range: bool, colour: tuple[int, int, int], max_side: int | None
) -> None:
    path = tmp_path / "colour.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace = tag
        stream.codec_context.color_range = 2 if full_range else 1
        frame = av.VideoFrame.from_ndarray(flat(colour), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=matrix, dst_color_range=2 if full_range else 1
        )
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    rgb = next(video.frames(path, max_side=max_side)).rgb
    assert rgb.reshape(-1, 3).mean(axis=0) == pytest.approx(colour, abs=4)


def write_tagged(path: Path, codec: str, matrix: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace = matrix
        frame = av.VideoFrame.from_ndarray(flat((200, 20, 20)), format="rgb24").reformat(format="yuv420p")
        frame.colorspace = matrix
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).colorspace == matrix
    return path


def test_a_reserved_colour_matrix_is_read_as_unspecified(tmp_path: Path) -> None:
    reserved = next(video.frames(write_tagged(tmp_path / "reserved.webm", "libvpx-vp9", 3))).rgb
    unspecified = next(video.frames(write_tagged(tmp_path / "unspecified.webm", "libvpx-vp9", 2))).rgb
    assert np.array_equal(reserved, unspecified)
    assert reserved.reshape(-1, 3).mean(axis=0) == pytest.approx((200, 20, 20), abs=4)


def test_a_colour_matrix_that_cannot_be_converted_is_refused_rather_than_guessed(tmp_path: Path) -> None:
    with pytest.raises(VideoUnreadable):
        list(video.frames(write_tagged(tmp_path / "ycgco.mkv", "ffv1", 8)))


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [
        ("ffv1", "yuv420p10le"),
        ("ffv1", "yuv422p12le"),
        ("ffv1", "yuv444p16le"),
        ("ffv1", "yuva420p"),
        ("ffv1", "bgra"),
        ("ffv1", "gray"),
        ("ffv1", "gray16le"),
        ("png", "rgb24"),
        ("png", "rgba"),
        ("png", "pal8"),
        ("png", "ya8"),
        ("mjpeg", "yuvj444p"),
        ("libx264", "yuv422p10le"),
    ],
)
def test_pixel_formats(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    grey = pix_fmt.startswith(("gray", "ya"))
    colour = (120, 120, 120) if grey else (200, 60, 90)
    if pix_fmt == "pal8":
        path = write_palette(tmp_path / "clip.nut", colour)
    else:
        path = write(tmp_path / "clip.nut", [flat(colour)] * 3, codec=codec, pix_fmt=pix_fmt)
    read = list(video.frames(path))
    assert len(read) == 3
    assert read[0].rgb.shape == (48, 64, 3)
    assert read[0].rgb.reshape(-1, 3).mean(axis=0) == pytest.approx(colour, abs=4)


def write_palette(path: Path, colour: tuple[int, int, int]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        palette = np.tile(np.array([255, *colour], np.uint8), (256, 1))
        for i in range(3):
            frame = av.VideoFrame.from_ndarray((np.full((48, 64), 7, np.uint8), palette), format="pal8")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_an_animated_gif_is_a_video(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.gif", 30, codec="gif", pix_fmt="gray")
    read = list(video.frames(path))
    assert numbers(read) == list(range(30))
    assert [frame.time_s for frame in read] == pytest.approx(np.arange(30) / FPS)
    assert video.probe(path).codec == "gif"


# ---- what a header says


def test_probe(clip: Path) -> None:
    info = video.probe(clip)
    assert (info.width, info.height, info.rotation, info.mirrored) == (64, 48, 0, False)
    assert (info.fps, info.duration_s, info.frame_count, info.codec) == (25.0, pytest.approx(1.6), 40, "h264")


def test_probe_estimates_where_the_container_has_no_count(tmp_path: Path) -> None:
    info = video.probe(write_numbered(tmp_path / "clip.mkv", 40))
    assert info.frame_count == 40
    raw = video.probe(write_numbered(tmp_path / "clip.h264", 40))
    assert (raw.duration_s, raw.frame_count) == (None, None)


def test_cover_art_is_not_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        audio = container.add_stream("aac", rate=44_100)
        cover = container.add_stream("mjpeg", rate=FPS)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44_100
        container.mux(cover.encode(av.VideoFrame.from_ndarray(flat((9, 9, 9)), format="rgb24")))
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(VideoUnreadable, match="no video stream"):
        video.probe(path)


# ---- what can't be read


def read_all_ways(path: Path, limits: Limits = video.DEFAULT_LIMITS) -> list[str]:
    """The status with which each public door refuses the file, or ``read``."""
    ways = (
        lambda: video.probe(path, limits=limits),
        lambda: list(video.frames(path, limits=limits)),
        lambda: list(video.sample(path, 4, limits=limits)),
    )
    statuses = []
    for way in ways:
        try:
            way()
            statuses.append("read")
        except VideoError as error:
            statuses.append(error.status)
    return statuses


def test_what_is_no_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none.mp4", tmp_path, tmp_path / "file" / "x.mp4"):
        assert read_all_ways(path) == [VideoMissing.status] * 3


def test_what_is_no_video_is_unreadable(tmp_path: Path, clip: Path) -> None:
    segment = write_numbered(tmp_path / "segment.ts", 40)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.6,\n{segment}\n#EXT-X-ENDLIST\n"
    whole = clip.read_bytes()
    for content in (b"", b"not a video\n" * 99, playlist.encode(), whole[:1000], whole[: len(whole) // 2]):
        path = tmp_path / "fake.mp4"
        path.write_bytes(content)
        assert read_all_ways(path) == [VideoUnreadable.status] * 3


def test_damage_that_ffmpeg_takes_for_a_lack_of_permission_is_unreadable(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.wmv", 3, codec="wmv2")
    data = path.read_bytes()
    kind_of_stream = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
    assert kind_of_stream in data
    path.write_bytes(data.replace(kind_of_stream, bytes(16)))
    assert read_all_ways(path) == [VideoUnreadable.status] * 3


def test_a_video_of_no_frames_is_unreadable(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, size=(48, 64, 3), dtype=np.uint8)
    path = write(tmp_path / "clip.mp4", [noise] * 3, muxing={"movflags": "faststart"})
    data = path.read_bytes()
    start = data.index(b"mdat") + 4
    path.write_bytes(data[:start] + bytes(len(data) - start))
    assert read_all_ways(path) == [VideoUnreadable.status] * 3
    path.write_bytes(data[:start])
    assert read_all_ways(path) == [VideoUnreadable.status] * 3


def test_streams_that_turn_up_midway_do_not_matter(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, size=(48, 64, 3), dtype=np.uint8) for _ in range(60)]
    path = write(tmp_path / "clip.ts", noise)
    packets = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 188).copy()
    of_video = (packets[:, 1] & 0x1F == 1) & (packets[:, 2] == 0)
    starts = np.flatnonzero(of_video & (packets[:, 1] & 0x40 > 0))
    packets[starts[45:55], 2] = 1 + np.arange(10)  # an identifier of their own; what is read on opening ends before
    path.write_bytes(packets.tobytes())
    for _ in range(10):
        assert read_all_ways(path) == ["read"] * 3
        assert len(list(video.frames(path))) >= 45


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".avi", ".gif"])
def test_a_file_that_breaks_off_gives_the_frames_before(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, size=(48, 64, 3), dtype=np.uint8) for _ in range(60)]
    how = {"codec": "gif", "pix_fmt": "rgb8"} if suffix == ".gif" else {"options": {"g": "10"}}
    path = write(tmp_path / f"clip{suffix}", noise, **how)  # type: ignore[arg-type]
    whole = list(video.frames(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    part = list(video.frames(path))
    assert 20 <= len(part) <= 40
    for one, other in zip(part[:-1], whole, strict=False):  # a GIF doesn't tell that its last picture is incomplete
        assert one.time_s == pytest.approx(other.time_s)
        assert np.array_equal(one.rgb, other.rgb)
    assert len(list(video.sample(path, 8))) == 8


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mpg", ".gif"])
def test_damage_raises_no_other_error_prints_nothing_and_reads_the_same_again(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    codec, pix_fmt = {".gif": ("gif", "rgb8"), ".mpg": ("mpeg2video", "yuv420p")}.get(suffix, ("libx264", "yuv420p"))
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 255, size=(48, 64, 3), dtype=np.uint8) for _ in range(30)]
    whole = np.frombuffer(write(tmp_path / f"clip{suffix}", noise, codec=codec, pix_fmt=pix_fmt).read_bytes(), np.uint8)
    capfd.readouterr()
    path = tmp_path / f"damaged{suffix}"
    outcomes = set()
    for _ in range(25):
        damaged = whole.copy()
        at = rng.integers(0, len(whole), size=rng.integers(1, 30))
        damaged[at] = rng.integers(0, 256, size=len(at))
        path.write_bytes(damaged.tobytes())
        outcomes.update(read_all_ways(path))
        if read_all_ways(path)[1] == "read":
            first, again = list(video.frames(path)), list(video.frames(path))
            assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(first, again, strict=True))
            times = [frame.time_s for frame in first]
            assert all(later > earlier for earlier, later in pairwise(times))
    assert "read" in outcomes
    assert capfd.readouterr() == ("", "")


def test_tags_in_an_unknown_encoding_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "ABCDEFGH"
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(5), format="rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"ABCDEFGH", b"\xff\xfe\xe9\xe8\xff\xfe\xe9\xe8"))
    assert numbers(video.frames(path)) == [5]


# ---- bounds


def test_the_pixel_limit_is_exact(clip: Path, tmp_path: Path) -> None:
    gif = write_numbered(tmp_path / "clip.gif", 3, codec="gif", pix_fmt="gray")
    for path in (clip, gif):
        assert read_all_ways(path, Limits(max_pixels=64 * 48)) == ["read"] * 3
        assert read_all_ways(path, Limits(max_pixels=64 * 48 - 1)) == [VideoTooLarge.status] * 3


def outcome_and_peak(path: Path) -> tuple[str, int]:
    """What reading the file in a fresh process comes to, and the most memory it ever had, in MB."""
    code = (
        "import re, sys; from pathlib import Path; from deepfake_core.data import video\n"
        "from deepfake_core.contract.errors import VideoTooLarge\n"
        "try: print(sum(1 for _ in video.frames(Path(sys.argv[1]), max_side=640)))\n"
        "except VideoTooLarge as error: print(error.status)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    outcome, kilobytes = out.split()
    return outcome, int(kilobytes) // 1024


@needs_proc
def test_8k_is_refused_without_decoding_it(tmp_path: Path) -> None:
    picture = np.full((4320, 7680), 90, np.uint8)
    path = write(tmp_path / "8k.mp4", [picture], source="gray", options={"preset": "ultrafast"})
    outcome, peak = outcome_and_peak(path)
    assert outcome == VideoTooLarge.status
    assert peak < 100


def test_a_gif_that_claims_a_huge_canvas_is_refused(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.gif", 3, codec="gif", pix_fmt="gray")
    data = bytearray(path.read_bytes())
    data[6:10] = np.array([16_000, 16_000], "<u2").tobytes()
    path.write_bytes(data)
    assert read_all_ways(path) == [VideoTooLarge.status] * 3


@pytest.mark.parametrize("limit", [128 * 96, 7680 * 4320])
def test_a_size_that_grows_midway_is_refused(tmp_path: Path, limit: int) -> None:
    """With and without the margin that the decoder's own bound has."""
    small = write_numbered(tmp_path / "small.ts", 30).read_bytes()
    large = np.full((4336, 7680) if limit > 10**6 else (112, 128), 90, np.uint8)
    grown = tmp_path / "grown.ts"
    grown.write_bytes(
        small + write(tmp_path / "large.ts", [large] * 2, source="gray", options={"preset": "ultrafast"}).read_bytes()
    )
    read = video.frames(grown, limits=Limits(max_pixels=limit))
    assert [number(next(read).rgb) for _ in range(25)] == list(range(25))
    with pytest.raises(VideoTooLarge):
        list(read)


def test_a_size_may_change_within_the_limit(tmp_path: Path) -> None:
    parts = [write(tmp_path / f"{w}.ts", [numbered(i, width=w) for i in range(9)]).read_bytes() for w in (64, 128)]
    path = tmp_path / "both.ts"
    path.write_bytes(parts[0] + parts[1])
    read = list(video.frames(path))
    assert [frame.rgb.shape[1] for frame in read] == [64] * 9 + [128] * 9
    assert numbers(read) == [*range(9), *range(9)]


def test_deep_pixels_count_in_proportion_where_many_frames_are_kept(tmp_path: Path) -> None:
    exact, a_fifth_more = Limits(max_pixels=64 * 48), Limits(max_pixels=64 * 48 * 6 // 5)
    refused = VideoTooLarge.status
    for codec, pix_fmt, exactly, with_a_fifth_more in [
        ("libx264", "yuv422p", "read", "read"),
        ("libx264", "yuv420p10le", refused, "read"),
        ("libx264", "yuv444p", refused, "read"),
        ("libx264", "yuv444p10le", refused, refused),
        ("ffv1", "yuv444p10le", "read", "read"),
    ]:
        path = write_numbered(tmp_path / f"{codec}_{pix_fmt}.mkv", 3, codec=codec, pix_fmt=pix_fmt)
        assert read_all_ways(path, exact) == [exactly] * 3
        assert read_all_ways(path, a_fifth_more) == [with_a_fifth_more] * 3


def test_frame_and_duration_limits_end_the_clip(clip: Path, tmp_path: Path) -> None:
    for path in (clip, write_numbered(tmp_path / "raw.h264", 40)):
        assert numbers(video.frames(path, limits=Limits(max_frames=8))) == list(range(8))
        assert numbers(video.frames(path, start_s=0.4, limits=Limits(max_frames=8))) == list(range(10, 18))
        assert numbers(video.frames(path, start_s=0.4, limits=Limits(max_duration_s=0.2))) == list(range(10, 15))
        assert numbers(video.sample(path, 2, limits=Limits(max_duration_s=0.8))) == [5, 15]
    # The packets of the first 20 frames are those of the first 20 pictures only without B-frames.
    plain = write_numbered(tmp_path / "plain.mp4", 40, options={"bf": "0"})
    assert numbers(video.sample(plain, 2, limits=Limits(max_frames=20))) == [5, 15]


@needs_proc
def test_memory_stays_bounded_at_the_largest_size(tmp_path: Path) -> None:
    """As deep a format as is read at this size, with as many reference frames as a codec allows."""
    path = write(
        tmp_path / "large.mp4",
        (np.full((2160, 3840), 40 + 5 * i, np.uint8) for i in range(32)),
        source="gray",
        pix_fmt="yuv420p10le",
        options={"preset": "ultrafast", "x264-params": "ref=16:bframes=3:b-adapt=0:b-pyramid=normal:level=6.2"},
    )
    outcome, peak = outcome_and_peak(path)
    assert outcome == "32"
    assert 400 < peak < 600


# ---- files are let go


@needs_proc
def test_a_dropped_generator_closes_its_file(clip: Path) -> None:
    def is_open() -> bool:
        return any(link.exists() and link.resolve() == clip.resolve() for link in Path("/proc/self/fd").iterdir())

    for read in (video.frames(clip), video.sample(clip, 4)):
        assert not is_open()
        next(read)
        assert is_open()
        read.close()  # type: ignore[attr-defined]
        assert not is_open()
    read = video.frames(clip)
    next(read)
    del read
    assert not is_open()
    video.probe(clip)
    assert not is_open()


# ---- real files


@pytest.mark.skipif(not CLIPS.exists(), reason="no folder of real clips beside the repository")
@pytest.mark.parametrize(
    "pattern", ["intel/*.mkv", "intel/*.gif", "grid/*.mpg", "misc/*.mp4", "faceswap_pairs/Dean*.mp4"]
)
def test_real_clips(pattern: str) -> None:
    path = sorted(CLIPS.glob(pattern))[0]
    everything = list(video.frames(path, max_side=160))
    sampled = list(video.sample(path, 16, max_side=160))
    total = len(everything)
    assert total == pytest.approx(video.probe(path).frame_count, abs=2)
    for k, frame in enumerate(sampled):
        same = everything[(2 * k + 1) * total // 32]
        assert frame.time_s == same.time_s
        assert np.array_equal(frame.rgb, same.rgb)

"""How does a take become files? Renders its real clip and its fakes together and encodes them as H.264."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_demo_dataset.clips import Clip
from deepfake_demo_dataset.forge import KEPT, Faceswap, Forger, Reenactment, Selfblend
from deepfake_demo_dataset.portrait import HEIGHT, WIDTH
from deepfake_demo_dataset.studio import Studio


def frames(clips: Sequence[Clip], *, seconds: float | None = None) -> Iterator[tuple[NDArray[np.uint8], ...]]:
    """The frames of ``clips`` before encoding, ``[H, W, 3] uint8 RGB`` each; only the first ``seconds`` if given.

    Args:
        clips: of one take, which is filmed once for all of them.
        seconds: how much of it.
    """
    (take,) = {clip.take for clip in clips}
    studio = Studio(take)
    forgers = [_forger(clip, studio) for clip in clips]
    count = len(studio.times) if seconds is None else round(seconds * take.fps)
    for number in range(count):
        filmed = studio.shoot(number)
        images = (filmed if forger is None else forger.forge(number, filmed) for forger in forgers)
        yield tuple(np.rint(image).astype(np.uint8) for image in images)


def write(clips: Sequence[Clip], paths: Sequence[Path], *, seconds: float | None = None) -> None:
    """Encodes ``clips``, of one take, into the MP4 files ``paths``."""
    import av

    with ExitStack() as stack:
        outputs = []
        for clip, path in zip(clips, paths, strict=True):
            container = stack.enter_context(av.open(str(path), "w", format="mp4"))
            stream = container.add_stream("libx264", rate=clip.take.fps)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            # One thread: the same frames give the same file, and takes are rendered side by side anyway.
            stream.codec_context.thread_count = 1
            # At the usual chroma quality, x264 drops a pulse of one grey level, as cheap web video does. Its macroblock
            # tree is off because with it, equal frames don't always give equal files.
            stream.options = {
                "crf": str(clip.take.crf),
                "preset": "veryfast",
                "x264-params": "chroma-qp-offset=-8:no-mbtree=1",
            }
            outputs.append((container, stream))
        for images in frames(clips, seconds=seconds):
            for image, (container, stream) in zip(images, outputs, strict=True):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        for container, stream in outputs:
            container.mux(stream.encode(None))


def truth(clip: Clip) -> dict[str, str | float | None]:
    """What is known of the clip.

    Heart rate in its face (None if there is none), strength of the pulse (share of brightness in green at the forehead),
    frame rate, length, and whose pulse it is.
    """
    pulse = "own" if clip.recipe is None else clip.recipe.pulse
    heart = clip.other if pulse == "donor" and clip.other else clip.take
    return {
        "bpm": None if pulse == "lost" else round(heart.pulse.bpm, 2),
        "strength": 0.0 if pulse == "lost" else round(KEPT[pulse] * heart.strength, 5),
        "fps": round(float(clip.take.fps), 3),
        "duration_s": round(len(clip.take.times) / float(clip.take.fps), 3),
        "pulse": pulse,
    }


def _forger(clip: Clip, studio: Studio) -> Forger | None:
    if clip.recipe is None:
        return None
    if clip.method == "selfblend":
        return Selfblend(studio, clip.recipe, clip.video_id)
    if clip.other is None:
        raise ValueError(f"{clip.video_id}: a {clip.method} needs a second person")
    kind = {"faceswap": Faceswap, "reenactment": Reenactment}[clip.method]
    return kind(studio, Studio(clip.other), clip.recipe, clip.video_id)

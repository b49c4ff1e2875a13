"""Which faces does MTCNN see in a frame?

The cascade of Zhang et al. 2016 (10.1109/LSP.2016.2603342), with the three networks and weights of facenet-pytorch.
Its own loop isn't used: it resizes candidates one by one, which takes most of its time, squeezes those that reach out
of the picture, and fails when one lies wholly outside.

The only module that imports torch; needs the extra ``mtcnn``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_faces.detect import Faces

if TYPE_CHECKING:
    from torch import Tensor, nn

MIN_FACE = 24
"""Smallest face looked for, pixels of the frame given. 20 takes 1.4 times as long, 40 saves a quarter."""

SHRINK = 0.709
"""From one step of the pyramid to the next: half the area."""

PROPOSED, REFINED, ACCEPTED = 0.6, 0.7, 0.7
"""Lowest score that passes each of the three networks."""

CELL, STRIDE = 12, 2
"""The proposal network looks at every second position through a window of 12 x 12 pixels."""

PORTION = 256
"""Candidates that the second and third network look at together: 70 MB."""


class MtcnnDetector:
    """MTCNN on the CPU. Frames are looked at side by side, but don't influence each other."""

    def detect(self, frames: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """See ``Detector``."""
        import torch

        with torch.inference_mode(), _one_thread():
            halves = _halves(frames)
            candidates = _propose(frames)
            if len(candidates[0]):
                candidates = _refine(halves, *candidates)
            if not len(candidates[0]):
                return [Faces(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0)) for _ in frames]
            frame, boxes, scores, points = (part.numpy() for part in _accept(halves, *candidates))
        picked = [_innermost(boxes, scores, np.flatnonzero(frame == number)) for number in range(len(frames))]
        return [Faces(*(part[rows].astype(np.float64) for part in (boxes, points, scores))) for rows in picked]

    def __enter__(self) -> MtcnnDetector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end: the networks stay for the next video of this process."""


@contextmanager
def _one_thread() -> Iterator[None]:
    """More threads would move boxes by some 1e-4 pixels, and scores of a video would depend on where its faces were found."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Networks(NamedTuple):
    propose: nn.Module
    refine: nn.Module
    accept: nn.Module


class _Found(NamedTuple):
    """Candidates of all frames: number of the frame ``[N]``, box ``[N, 4]``, score ``[N]``, points ``[N, 5, 2]``."""

    frame: Tensor
    boxes: Tensor
    scores: Tensor
    points: Tensor


@functools.cache
def _networks() -> _Networks:
    """Made once per process; they hold nothing of what they have seen."""
    import torch
    from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

    # Pooling is the slowest layer, unless a pixel's channels lie side by side.
    networks = (kind().eval().to(memory_format=torch.channels_last) for kind in (PNet, RNet, ONet))
    return _Networks(*networks)


def _propose(frames: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
    """Numbers of frames and boxes where a window of some step of the pyramid looks like a face."""
    import cv2
    import torch
    from torchvision.ops import batched_nms

    height, width = frames[0].shape[:2]
    scale = CELL / MIN_FACE
    steps: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    while min(height, width) * scale >= CELL:
        size = (round(width * scale), round(height * scale))
        small = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])
        shifts, chances = _networks().propose(_normal(torch.from_numpy(small).permute(0, 3, 1, 2).float()))
        chances = chances[:, 1]
        frame, row, column = torch.nonzero(chances >= PROPOSED, as_tuple=True)
        scores, shift = chances[frame, row, column], shifts[frame, :, row, column]
        corner = torch.stack([column, row], dim=1) * float(STRIDE)
        stretch = torch.tensor([width / size[0], height / size[1]])
        boxes = torch.cat([corner * stretch, (corner + CELL) * stretch], dim=1)
        keep = batched_nms(boxes, scores, frame, 0.5)
        steps.append((frame[keep], boxes[keep], scores[keep], shift[keep]))
        scale *= SHRINK
    if not steps:
        return torch.empty(0, dtype=torch.int64), torch.empty(0, 4)
    frame, boxes, scores, shift = (torch.cat(parts) for parts in zip(*steps, strict=True))
    keep = batched_nms(boxes, scores, frame, 0.7)
    return frame[keep], _squared(_shifted(boxes[keep], shift[keep]))


def _refine(halves: Sequence[Tensor], frame: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The proposals that pass the second network, moved by it."""
    from torchvision.ops import batched_nms

    shift, chances = _in_portions(_networks().refine, _patches(halves, frame, boxes, size=24))
    passed = chances[:, 1] > REFINED
    frame, boxes, scores, shift = frame[passed], boxes[passed], chances[passed, 1], shift[passed]
    keep = batched_nms(boxes, scores, frame, 0.7)
    return frame[keep], _squared(_shifted(boxes[keep], shift[keep]))


def _accept(halves: Sequence[Tensor], frame: Tensor, boxes: Tensor) -> _Found:
    """Those that pass the third network, moved by it, with their points; some show the same face."""
    shift, places, chances = _in_portions(_networks().accept, _patches(halves, frame, boxes, size=48))
    passed = chances[:, 1] > ACCEPTED
    frame, boxes, shift = frame[passed], boxes[passed], shift[passed]
    places = places[passed].reshape(-1, 2, 5).transpose(1, 2)
    points = boxes[:, None, :2] + places * (boxes[:, None, 2:] - boxes[:, None, :2])
    return _Found(frame, _shifted(boxes, shift), chances[passed, 1], points)


def _in_portions(network: nn.Module, patches: Tensor) -> tuple[Tensor, ...]:
    """What the network says about the patches, in bounded memory however many there are."""
    import torch

    said = [network(portion) for portion in torch.split(patches, PORTION)]
    return tuple(torch.cat(parts) for parts in zip(*said, strict=True))


def _halves(frames: Sequence[NDArray[np.uint8]]) -> list[Tensor]:
    """The frames, ``[B, 3, H, W] float32``, at whole size, half, quarter and so on."""
    import torch
    from torch.nn.functional import avg_pool2d

    halves = [torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()]
    while min(halves[-1].shape[2:]) >= 2 * CELL:
        halves.append(avg_pool2d(halves[-1], 2))
    return halves


def _patches(halves: Sequence[Tensor], frame: Tensor, boxes: Tensor, *, size: int) -> Tensor:
    """Squares of the frames, averaged to ``size``; black outside, as the networks were trained.

    Each is averaged from the size at which at most two pixels along a side make one: large ones take no longer then.
    """
    import torch
    from torchvision.ops import roi_align

    level = torch.log2((boxes[:, 2] - boxes[:, 0]) / size).floor().clamp(0, len(halves) - 1)
    patches = torch.empty(len(boxes), 3, size, size)
    for number, pictures in enumerate(halves):
        here = level == number
        regions = torch.cat([frame[here, None].float(), boxes[here] / 2**number], dim=1)
        patches[here] = roi_align(pictures, regions, size, sampling_ratio=2, aligned=True)
    return _normal(patches)


def _normal(pixels: Tensor) -> Tensor:
    import torch

    return ((pixels - 127.5) / 128).contiguous(memory_format=torch.channels_last)


def _shifted(boxes: Tensor, shift: Tensor) -> Tensor:
    """Each edge moved by a share of the box's width or height."""
    return boxes + shift * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)


def _squared(boxes: Tensor) -> Tensor:
    """Squares of the longer side about the same centres."""
    import torch

    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def _innermost(boxes: NDArray[np.float32], scores: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows left when of two boxes the less sure goes if they share more than 0.7 of the smaller one."""
    kept: list[int] = []
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    for row in rows[np.argsort(-scores[rows], kind="stable")]:
        low = np.maximum(boxes[kept, :2], boxes[row, :2])
        high = np.minimum(boxes[kept, 2:], boxes[row, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        if not (shared > 0.7 * np.minimum(area[kept], area[row])).any():
            kept.append(int(row))
    return np.array(kept, np.intp)

"""Which videos show nearly the same footage, by the perceptual hashes of their face tracks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

BITS_APART = 5.0
"""Mean number of differing bits, of 64 per face crop, up to which two tracks count as the same footage. Measured: 4.8
at most for a clip against its half-sized copy at CRF 32, 10.5 at least for different people; see docs/science.md."""

CROP_BITS = 64
BLOCK = 2048


def near_duplicates(hashes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Pairs of videos whose face tracks differ by at most ``BITS_APART`` bits per crop.

    Args:
        hashes: hexadecimal digits by ``video_id``, 16 for each crop; only hashes of equal length are compared.

    Returns:
        Pairs in the order of the mapping. Time grows with the square of the number of videos: 20,000 videos take a
        few seconds, because a block of Hamming distances is one matrix product.
    """
    pairs: list[tuple[str, str]] = []
    by_length: dict[int, list[str]] = {}
    for video_id, text in hashes.items():
        by_length.setdefault(len(text), []).append(video_id)
    for length, ids in by_length.items():
        raw = np.frombuffer(bytes.fromhex("".join(hashes[i] for i in ids)), dtype=np.uint8).reshape(len(ids), -1)
        signs = np.unpackbits(raw, axis=1).astype(np.float32) * 2 - 1
        bits = signs.shape[1]
        most = BITS_APART * (length * 4 / CROP_BITS)
        for start in range(0, len(ids), BLOCK):
            apart = (bits - signs[start : start + BLOCK] @ signs[start:].T) / 2
            first, second = np.nonzero(apart <= most)
            pairs += [(ids[start + i], ids[start + j]) for i, j in zip(first, second, strict=True) if j > i]
    return tuple(pairs)

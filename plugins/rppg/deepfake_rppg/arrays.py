"""How plain arrays become the content of an ``.npz`` file and back, never through pickle."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The arrays as one file; equal arrays give equal bytes."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack(data: bytes, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays ``names`` of such a file.

    Raises:
        ValueError: ``data`` isn't such a file, lacks an array, or hides an object in one.
    """
    if not data.startswith(b"PK\x03\x04"):
        raise ValueError("it isn't an .npz file")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            absent = [name for name in names if name not in file.files]
            if absent:
                raise ValueError(f"it lacks {', '.join(absent)}")
            return {name: file[name] for name in names}
    except BadZipFile as error:
        raise ValueError(f"it is damaged ({error})") from error

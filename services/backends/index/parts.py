"""Long calls in parts that the index takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["batches", "parts_of"]

_BYTES_PER_WRITE = 16 << 20  # a message may hold 64 MB

_Sliceable = TypeVar("_Sliceable", list[str], Sequence[str], "NDArray[np.float32]")


def parts_of(whole: _Sliceable, size: int) -> Iterator[_Sliceable]:
    """Cut ids or vectors into parts of at most `size`."""
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def batches(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Cut rows into writes of at most `_BYTES_PER_WRITE`."""
    batch: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(4 * len(value) for value in row.values() if isinstance(value, (str, list, np.ndarray)))
        if size >= _BYTES_PER_WRITE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

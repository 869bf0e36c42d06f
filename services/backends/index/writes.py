"""Long writes in parts that the index takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["batches"]

_BYTES_PER_WRITE = 16 << 20  # a message may hold 64 MB


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

"""Chunks hold everything once, in order, and no more than was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from services.runtime.chunks import chunks_of


@pytest.mark.parametrize(("count", "lengths"), [(0, []), (2, [2]), (3, [3]), (7, [3, 3, 1])])
def test_chunks_are_full_but_the_last(count: int, lengths: list[int]) -> None:
    ids = [str(one) for one in range(count)]
    chunks = list(chunks_of(ids, 3))
    assert [len(chunk) for chunk in chunks] == lengths
    assert [one for chunk in chunks for one in chunk] == ids


def test_an_array_is_cut_by_its_rows() -> None:
    vectors = np.arange(10.0).reshape(5, 2)
    chunks = list(chunks_of(vectors, 2))
    assert [chunk.shape for chunk in chunks] == [(2, 2), (2, 2), (1, 2)]
    assert (np.concatenate(chunks) == vectors).all()


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_of_nothing_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, got {size}"):
        chunks_of([1, 2], size)

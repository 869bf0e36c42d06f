"""Long calls in chunks that whoever is asked takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["chunks_of"]

_T = TypeVar("_T")
_Scalar = TypeVar("_Scalar", bound=np.generic)


@overload
def chunks_of(whole: NDArray[_Scalar], size: int) -> Iterator[NDArray[_Scalar]]: ...
@overload
def chunks_of(whole: list[_T], size: int) -> Iterator[list[_T]]: ...
@overload
def chunks_of(whole: Sequence[_T], size: int) -> Iterator[Sequence[_T]]: ...
def chunks_of(whole: Any, size: int) -> Iterator[Any]:
    """Cut a sequence, or the rows of an array, into chunks of at most `size`; of nothing there is none.

    Raises:
        ValueError: If `size` is not positive.
    """
    if size < 1:
        raise ValueError(f"a chunk holds at least 1, got {size}")
    return (whole[start : start + size] for start in range(0, len(whole), size))

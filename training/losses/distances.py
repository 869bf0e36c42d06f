"""Distances between the rows of two sets of embeddings, with slopes that stay finite where two rows are equal."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# A square root has no slope at zero: a row's distance to itself would give NaN.
SMALLEST_SQUARE = 1e-12


def euclidean(first: Tensor, second: Tensor) -> Tensor:
    """Give Euclidean distances.

    Args:
        first: [N, D], float32.
        second: [M, D], float32.

    Returns:
        [N, M], float32, at least 1e-6.

    Shape legend: N, M rows, D dimensions.
    """
    first, second = first.float(), second.float()
    # Differences of squares would lose the small distances of long embeddings.
    squares = (first.unsqueeze(1) - second.unsqueeze(0)).square().sum(dim=2)
    return squares.clamp(min=SMALLEST_SQUARE).sqrt()


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Give one minus the cosine: [N, D] and [M, D] to [N, M], float32, 0..2.

    Shape legend: N, M rows, D dimensions.
    """
    return 1.0 - functional.normalize(first.float(), dim=1) @ functional.normalize(second.float(), dim=1).T


def same(labels: Tensor) -> Tensor:
    """Say which rows share a label: int64[B] to bool[B, B]."""
    equal: Tensor = torch.eq(labels.unsqueeze(0), labels.unsqueeze(1))
    return equal

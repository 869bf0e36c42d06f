"""Distances of bodies stripe by stripe, along the shortest path that keeps their order from top to bottom.

Two crops of one person are seldom cut alike: feet are missing in one, the other has room above the head. The path may
stay at a stripe of one body while it goes on in the other.

Source: Zhang et al., "AlignedReID", arXiv:1711.08184v2, equations 1 and 2; Luo et al., "AlignedReID++", Pattern
Recognition 94 (2019), section 3.2, uses the same distance. methods.md 5.1 names the method, the formulas are theirs.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Keeps the slope of a square root finite where two stripes are equal.
SMALLEST_SQUARE = 1e-12


def element_distances(first: Tensor, second: Tensor) -> Tensor:
    """Give the distance of each stripe of each body to each stripe of each other body.

    Equation 1: (e^d - 1) / (e^d + 1) of the Euclidean distance d, which is tanh(d / 2) and cannot overflow.

    Args:
        first: [N, S, D], float32, stripes of length one.
        second: [M, R, D], float32, stripes of length one.

    Returns:
        [N, M, S, R], float32, 0..1.

    Shape legend: N, M bodies, S, R stripes from top to bottom, D dimensions of a stripe.
    """
    # [N, M, S, R]
    dots = torch.einsum("nsd,mrd->nmsr", first, second)
    first_squares = first.square().sum(dim=2)[:, None, :, None]
    second_squares = second.square().sum(dim=2)[None, :, None, :]
    squares = (first_squares + second_squares - 2.0 * dots).clamp(min=SMALLEST_SQUARE)
    return torch.tanh(squares.sqrt() / 2.0)


def shortest_path(costs: Tensor) -> Tensor:
    """Sum the costs along the cheapest path from the first cell to the last, by steps down or to the right.

    Equation 2 fills a table cell by cell; here all cells of an antidiagonal are filled at once, for all pairs, since
    none of them needs another: S + R - 1 steps instead of S * R.

    Args:
        costs: [..., S, R], float32.

    Returns:
        [...], float32: sum over S + R - 1 cells.

    Shape legend: S, R stripes.
    """
    rows, columns = costs.shape[-2:]
    row = torch.arange(rows, device=costs.device)
    beyond = costs.new_full((), float("inf"))
    # Best sums of one antidiagonal, one for each row: [..., S]
    best = torch.where(row == 0, costs[..., 0], beyond)
    for diagonal in range(1, rows + columns - 1):
        column = diagonal - row
        inside = (column >= 0) & (column < columns)
        # [..., S]
        cost = costs[..., row, column.clamp(0, columns - 1)]
        from_above = functional.pad(best[..., :-1], (1, 0), value=float("inf"))
        best = torch.where(inside, torch.minimum(best, from_above) + cost, beyond)
    return best[..., -1]


def stripe_distances(first: Tensor, second: Tensor) -> Tensor:
    """Give the aligned distance of each body to each other body.

    Args:
        first: [N, S, D], float32, stripes of length one.
        second: [M, R, D], float32, stripes of length one.

    Returns:
        [N, M], float32, 0 for equal bodies of stripes that are all alike, at most S + R - 1; symmetric.

    Shape legend: N, M bodies, S, R stripes, D dimensions of a stripe.
    """
    return shortest_path(element_distances(first, second))

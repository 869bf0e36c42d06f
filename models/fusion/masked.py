"""A softmax over what is there: exactly nothing for what is missing, and no NaN where everything is."""

from __future__ import annotations

import torch
from torch import Tensor

# Below every score that takes part, and still a number in half precision, in which engines may run.
FLOOR = -6.0e4


def masked_softmax(scores: Tensor, present: Tensor, dim: int) -> Tensor:
    """Share out a sum of one among what is present.

    A softmax over minus infinity would give the same, but for rows in which nothing is present: there it has no value.

    Args:
        scores: [...], float32; the highest of those that are present must lie above -60,000.
        present: [...], float32, 1 or 0, of a shape that fits `scores`.
        dim: axis that is shared out.

    Returns:
        [...], float32, 0..1: exactly 0 on what is missing, all 0 where nothing is present, else a sum of one.

    Shape legend: ... any shape.
    """
    highest = scores.masked_fill(present == 0.0, FLOOR).amax(dim=dim, keepdim=True)
    # The bound is for what is missing, whose score may be higher than all others.
    shares = torch.exp((scores - highest).clamp(max=0.0)) * present
    return shares / shares.sum(dim=dim, keepdim=True).clamp(min=1.0e-6)

"""InfoNCE: the right partner of a row among all that could be it, in both directions.

Source: van den Oord, Li, Vinyals, "Contrastive Predictive Coding", arXiv:1807.03748v2, equation 4; both directions as
in Radford et al., "CLIP", arXiv:2103.00020v1, figure 3.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(first: Tensor, second: Tensor, rivals: Tensor, *, present: Tensor, temperature: float) -> Tensor:
    """Compute the mean loss of telling each row's partner from its rivals, in both directions.

    Row i of `first` and row i of `second` are partners.

    Args:
        first: [B, D], float32, of any length; it is normalised here.
        second: [B, D], float32, likewise.
        rivals: [B, B], bool, symmetric: whether rows i and j compete as negatives; the diagonal does not matter.
        present: [B], bool: rows that have both; the others neither count nor compete.
        temperature: What cosines are divided by, > 0.

    Returns:
        scalar, float32: mean over the present rows that have a rival, of both directions; 0, with its graph, where no
        row has one. A row without rivals teaches nothing: its loss would be 0 and dilute the others.

    Shape legend: B tracklets, D dimensions.
    """
    itself = torch.eye(first.shape[0], dtype=torch.bool, device=first.device)
    competing = rivals & ~itself & present.unsqueeze(0) & present.unsqueeze(1)
    rows = competing.any(dim=1).nonzero().squeeze(1)
    # Zeros where a row is missing: a NaN there would reach every row through the softmax's slope.
    known = present.unsqueeze(1)
    left = functional.normalize(first.float().masked_fill(~known, 0.0), dim=1)
    right = functional.normalize(second.float().masked_fill(~known, 0.0), dim=1)
    # [B, B]
    logits = left @ right.T / temperature
    if rows.numel() == 0:
        return logits.sum() * 0.0
    forwards = _partner_loss(logits, competing | itself, rows)
    backwards = _partner_loss(logits.T, competing | itself, rows)
    return (forwards + backwards) / 2.0


def _partner_loss(logits: Tensor, candidates: Tensor, rows: Tensor) -> Tensor:
    """Average -log softmax of the diagonal over the candidates of the chosen rows."""
    allowed = logits.masked_fill(~candidates, -float("inf"))[rows]
    return functional.cross_entropy(allowed, rows)

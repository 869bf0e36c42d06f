"""Supervised contrast among pairs that may be compared at all: whom an anchor resembles, among its candidates.

Source: Khosla et al., "Supervised Contrastive Learning", arXiv:2004.11362v5, equation 2 (the sum outside the
logarithm). That only some pairs are candidates is ours: a body of another day says nothing, for or against.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.losses.distances import same


def contrast(embeddings: Tensor, labels: Tensor, comparable: Tensor, *, temperature: float) -> Tensor:
    """Compute the mean loss over the anchors that have a candidate of their label and one of another.

    Args:
        embeddings: [B, D], float32, of length one.
        labels: [B], int64, identities.
        comparable: [B, B], bool, symmetric; the diagonal does not matter.
        temperature: What cosines are divided by, > 0.

    Returns:
        scalar, float32; 0, with its graph, where no anchor has both.

    Shape legend: B batch, D embedding dimensions.
    """
    alike = same(labels)
    itself = torch.eye(labels.shape[0], dtype=torch.bool, device=labels.device)
    candidates = comparable & ~itself
    positives = candidates & alike
    anchors = positives.any(dim=1) & (candidates & ~alike).any(dim=1)
    # [B, B]
    logits = embeddings @ embeddings.T / temperature
    if not bool(anchors.any()):
        return logits.sum() * 0.0
    # An anchor without a candidate is left out below; its row would be no number.
    shares = logits.masked_fill(~candidates, -1.0e4).log_softmax(dim=1)
    means = (shares * positives).sum(dim=1) / positives.sum(dim=1).clamp(min=1)
    return -means[anchors].mean()

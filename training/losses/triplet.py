"""Triplet losses: over triplets that a sampler drew, and over the hardest ones of a batch.

Sources: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss", arXiv:1703.07737v4, equation 5 (batch hard); Alcazar
et al., "APES", section 4.1, with the margin of 1.0 and the Euclidean distance of its published code (methods.md 3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.losses.distances import euclidean, same

Distance = Callable[[Tensor, Tensor], Tensor]


class Hardest(NamedTuple):
    """For the anchors that have both: row of the anchor, of its farthest positive, of its nearest negative; int64."""

    anchor: Tensor
    positive: Tensor
    negative: Tensor


class TripletMargin(nn.Module):
    """Pulls anchor and positive nearer than anchor and negative, by a margin.

    Args:
        margin: In units of the distance.
    """

    def __init__(self, *, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Compute the mean loss over triplets.

        Args:
            anchor: [B, D], float32.
            positive: [B, D], float32, of the anchor's person.
            negative: [B, D], float32, of another person.

        Returns:
            scalar, float32, not negative.

        Shape legend: B triplets, D embedding dimensions.
        """
        # [B]
        near, far = _rowwise(anchor, positive), _rowwise(anchor, negative)
        return functional.relu(near - far + self.margin).mean()


class BatchHardTriplet(nn.Module):
    """The same over a batch, with the farthest positive and the nearest negative of each anchor.

    Args:
        margin: In units of the distance.
        distance: Two sets of rows to the distances between them, as in `training.losses.distances`.
    """

    def __init__(self, *, margin: float = 0.3, distance: Distance = euclidean) -> None:
        super().__init__()
        self.margin = margin
        self.distance = distance

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean loss over the anchors that have a positive and a negative in the batch.

        Args:
            embeddings: [B, D], float32.
            labels: [B], int64, identities.

        Returns:
            scalar, float32, not negative; 0 where no row has both.

        Shape legend: B batch, D embedding dimensions.
        """
        # [B, B]
        distances = self.distance(embeddings, embeddings)
        rows = hardest(distances.detach(), labels)
        return margin_loss(distances, rows, self.margin)


def hardest(distances: Tensor, labels: Tensor) -> Hardest:
    """Find the hardest triplet of each anchor.

    Args:
        distances: [B, B], float32, from anchors (rows) to all.
        labels: [B], int64.

    Returns:
        `Hardest`, each [A]: A <= B anchors have another row of their label and a row of another one.

    Shape legend: B batch, A anchors.
    """
    alike = same(labels)
    itself = torch.eye(labels.shape[0], dtype=torch.bool, device=labels.device)
    positives, negatives = alike & ~itself, ~alike
    usable = positives.any(dim=1) & negatives.any(dim=1)
    farthest = distances.masked_fill(~positives, -float("inf")).argmax(dim=1)
    nearest = distances.masked_fill(~negatives, float("inf")).argmin(dim=1)
    anchor = usable.nonzero().squeeze(1)
    return Hardest(anchor=anchor, positive=farthest[anchor], negative=nearest[anchor])


def margin_loss(distances: Tensor, rows: Hardest, margin: float) -> Tensor:
    """Average the hinge over triplets of a table of distances [B, B]; 0, with its graph, where there is none."""
    if rows.anchor.numel() == 0:
        return distances.sum() * 0.0
    gap = distances[rows.anchor, rows.positive] - distances[rows.anchor, rows.negative]
    return functional.relu(gap + margin).mean()


def _rowwise(first: Tensor, second: Tensor) -> Tensor:
    return (first.float() - second.float()).square().sum(dim=1).clamp(min=1e-12).sqrt()

"""Networks that fuse in the form that is served: one representation and its weights, no keys."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.fusion.associative import AssociativeNetwork
from models.fusion.attentive import AttentiveNetwork


class QualityGraph(nn.Module):
    """A network that weighs by quality.

    Args:
        network: in inference mode.
    """

    def __init__(self, *, network: AssociativeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, present: Tensor, quality: Tensor, *embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Represent.

        Args:
            present: [B, M], float32, 1 or 0.
            quality: [B, M], float32 in [0, 1].
            embeddings: M tensors [B, D_m], float32, each row of length one.

        Returns:
            together [B, D], float32, of length one; weights [B, M], float32, exactly 0 where missing.

        Shape legend: B tracklets, M modalities, D_m dimensions of modality m, D common dimensions.
        """
        answer = self.network(present, quality, *embeddings)
        return answer.together, answer.weights


class PresenceGraph(nn.Module):
    """A network that does not look at quality: its graph has no such input.

    Args:
        network: in inference mode.
    """

    def __init__(self, *, network: AttentiveNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, present: Tensor, *embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Represent; arguments and answer are those of `QualityGraph.forward`, without the quality."""
        answer = self.network(present, torch.ones_like(present), *embeddings)
        return answer.together, answer.weights

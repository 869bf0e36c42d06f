"""Modality dropout: while training, what a tracklet has is sometimes taken away, so that little is enough later.

Source: our design of the associative network, methods.md 1.2: each present modality goes with probability 0.3, never
all of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ModalityDropout(nn.Module):
    """Takes modalities away while training; in inference mode it changes nothing.

    Args:
        probability: Of each present modality to go, 0 <= probability < 1.
    """

    def __init__(self, *, probability: float = 0.3) -> None:
        super().__init__()
        if not 0.0 <= probability < 1.0:
            raise ValueError(f"got probability {probability}, expected 0 <= probability < 1: something must be left")
        self.probability = probability

    def forward(self, present: Tensor) -> Tensor:
        """Drop.

        Args:
            present: [B, M], float32, 1 or 0.

        Returns:
            [B, M], float32, 1 or 0, nowhere larger than `present`; a row that had something still has.

        Shape legend: B tracklets, M modalities.
        """
        if not self.training or self.probability == 0.0:
            return present
        return drop_modalities(present, torch.rand_like(present), self.probability)


def drop_modalities(present: Tensor, draws: Tensor, probability: float) -> Tensor:
    """Drop each present modality whose draw is below the probability; where all would go, the largest draw stays.

    Args:
        present: [B, M], float32, 1 or 0.
        draws: [B, M], float32, uniform in 0..1.
        probability: Of each present modality to go.

    Returns:
        [B, M], float32, 1 or 0.

    Shape legend: B tracklets, M modalities.
    """
    kept = present * (draws >= probability)
    # Draws of what is missing count as -1, so that the last one left is one that was there.
    last = torch.where(present > 0.0, draws, -torch.ones_like(draws)).argmax(dim=1, keepdim=True)
    rescued = torch.zeros_like(present).scatter(1, last, 1.0) * present
    return torch.where(kept.sum(dim=1, keepdim=True) > 0.0, kept, rescued)

"""Pooling of words by weights that do not compete: a sigmoid for each word instead of one softmax over all.

Source: Chen et al., "Cross-modality Progressive Person Search" (CMPS), section 2: sigmoid, so that the length of a
sentence does not change the scale of each weight. The paper draws the form of the scores only in words; they are
additive here, wᵀ tanh(W h + b) + c (methods.md 2.1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Keeps the mean of a sentence without words finite.
EPSILON = 1e-6


class SigmoidAttention(nn.Module):
    """Weighs each word by itself, then averages (or sums).

    Args:
        score: [B, T, H] -> [B, T, 1], a score of each word by itself.
        divide: Whether the weighted sum is divided by the sum of the weights. Without it longer sentences give longer
            vectors.
    """

    def __init__(self, *, score: nn.Module, divide: bool) -> None:
        super().__init__()
        self.score = score
        self.divide = divide

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool.

        Args:
            states: [B, T, H], float32.
            mask: [B, T], bool, true for words, false for padding.

        Returns:
            [B, H], float32.

        Shape legend: B sentences, T words, H state dimensions.
        """
        # [B, T, 1]
        weights = self.weights(states, mask).unsqueeze(2)
        # [B, H]
        total = (weights * states).sum(dim=1)
        return total / (weights.sum(dim=1) + EPSILON) if self.divide else total

    def weights(self, states: Tensor, mask: Tensor) -> Tensor:
        """Give the weight of each word, [B, T], float32, 0..1, exactly 0 for padding; arguments as in `forward`."""
        # [B, T, 1] -> [B, T]
        scores = self.score(states).squeeze(2)
        return torch.sigmoid(scores) * mask.to(scores.dtype)


def sigmoid_attention(state_dim: int, *, hidden: int, divide: bool = True) -> SigmoidAttention:
    """Build additive scores, `state_dim -> hidden -> 1`, and the pooling over them."""
    score = nn.Sequential(nn.Linear(state_dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    return SigmoidAttention(score=score, divide=divide)

"""Attention with the keys of `torch.nn.MultiheadAttention`, written out: torch's fast path has no form in ONNX."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Looks from one sequence at another.

    Args:
        width: channels of both sequences.
        heads: heads, a divisor of the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        self._heads = heads

    def forward(self, query: Tensor, source: Tensor) -> Tensor:
        """Attend.

        Args:
            query: [B, S, C], float32, what looks.
            source: [B, T, C], float32, what is looked at.

        Returns:
            [B, S, C], float32.

        Shape legend: B sequences, S, T places, C channels, H heads, D = C / H channels of one.
        """
        to_query, to_key, to_value = self.in_proj_weight.chunk(3)
        query_bias, key_bias, value_bias = self.in_proj_bias.chunk(3)
        # [B, H, S, D], [B, H, T, D], [B, H, T, D]
        queries = self._split(nn.functional.linear(query, to_query, query_bias))
        keys = self._split(nn.functional.linear(source, to_key, key_bias))
        values = self._split(nn.functional.linear(source, to_value, value_bias))
        # [B, H, S, T]
        weights = (torch.matmul(queries, keys.transpose(2, 3)) * queries.shape[-1] ** -0.5).softmax(dim=3)
        # [B, H, S, D] -> [B, S, C]
        gathered = torch.matmul(weights, values).transpose(1, 2).flatten(2)
        answer: Tensor = self.out_proj(gathered)
        return answer

    def _split(self, x: Tensor) -> Tensor:
        """[B, S, C] -> [B, H, S, D]."""
        return x.reshape(x.shape[0], x.shape[1], self._heads, -1).transpose(1, 2)

"""Reading traits off an embedding: a linear layer whose error says what the embedding has lost of a person.

Source: none of the papers; multi-task supervision of an embedding by attributes is common in re-identification (Lin et
al., "Improving Person Re-identification by Attribute and Identity Learning", arXiv:1703.07220).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class TraitReader(nn.Module):
    """Reads the traits of a person off the direction of their embedding, since only the direction is compared.

    Args:
        embedding_dim: Length of an embedding.
        table: [C, K], float32, the traits of each class, each column of mean 0 and variance 1.
    """

    def __init__(self, *, embedding_dim: int, table: Tensor) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table, persistent=False)
        self.read = nn.Linear(embedding_dim, table.shape[1])

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean squared error; 1 is what guessing the mean person gives.

        Args:
            embeddings: [B, D], float32, of any length.
            labels: [B], int64, 0 <= label < C.

        Returns:
            scalar, float32.

        Shape legend: B batch, D embedding dimensions, C classes, K traits.
        """
        # [B, D], each number about 1
        directions = functional.normalize(embeddings.float()) * math.sqrt(embeddings.shape[1])
        # [B, K]
        with torch.autocast(directions.device.type, enabled=False):
            read = self.read(directions)
        return functional.mse_loss(read, self.table[labels])

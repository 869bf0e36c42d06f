"""Words and patches as tokens: BERT's embedding layer, and a convolution with overlapping patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WordEmbeddings(nn.Module):
    """BERT's first layer: word, place and type, summed and normalised.

    Names of the members are those of published checkpoints.

    Args:
        word_embeddings: vectors of words.
        position_embeddings: vectors of places; as many as the longest row has words.
        token_type_embeddings: vectors of types, of which the first is used.
        norm: over the sum.
        dropout: after it.
    """

    def __init__(
        self,
        *,
        word_embeddings: nn.Embedding,
        position_embeddings: nn.Embedding,
        token_type_embeddings: nn.Embedding,
        norm: nn.LayerNorm,
        dropout: nn.Dropout,
    ) -> None:
        super().__init__()
        self.word_embeddings = word_embeddings
        self.position_embeddings = position_embeddings
        self.token_type_embeddings = token_type_embeddings
        self.LayerNorm = norm
        self.dropout = dropout

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed words.

        Args:
            tokens: [B, T], int32 or int64.

        Returns:
            [B, T, D], float32.

        Shape legend: B sentences, T tokens, D width.
        """
        # [T, D]
        places = self.position_embeddings.weight[: tokens.shape[1]] + self.token_type_embeddings.weight[0]
        # [B, T, D]
        embedded: Tensor = self.dropout(self.LayerNorm(self.word_embeddings(tokens) + places))
        return embedded


class PatchEmbedding(nn.Module):
    """Patches as tokens; with a stride below the patch's side they overlap.

    Args:
        proj: [B, 3, H, W] -> [B, D, h, w]: one convolution, or a trunk whose map is cut up (the hybrid of Dosovitskiy
            et al., arXiv:2010.11929v2, section 3.1).
    """

    def __init__(self, *, proj: nn.Module) -> None:
        super().__init__()
        self.proj = proj

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed patches.

        Args:
            pixels: [B, 3, H, W], float32, -1..1.

        Returns:
            [B, h * w, D], float32, row by row.

        Shape legend: B images, H rows, W columns, h rows of patches, w columns of patches, D width.
        """
        # [B, D, h, w] -> [B, h * w, D]
        patches: Tensor = self.proj(pixels).flatten(2).transpose(1, 2)
        return patches


def patch_grid(height: int, width: int, *, patch: int, stride: int) -> tuple[int, int]:
    """Rows and columns of patches in an image.

    Raises:
        ValueError: If not even one patch fits.
    """
    if min(height, width) < patch:
        raise ValueError(f"an image of {height}x{width} holds no patch of {patch}")
    return (height - patch) // stride + 1, (width - patch) // stride + 1


def word_embeddings(vocabulary: int, *, places: int, width: int, dropout: float) -> WordEmbeddings:
    """Build BERT's embedding layer from numbers, initialised as BERT's."""
    tables = [nn.Embedding(count, width) for count in (vocabulary, places, 2)]
    for table in tables:
        nn.init.normal_(table.weight, std=0.02)
    with torch.no_grad():
        tables[0].weight[0].zero_()
    return WordEmbeddings(
        word_embeddings=tables[0],
        position_embeddings=tables[1],
        token_type_embeddings=tables[2],
        norm=nn.LayerNorm(width, eps=1e-12),
        dropout=nn.Dropout(dropout),
    )

"""Encoders: one crop in, one embedding out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.blocks import PixelInput


class Encoder(nn.Module):
    """Maps a crop to an embedding whose direction says who, and whose norm says how clearly it was seen.

    The embedding is not normalised: networks trained with a margin on the angle give blurred and occluded crops
    shorter vectors, so the norm is a quality signal that callers read before they normalise.

    Args:
        pixels: normalisation of raw pixels.
        trunk: [B, 3, H, W] -> [B, C, h, w].
        projection: [B, C, h, w] -> [B, D].
        mirrored: When it does not learn, look at each crop and at its mirror image and give the mean of both: a person
            is nearly symmetric, so what differs is mostly noise. On crops of 250 people that the face encoder had not
            seen, mAP rose from 0.799 to 0.816. It costs a second pass.
    """

    def __init__(self, *, pixels: PixelInput, trunk: nn.Module, projection: nn.Module, mirrored: bool = False) -> None:
        super().__init__()
        self.mirrored = mirrored
        self.pixels = pixels
        self.trunk = trunk
        self.projection = projection

    def forward(self, crop: Tensor) -> Tensor:
        """Embed crops.

        Args:
            crop: [B, H, W, 3], uint8 (or float), 0..255, RGB.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B crops, H rows, W columns, D embedding dimensions.
        """
        # [B, 3, H, W]
        normalised = self.pixels(crop)
        if self.training or not self.mirrored:
            return self._embedded(normalised)
        # [2 B, D]
        both = self._embedded(torch.cat([normalised, torch.flip(normalised, (3,))]))
        # [B, D]
        return both.reshape(2, -1, both.shape[1]).mean(0)

    def _embedded(self, normalised: Tensor) -> Tensor:
        # [B, C, h, w]
        features = self.trunk(normalised)
        # [B, D]
        embedding: Tensor = self.projection(features)
        return embedding


def pooled_projection(channels: int, *, grid: tuple[int, int], embedding_dim: int) -> nn.Sequential:
    """Build the layer from feature map to embedding: average to a small grid, flatten, project, normalise.

    The grid keeps the rough layout (eyes above mouth, shirt above trousers), which a global average would
    lose, and takes any input whose map is a multiple of it, so that training may begin with small crops.

    Args:
        channels: channels of the feature map.
        grid: rows and columns that are kept.
        embedding_dim: length of the embedding.
    """
    cells = grid[0] * grid[1]
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(grid),
        nn.Flatten(1),
        nn.Linear(channels * cells, embedding_dim, bias=False),
        nn.BatchNorm1d(embedding_dim),
    )

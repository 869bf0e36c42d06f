"""The visual branch of CMPS: a convolution in place of pooling, and a foreground-aware pyramid for partial bodies.

Source: Chen et al., "Cross-modality Progressive Person Search" (CMPS), section 2 (MobileNetV2, a convolution instead of
the pooling layer); He et al., "Foreground-aware Pyramid Reconstruction", arXiv:1904.04975, and its public
implementation, JDAI-CV/Partial-Person-ReID at fb94dbf (methods.md 2.1 and 2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.blocks import PixelInput
from models.partial.mobilenet import mobilenet_features


class PartialBodies(NamedTuple):
    """What is known of a batch of bodies.

    `embedding` [B, D], not normalised; `vectors` [B, C, N], the pyramid; `weights` [B, N], share of the foreground of
    each vector, summing to 1; `foreground` [B, C], the finest vectors weighed by the foreground.
    """

    embedding: Tensor
    vectors: Tensor
    weights: Tensor
    foreground: Tensor


class Pyramid(nn.Module):
    """Max-pools a map with windows of several sizes, all with stride 2 and no padding.

    Args:
        pools: from small windows to large.
    """

    def __init__(self, *, pools: Sequence[nn.MaxPool2d]) -> None:
        super().__init__()
        self.pools = nn.ModuleList(pools)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Pool.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            for each window [B, C, n], float32, row by row.

        Shape legend: B batch, C channels, H rows, W columns, n places of one window.
        """
        return [pool(x).flatten(2) for pool in self.pools]


class Foreground(nn.Module):
    """Says of each vector how likely it shows a person.

    Args:
        score: [.., C] -> [.., 1], shared by all vectors.
    """

    def __init__(self, *, score: nn.Linear) -> None:
        super().__init__()
        self.score = score

    def forward(self, vectors: Tensor) -> Tensor:
        """Score.

        Args:
            vectors: [B, C, N], float32.

        Returns:
            [B, N], float32, 0..1.

        Shape legend: B batch, C channels, N vectors.
        """
        # [B, N, C] -> [B, N, 1] -> [B, N]
        return torch.sigmoid(self.score(vectors.transpose(1, 2)).squeeze(2))


class PartialEncoder(nn.Module):
    """Maps a body crop to an embedding for search and to a pyramid for matching.

    Args:
        pixels: normalisation of raw pixels.
        features: [B, 3, H, W] -> [B, C, h, w].
        projection: [B, C, h, w] -> [B, D], a convolution as large as the map.
        pyramid: [B, C, h, w] -> lists of vectors.
        foreground: scores of vectors.
    """

    def __init__(
        self,
        *,
        pixels: PixelInput,
        features: nn.Module,
        projection: nn.Sequential,
        pyramid: Pyramid,
        foreground: Foreground,
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.features = features
        self.projection = projection
        self.pyramid = pyramid
        self.foreground = foreground

    def forward(self, crop: Tensor) -> PartialBodies:
        """Encode crops.

        Args:
            crop: [B, H, W, 3], uint8 (or float), 0..255, RGB.

        Returns:
            `PartialBodies`; its weights are at least 0 and sum to 1.

        Shape legend: B crops, H rows, W columns.
        """
        # [B, C, h, w]
        features = self.features(self.pixels(crop))
        levels = self.pyramid(features)
        # [B, C, N]
        vectors = torch.cat(levels, dim=2)
        # [B, N]
        chances = self.foreground(vectors)
        # [B, n], of the finest level alone
        finest = functional.normalize(chances[:, : levels[0].shape[2]], p=1.0, dim=1)
        return PartialBodies(
            embedding=self.projection(features),
            vectors=vectors,
            weights=functional.normalize(chances, p=1.0, dim=1),
            foreground=(levels[0] * finest.unsqueeze(1)).sum(dim=2),
        )


class PartialGraph(nn.Module):
    """The served form: what search and matching need.

    Args:
        network: the trained network.
    """

    def __init__(self, *, network: PartialEncoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, crop: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode crops.

        Args:
            crop: [B, H, W, 3], uint8, 0..255, RGB.

        Returns:
            embedding [B, D], vectors [B, C, N] and weights [B, N], float32; see `PartialBodies`.

        Shape legend: B crops, H rows, W columns, D embedding dimensions, C channels, N vectors.
        """
        found = self.network(crop)
        return found.embedding, found.vectors, found.weights


def partial_encoder(
    *, width: float, channels: int, last_stride: int, grid: tuple[int, int], kernels: Sequence[int], embedding_dim: int
) -> PartialEncoder:
    """Build the encoder from numbers.

    Args:
        width: factor on MobileNetV2's channels.
        channels: channels of its last map.
        last_stride: see `mobilenet_features`.
        grid: rows and columns of that map, which the projection covers.
        kernels: sides of the pyramid's windows, small to large; none larger than the map.
        embedding_dim: length of the embedding.

    Raises:
        ValueError: If a window does not fit the map.
    """
    if max(kernels) > min(grid):
        raise ValueError(f"a window of {max(kernels)} does not fit a map of {grid[0]}x{grid[1]}: leave it out")
    projection = nn.Sequential(
        nn.Conv2d(channels, embedding_dim, grid, bias=False), nn.Flatten(1), nn.BatchNorm1d(embedding_dim)
    )
    return PartialEncoder(
        pixels=PixelInput(),
        features=mobilenet_features(width=width, last=channels, last_stride=last_stride),
        projection=projection,
        pyramid=Pyramid(pools=[nn.MaxPool2d(kernel, stride=2) for kernel in kernels]),
        foreground=Foreground(score=nn.Linear(channels, 1)),
    )

"""AlignedReID++: one embedding of the whole body, and one of each horizontal stripe.

Sources: Zhang et al., "AlignedReID", arXiv:1711.08184v2, section 3; Luo et al., "AlignedReID++", Pattern Recognition 94
(2019); the place of norm and activation before the pooling of a stripe is the published code's
(michuanhaohao/AlignedReID, `models/ResNet.py` at 76088bf).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional


class BodyEmbeddings(NamedTuple):
    """Of a batch: `whole` [B, D], not normalised; `stripes` [B, S, E], each of length one, from top to bottom."""

    whole: Tensor
    stripes: Tensor


class StripeHead(nn.Module):
    """The strongest answer of each row of the map, projected and made one long.

    Args:
        norm: normalisation of the map.
        projection: 1x1 convolution to the dimensions of a stripe.
    """

    def __init__(self, *, norm: nn.BatchNorm2d, projection: nn.Conv2d) -> None:
        super().__init__()
        if norm.num_features != projection.in_channels:
            raise ValueError(
                f"norm gives {norm.num_features} channels, projection takes {projection.in_channels}: make them equal"
            )
        self.norm = norm
        self.projection = projection

    def forward(self, features: Tensor) -> Tensor:
        """Describe stripes.

        Args:
            features: [B, C, h, w], float32.

        Returns:
            [B, h, E], float32, each [E] of length one.

        Shape legend: B bodies, C channels, h rows (stripes), w columns, E dimensions of a stripe.
        """
        # [B, C, h, 1]
        rows = functional.relu(self.norm(features)).amax(dim=3, keepdim=True)
        # [B, E, h, 1] -> [B, E, h] -> [B, h, E]
        stripes = self.projection(rows).squeeze(3).transpose(1, 2)
        return functional.normalize(stripes, dim=2)


class AlignedBody(nn.Module):
    """Maps a body to its embeddings.

    Args:
        pixels: normalisation of raw pixels.
        trunk: [B, 3, H, W] -> [B, C, h, w].
        whole: [B, C, h, w] -> [B, D].
        stripes: [B, C, h, w] -> [B, h, E].
    """

    def __init__(self, *, pixels: nn.Module, trunk: nn.Module, whole: nn.Module, stripes: StripeHead) -> None:
        super().__init__()
        self.pixels = pixels
        self.trunk = trunk
        self.whole = whole
        self.stripes = stripes

    def forward(self, crop: Tensor) -> BodyEmbeddings:
        """Embed bodies.

        Args:
            crop: [B, H, W, 3], uint8 (or float), 0..255, RGB.

        Returns:
            `BodyEmbeddings`: whole [B, D], stripes [B, h, E].

        Shape legend: B crops, H rows, W columns, D and E embedding dimensions, h rows of the map.
        """
        # [B, C, h, w]
        features = self.trunk(self.pixels(crop))
        return BodyEmbeddings(whole=self.whole(features), stripes=self.stripes(features))


def stripe_head(channels: int, *, stripe_dim: int) -> StripeHead:
    """Build a `StripeHead` over a map of `channels`."""
    return StripeHead(norm=nn.BatchNorm2d(channels), projection=nn.Conv2d(channels, stripe_dim, 1))

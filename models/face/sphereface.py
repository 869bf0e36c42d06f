"""SphereFace: the face network whose first fully connected layer iQIYI-VID reads as a measure of quality.

Source: Liu et al., "SphereFace", arXiv:1704.08063v4, table 2 (the 20-layer network) and section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class SpherePixels(nn.Module):
    """Pixels about zero, divided by 128, as the paper has them."""

    def forward(self, image: Tensor) -> Tensor:
        """Normalise and transpose.

        Args:
            image: [B, H, W, 3], uint8 or float, 0..255, RGB.

        Returns:
            [B, 3, H, W], float32, about -1..1.

        Shape legend: B images, H rows, W columns.
        """
        # [B, 3, H, W]
        channels_first = image.permute(0, 3, 1, 2).to(torch.float32)
        return (channels_first - 127.5) / 128.0


class SphereUnit(nn.Module):
    """Adds two convolutions, each with its PReLU, to its input.

    Args:
        body: keeps the shape of its input.
    """

    def __init__(self, *, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Apply the unit.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, C, H, W], float32.

        Shape legend: B batch, C channels, H rows, W columns.
        """
        y: Tensor = x + self.body(x)
        return y


class SphereFace(nn.Module):
    """Maps a face to the output of its first fully connected layer, "FC1".

    Args:
        pixels: normalisation of raw pixels.
        trunk: [B, 3, H, W] -> [B, C, H / 16, W / 16].
        fc1: [B, C * H / 16 * W / 16] -> [B, D]; nothing normalises what it gives, so that its length is free to say
            how clear a face is.
    """

    def __init__(self, *, pixels: SpherePixels, trunk: nn.Module, fc1: nn.Linear) -> None:
        super().__init__()
        self.pixels = pixels
        self.trunk = trunk
        self.fc1 = fc1

    def forward(self, crop: Tensor) -> Tensor:
        """Embed faces.

        Args:
            crop: [B, H, W, 3], uint8 (or float), 0..255, RGB, aligned.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B crops, H rows, W columns, D embedding dimensions.
        """
        # [B, C, H / 16, W / 16]
        features = self.trunk(self.pixels(crop))
        # [B, D]
        embedding: Tensor = self.fc1(features.flatten(1))
        return embedding


def sphereface(
    *, counts: Sequence[int], widths: Sequence[int], embedding_dim: int, height_px: int, width_px: int
) -> SphereFace:
    """Build a `SphereFace`.

    Args:
        counts: residual units of each stage.
        widths: channels of each stage.
        embedding_dim: length of the embedding.
        height_px: rows of the crops, a multiple of 16.
        width_px: columns of the crops, a multiple of 16.
    """
    if height_px % 16 or width_px % 16:
        raise ValueError(f"crops of {height_px}x{width_px} do not halve four times: give multiples of 16")
    layers: list[nn.Module] = []
    for first, width, count in zip((3, *widths[:-1]), widths, counts, strict=True):
        layers.append(_conv(first, width, stride=2))
        layers.extend(SphereUnit(body=nn.Sequential(_conv(width, width), _conv(width, width))) for _ in range(count))
    cells = (height_px // 16) * (width_px // 16)
    return SphereFace(
        pixels=SpherePixels(), trunk=nn.Sequential(*layers), fc1=nn.Linear(widths[-1] * cells, embedding_dim)
    )


def _conv(in_channels: int, width: int, *, stride: int = 1) -> nn.Sequential:
    """Build a 3x3 convolution with bias and PReLU: the network has no normalisation."""
    conv = nn.Conv2d(in_channels, width, 3, stride=stride, padding=1)
    nn.init.kaiming_normal_(conv.weight, a=0.25)
    return nn.Sequential(conv, nn.PReLU(width))

"""Blocks that all networks of this room are put together from."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PixelInput(nn.Module):
    """Turns camera pixels into network input, inside the graph, so that no client has to know how."""

    def forward(self, image: Tensor) -> Tensor:
        """Normalise and transpose.

        Args:
            image: [B, H, W, 3], uint8 or float, 0..255, RGB.

        Returns:
            [B, 3, H, W], float32, -1..1.

        Shape legend: B images, H rows, W columns.
        """
        # [B, 3, H, W]
        channels_first = image.permute(0, 3, 1, 2).to(torch.float32)
        return channels_first * (1.0 / 127.5) - 1.0


class ConvUnit(nn.Module):
    """Convolution, batch normalisation, activation.

    Args:
        conv: convolution without bias.
        norm: normalisation over the channels that `conv` gives.
        activation: elementwise non-linearity (or `nn.Identity`).
    """

    def __init__(self, *, conv: nn.Conv2d, norm: nn.BatchNorm2d, activation: nn.Module) -> None:
        super().__init__()
        if conv.out_channels != norm.num_features:
            raise ValueError(
                f"conv gives {conv.out_channels} channels, norm takes {norm.num_features}: make them equal"
            )
        self.conv = conv
        self.norm = norm
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Apply the unit.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, D, H / stride, W / stride], float32.

        Shape legend: B batch, C channels in, D channels out, H rows, W columns.
        """
        y: Tensor = self.activation(self.norm(self.conv(x)))
        return y


class ResidualBlock(nn.Module):
    """Adds what `body` computes to its input, then activates.

    Args:
        body: keeps the shape of its input.
        activation: elementwise non-linearity after the sum.
    """

    def __init__(self, *, body: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, C, H, W], float32.

        Shape legend: B batch, C channels, H rows, W columns.
        """
        y: Tensor = self.activation(x + self.body(x))
        return y


def conv_unit(
    in_channels: int,
    out_channels: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    activate: bool = True,
) -> ConvUnit:
    """Build a `ConvUnit` with "same" padding and ReLU (which costs least on a CPU)."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    activation: nn.Module = nn.ReLU(inplace=True) if activate else nn.Identity()
    return ConvUnit(conv=conv, norm=nn.BatchNorm2d(out_channels), activation=activation)


def residual_block(channels: int, *, hidden: int) -> ResidualBlock:
    """Build two 3x3 convolutions, `channels -> hidden -> channels`, with a shortcut."""
    body = nn.Sequential(conv_unit(channels, hidden), conv_unit(hidden, channels, activate=False))
    return ResidualBlock(body=body, activation=nn.ReLU(inplace=True))


def separable_unit(channels: int) -> nn.Sequential:
    """Build a depthwise 3x3 followed by a pointwise unit: the cheap context of pyramid and heads."""
    depthwise = conv_unit(channels, channels, groups=channels, activate=False)
    return nn.Sequential(depthwise, conv_unit(channels, channels, kernel=1))

"""Trunk and pyramid of YOLOX: CSP-Darknet and a path up and down, with the public keys.

Sources: those of `models.public.yolox`; Wang et al., "CSPNet", arXiv:1911.11929v1; Liu et al., "Path Aggregation
Network", arXiv:1803.01534v4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Unit(nn.Module):
    """Convolution, batch normalisation, SiLU.

    Args:
        channels_in: channels of the input.
        channels: channels of the answer.
        kernel: side of the kernel.
        stride: of the convolution.
    """

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the unit: [B, C, H, W] -> [B, D, h, w], float32. Shape legend: B pictures, C, D channels."""
        return functional.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """1x1 and 3x3 of one width, with a shortcut where asked for."""

    def __init__(self, width: int, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = Unit(width, width, 1)
        self.conv2 = Unit(width, width, 3)
        self._shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, C, H, W] -> the same, float32. Shape legend: B pictures, C channels."""
        y: Tensor = self.conv2(self.conv1(x))
        return y + x if self._shortcut else y


class CrossStage(nn.Module):
    """Half of the channels goes through blocks, the other half round them.

    Args:
        channels_in: channels of the input.
        channels: channels of the answer.
        count: blocks.
        shortcut: whether blocks have one.
    """

    def __init__(self, channels_in: int, channels: int, count: int, *, shortcut: bool) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = Unit(channels_in, half, 1)
        self.conv2 = Unit(channels_in, half, 1)
        self.conv3 = Unit(2 * half, channels, 1)
        self.m = nn.Sequential(*[Bottleneck(half, shortcut) for _ in range(count)])

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, C, H, W] -> [B, D, H, W], float32. Shape legend: B pictures, C, D channels."""
        y: Tensor = self.conv3(torch.cat([self.m(self.conv1(x)), self.conv2(x)], dim=1))
        return y


class PyramidPooling(nn.Module):
    """The strongest answers within 5, 9 and 13 cells, beside the map itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Unit(channels, channels // 2, 1)
        self.conv2 = Unit(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, C, H, W] -> the same, float32. Shape legend: B pictures, C channels."""
        narrow = self.conv1(x)
        pooled = [functional.max_pool2d(narrow, side, stride=1, padding=side // 2) for side in (5, 9, 13)]
        y: Tensor = self.conv2(torch.cat([narrow, *pooled], dim=1))
        return y


class Focus(nn.Module):
    """Every second pixel of every second row as channels, then a unit."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Unit(12, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, 3, H, W] -> [B, C, H / 2, W / 2], float32. Shape legend: B pictures, C channels."""
        parts = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        y: Tensor = self.conv(torch.cat(parts, dim=1))
        return y


class Darknet(nn.Module):
    """Stem and four stages.

    Args:
        depth: factor on the number of blocks.
        width: factor on the channels.
    """

    def __init__(self, *, depth: float, width: float) -> None:
        super().__init__()
        base, count = int(64 * width), max(round(3 * depth), 1)
        self.stem = Focus(base)
        self.dark2 = _stage(base, 2 * base, count)
        self.dark3 = _stage(2 * base, 4 * base, 3 * count)
        self.dark4 = _stage(4 * base, 8 * base, 3 * count)
        self.dark5 = nn.Sequential(
            Unit(8 * base, 16 * base, 3, stride=2),
            PyramidPooling(16 * base),
            CrossStage(16 * base, 16 * base, count, shortcut=False),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at strides of 8, 16 and 32 of pictures [B, 3, H, W], float32. Shape legend: B pictures."""
        fine = self.dark3(self.dark2(self.stem(x)))
        middle = self.dark4(fine)
        return fine, middle, self.dark5(middle)


class Pyramid(nn.Module):
    """What coarse maps know goes down to the fine ones, and back up.

    Args:
        depth: factor on the number of blocks.
        width: factor on the channels.
    """

    def __init__(self, *, depth: float, width: float) -> None:
        super().__init__()
        fine, middle, coarse = (int(channels * width) for channels in (256, 512, 1024))
        count = round(3 * depth)
        self.backbone = Darknet(depth=depth, width=width)
        self.lateral_conv0 = Unit(coarse, middle, 1)
        self.C3_p4 = CrossStage(2 * middle, middle, count, shortcut=False)
        self.reduce_conv1 = Unit(middle, fine, 1)
        self.C3_p3 = CrossStage(2 * fine, fine, count, shortcut=False)
        self.bu_conv2 = Unit(fine, fine, 3, stride=2)
        self.C3_n3 = CrossStage(2 * fine, middle, count, shortcut=False)
        self.bu_conv1 = Unit(middle, middle, 3, stride=2)
        self.C3_n4 = CrossStage(2 * middle, coarse, count, shortcut=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at strides of 8, 16 and 32 of pictures [B, 3, H, W], float32. Shape legend: B pictures."""
        fine, middle, coarse = self.backbone(x)
        top = self.lateral_conv0(coarse)
        between = self.reduce_conv1(self.C3_p4(torch.cat([_doubled(top), middle], dim=1)))
        bottom = self.C3_p3(torch.cat([_doubled(between), fine], dim=1))
        back = self.C3_n3(torch.cat([self.bu_conv2(bottom), between], dim=1))
        return bottom, back, self.C3_n4(torch.cat([self.bu_conv1(back), top], dim=1))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _stage(channels_in: int, channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(Unit(channels_in, channels, 3, stride=2), CrossStage(channels, channels, count, shortcut=True))

"""OSNet and OSNet-AIN, networks of bodies, with the keys of torchreid's weights.

Sources: Zhou et al., "Omni-Scale Feature Learning for Person Re-Identification", arXiv:1905.00953v6; the same,
"Learning Generalisable Omni-Scale Representations", arXiv:1910.06827v5; KaiyangZhou/deep-person-reid at f8cd150; keys:
methods.md 7.4 and `papers/state_dicts/OSNet_*.tsv`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

STREAMS = 4
GATE_REDUCTION = 16


class Unit(nn.Module):
    """Convolution, a normalisation when there is one, ReLU when asked for.

    Args:
        conv: the convolution.
        bn: normalisation after it, or None.
        activate: whether ReLU ends it.
    """

    def __init__(self, *, conv: nn.Conv2d, bn: nn.Module | None, activate: bool) -> None:
        super().__init__()
        self.conv = conv
        self.bn = bn
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        """Apply the unit: [B, C, H, W] -> [B, D, h, w], float32. Shape legend: B crops, C, D channels."""
        y: Tensor = self.conv(x) if self.bn is None else self.bn(self.conv(x))
        return functional.relu(y) if self.activate else y


class LightConvolution(nn.Module):
    """Pointwise, then depthwise 3x3.

    Args:
        channels_in: channels of the input.
        channels: channels of the answer.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, C, H, W] -> [B, D, H, W], float32, not negative. Shape legend: B crops, C, D channels."""
        return functional.relu(self.bn(self.conv2(self.conv1(x))))


class ChannelGate(nn.Module):
    """Weighs channels by what they hold on average; the four streams of a block share one.

    Args:
        channels: channels that are weighed.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // GATE_REDUCTION, 1)
        self.fc2 = nn.Conv2d(channels // GATE_REDUCTION, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh: [B, C, H, W] -> the same, float32. Shape legend: B crops, C channels."""
        # [B, C, 1, 1]
        weights: Tensor = self.fc2(functional.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))).sigmoid()
        return x * weights


class OmniScaleBlock(nn.Module):
    """Four streams of one to four light convolutions, weighed by one gate and added, with a shortcut.

    Args:
        conv1: pointwise, to the inner width.
        streams: four of them, each [B, M, H, W] -> [B, M, H, W].
        gate: weighs each stream's channels.
        conv3: pointwise, to the outer width, without activation.
        downsample: makes the shortcut fit, or None where it fits.
        instance_norm: after `conv3`, or None where `conv3` has its own norm.
        named: whether the streams are called conv2a to conv2d, as OSNet has them, or conv2.0 to conv2.3, as AIN does.
    """

    def __init__(
        self,
        *,
        conv1: Unit,
        streams: Sequence[nn.Module],
        gate: ChannelGate,
        conv3: Unit,
        downsample: Unit | None,
        instance_norm: nn.Module | None,
        named: bool,
    ) -> None:
        super().__init__()
        if len(streams) != STREAMS:
            raise ValueError(f"got {len(streams)} streams, expected {STREAMS}")
        self.conv1 = conv1
        if named:
            self.conv2a, self.conv2b, self.conv2c, self.conv2d = streams
        else:
            self.conv2 = nn.ModuleList(streams)
        self.gate = gate
        self.conv3 = conv3
        self.downsample = downsample
        self.IN = instance_norm
        self._named = named

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, D, H, W], float32, not negative.

        Shape legend: B crops, C channels in, D channels out, M inner channels.
        """
        shortcut = x if self.downsample is None else self.downsample(x)
        # [B, M, H, W]
        narrow = self.conv1(x)
        gated = torch.stack([self.gate(stream(narrow)) for stream in self._streams()]).sum(dim=0)
        # [B, D, H, W]
        y = self.conv3(gated)
        return functional.relu((y if self.IN is None else self.IN(y)) + shortcut)

    def _streams(self) -> Sequence[nn.Module]:
        return (self.conv2a, self.conv2b, self.conv2c, self.conv2d) if self._named else list(self.conv2)


class Stream(nn.Module):
    """A row of light convolutions under the name that AIN gives it."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*[LightConvolution(channels, channels) for _ in range(depth)])

    def forward(self, x: Tensor) -> Tensor:
        """Apply the row: [B, M, H, W] -> the same. Shape legend: B crops, M channels."""
        y: Tensor = self.layers(x)
        return y


class OSNet(nn.Module):
    """Maps a body to an embedding.

    Args:
        pixels: normalisation of raw pixels; it holds no weights, so that the keys are the public ones.
        conv1: first convolution.
        stages: three of them.
        pools: two halvings between them, or None where the stages end with them.
        conv5: pointwise, after the last stage.
        fc: pooled map to embedding.
    """

    def __init__(
        self,
        *,
        pixels: nn.Module,
        conv1: Unit,
        stages: Sequence[nn.Module],
        pools: Sequence[nn.Module] | None,
        conv5: Unit,
        fc: nn.Module,
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.conv1 = conv1
        self.conv2, self.conv3, self.conv4 = stages
        self.pool2: nn.Module | None = pools[0] if pools is not None else None
        self.pool3: nn.Module | None = pools[1] if pools is not None else None
        self.conv5 = conv5
        self.fc = fc

    def forward(self, crop: Tensor) -> Tensor:
        """Embed bodies.

        Args:
            crop: [B, 256, 128, 3], uint8 (or float), 0..255, RGB.

        Returns:
            [B, D], float32, not negative, not normalised.

        Shape legend: B crops, D embedding dimensions.
        """
        x = functional.max_pool2d(self.conv1(self.pixels(crop)), 3, stride=2, padding=1)
        x = self.conv2(x) if self.pool2 is None else self.pool2(self.conv2(x))
        x = self.conv3(x) if self.pool3 is None else self.pool3(self.conv3(x))
        # [B, C, 16, 8] -> [B, C]
        pooled = self.conv5(self.conv4(x)).mean(dim=(2, 3))
        embedding: Tensor = self.fc(pooled)
        return embedding


def unit(channels_in: int, channels: int, *, kernel: int = 1, stride: int = 1, activate: bool = True) -> Unit:
    """Build a `Unit` with batch normalisation."""
    conv = nn.Conv2d(channels_in, channels, kernel, stride=stride, padding=kernel // 2, bias=False)
    return Unit(conv=conv, bn=nn.BatchNorm2d(channels), activate=activate)

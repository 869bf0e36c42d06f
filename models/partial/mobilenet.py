"""MobileNetV2's feature part, with the layout of published ImageNet weights.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv:1801.04381v4, table 2. Layers
are numbered `0..18` as in torchvision's `features`, so that its weights fit under that name.
"""

from __future__ import annotations

from torch import Tensor, nn

# Expansion, channels, repeats, stride of each stage (table 2).
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
FIRST = 32
LAST = 1280


class InvertedResidual(nn.Module):
    """Widens, filters each channel by itself, narrows; where the shape stays, adds its input.

    Args:
        conv: [B, C, H, W] -> [B, D, H / stride, W / stride].
        shortcut: whether the input is added.
    """

    def __init__(self, *, conv: nn.Sequential, shortcut: bool) -> None:
        super().__init__()
        self.conv = conv
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, D, H / stride, W / stride], float32.

        Shape legend: B batch, C channels in, D channels out, H rows, W columns.
        """
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


def mobilenet_features(*, width: float, last: int, last_stride: int) -> nn.Sequential:
    """Build the feature part, [B, 3, H, W] -> [B, last, H / s, W / s] with s = 32, or 16 when the last stride is 1.

    Args:
        width: factor on all channels.
        last: channels of the map that comes out; 1280 in the paper.
        last_stride: stride of the sixth stage; 2 in the paper, 1 keeps a finer map for matching.
    """
    channels = _even(FIRST * width)
    layers: list[nn.Module] = [_unit(3, channels, kernel=3, stride=2)]
    for index, (expansion, base, repeats, stride) in enumerate(STAGES):
        first = last_stride if index == 5 else stride
        for repeat in range(repeats):
            out = _even(base * width)
            layers.append(_inverted(channels, out, expansion=expansion, stride=first if repeat == 0 else 1))
            channels = out
    return nn.Sequential(*layers, _unit(channels, last, kernel=1))


def _inverted(channels: int, out: int, *, expansion: int, stride: int) -> InvertedResidual:
    hidden = channels * expansion
    layers: list[nn.Module] = [] if expansion == 1 else [_unit(channels, hidden, kernel=1)]
    layers += [
        _unit(hidden, hidden, kernel=3, stride=stride, groups=hidden),
        nn.Conv2d(hidden, out, 1, bias=False),
        nn.BatchNorm2d(out),
    ]
    return InvertedResidual(conv=nn.Sequential(*layers), shortcut=stride == 1 and channels == out)


def _unit(channels: int, out: int, *, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU6(inplace=True))


def _even(channels: float) -> int:
    """Round to a multiple of 8, never down by more than a tenth, as the published network does."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded

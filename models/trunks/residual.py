"""Residual networks whose keys are torchvision's, so that a user's ImageNet weights fit.

Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385v1, table 1; in the
bottleneck the 3x3 convolution carries the stride, as all public weights of today have it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional

# Builds a block from (channels in, width, stride).
BlockBuilder = Callable[[int, int, int], "BasicBlock | Bottleneck"]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut.

    Args:
        conv1: changes channels and carries the stride.
        bn1: normalisation after `conv1`.
        conv2: keeps the shape.
        bn2: normalisation after `conv2`.
        downsample: makes the shortcut fit, or None where it fits.
    """

    def __init__(
        self, *, conv1: nn.Conv2d, bn1: nn.Module, conv2: nn.Conv2d, bn2: nn.Module, downsample: nn.Module | None
    ) -> None:
        super().__init__()
        self.conv1 = conv1
        self.bn1 = bn1
        self.conv2 = conv2
        self.bn2 = bn2
        self.downsample = downsample
        self.out_channels = conv2.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, D, H / stride, W / stride], float32, not negative.

        Shape legend: B batch, C channels in, D channels out, H rows, W columns.
        """
        shortcut = x if self.downsample is None else self.downsample(x)
        # [B, D, H / stride, W / stride]
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + shortcut)


class Bottleneck(nn.Module):
    """1x1 to few channels, 3x3, 1x1 to many, with a shortcut.

    Args:
        conv1: 1x1, to the inner width.
        bn1: normalisation after `conv1`.
        conv2: 3x3, carries the stride.
        bn2: normalisation after `conv2`.
        conv3: 1x1, to the outer width.
        bn3: normalisation after `conv3`.
        downsample: makes the shortcut fit, or None where it fits.
    """

    def __init__(
        self,
        *,
        conv1: nn.Conv2d,
        bn1: nn.Module,
        conv2: nn.Conv2d,
        bn2: nn.Module,
        conv3: nn.Conv2d,
        bn3: nn.Module,
        downsample: nn.Module | None,
    ) -> None:
        super().__init__()
        self.conv1 = conv1
        self.bn1 = bn1
        self.conv2 = conv2
        self.bn2 = bn2
        self.conv3 = conv3
        self.bn3 = bn3
        self.downsample = downsample
        self.out_channels = conv3.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, D, H / stride, W / stride], float32, not negative.

        Shape legend: B batch, C channels in, D channels out, H rows, W columns.
        """
        shortcut = x if self.downsample is None else self.downsample(x)
        # [B, D / 4, H, W]
        y = functional.relu(self.bn1(self.conv1(x)))
        # [B, D / 4, H / stride, W / stride]
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + shortcut)


class ResNet(nn.Module):
    """Stem and four stages; neither pooling nor classifier.

    Args:
        conv1: first convolution.
        bn1: normalisation after it.
        pool: pooling after the first activation, or `nn.Identity`.
        stages: four of them, coarser and wider each.
    """

    def __init__(self, *, conv1: nn.Conv2d, bn1: nn.Module, pool: nn.Module, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        if len(stages) != 4:
            raise ValueError(f"got {len(stages)} stages, expected 4: the public layout knows layer1 to layer4")
        self.conv1 = conv1
        self.bn1 = bn1
        self.maxpool = pool
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, x: Tensor) -> Tensor:
        """Compute the feature map.

        Args:
            x: [B, C, H, W], float32, normalised.

        Returns:
            [B, D, h, w], float32, not negative.

        Shape legend: B batch, C channels in, D channels of the last stage, H, h rows, W, w columns.
        """
        y = self.maxpool(functional.relu(self.bn1(self.conv1(x))))
        features: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(y))))
        return features


def basic_block(in_channels: int, width: int, stride: int) -> BasicBlock:
    """Build a `BasicBlock` that gives `width` channels."""
    return BasicBlock(
        conv1=nn.Conv2d(in_channels, width, 3, stride=stride, padding=1, bias=False),
        bn1=nn.BatchNorm2d(width),
        conv2=nn.Conv2d(width, width, 3, padding=1, bias=False),
        bn2=nn.BatchNorm2d(width),
        downsample=_shortcut(in_channels, width, stride),
    )


def bottleneck(in_channels: int, width: int, stride: int) -> Bottleneck:
    """Build a `Bottleneck` of inner width `width` that gives 4 `width` channels."""
    return Bottleneck(
        conv1=nn.Conv2d(in_channels, width, 1, bias=False),
        bn1=nn.BatchNorm2d(width),
        conv2=nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False),
        bn2=nn.BatchNorm2d(width),
        conv3=nn.Conv2d(width, 4 * width, 1, bias=False),
        bn3=nn.BatchNorm2d(4 * width),
        downsample=_shortcut(in_channels, 4 * width, stride),
    )


def resnet(
    block: BlockBuilder,
    *,
    counts: Sequence[int],
    widths: Sequence[int] = (64, 128, 256, 512),
    in_channels: int = 3,
    stem_kernel: int = 7,
    pooled_stem: bool = True,
) -> ResNet:
    """Build a `ResNet`; the stride of its map is 32, without the pooling 16.

    Args:
        block: `basic_block` or `bottleneck`.
        counts: blocks of each stage.
        widths: width of each stage.
        in_channels: channels of the input: 3 for pictures, 1 for spectrograms.
        stem_kernel: side of the first convolution.
        pooled_stem: whether the stem ends with a 3x3 maximum of stride 2.
    """
    channels = widths[0]
    conv1 = nn.Conv2d(in_channels, channels, stem_kernel, stride=2, padding=stem_kernel // 2, bias=False)
    stages: list[nn.Module] = []
    for index, (count, width) in enumerate(zip(counts, widths, strict=True)):
        blocks = []
        for position in range(count):
            blocks.append(block(channels, width, 2 if index > 0 and position == 0 else 1))
            channels = blocks[-1].out_channels
        stages.append(nn.Sequential(*blocks))
    pool: nn.Module = nn.MaxPool2d(3, stride=2, padding=1) if pooled_stem else nn.Identity()
    network = ResNet(conv1=conv1, bn1=nn.BatchNorm2d(widths[0]), pool=pool, stages=stages)
    return initialised(network)


def initialised(network: ResNet) -> ResNet:
    """Fill the convolutions as He et al. do (arXiv:1502.01852v1, equation 14: by the outputs of a layer)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return network


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
    )

"""IResNet, the face network of ArcFace, with the keys of the public `arcface_torch` weights.

Sources: Deng et al., "ArcFace", arXiv:1801.07698v4; Duta et al., "Improved Residual Networks", arXiv:2004.04989v1;
order of the layers: deepinsight/insightface, `arcface_torch/backbones/iresnet.py` at 04a433f; keys: methods.md 7.2 and
`papers/state_dicts/insightface_iresnet*.tsv`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from models.blocks import PixelInput


class IResidualBlock(nn.Module):
    """Norm, convolution, norm, PReLU, convolution, norm, and a shortcut with nothing after the sum.

    Args:
        bn1: normalisation of the input.
        conv1: changes channels.
        bn2: normalisation after `conv1`.
        prelu: activation between the convolutions.
        conv2: carries the stride.
        bn3: normalisation after `conv2`.
        downsample: makes the shortcut fit, or None where it fits.
    """

    def __init__(
        self,
        *,
        bn1: nn.Module,
        conv1: nn.Conv2d,
        bn2: nn.Module,
        prelu: nn.Module,
        conv2: nn.Conv2d,
        bn3: nn.Module,
        downsample: nn.Module | None,
    ) -> None:
        super().__init__()
        self.bn1 = bn1
        self.conv1 = conv1
        self.bn2 = bn2
        self.prelu = prelu
        self.conv2 = conv2
        self.bn3 = bn3
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, D, H / stride, W / stride], float32.

        Shape legend: B batch, C channels in, D channels out, H rows, W columns.
        """
        shortcut = x if self.downsample is None else self.downsample(x)
        # [B, D, H, W]
        inner = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        # [B, D, H / stride, W / stride]
        y: Tensor = self.bn3(self.conv2(inner)) + shortcut
        return y


class IResNet(nn.Module):
    """Maps a face to an embedding whose direction says who, and whose norm says how clearly it was seen.

    Args:
        pixels: normalisation of raw pixels; it holds no weights, so that the keys are the public ones.
        conv1: first convolution, at full size.
        bn1: normalisation after it.
        prelu: activation after that.
        stages: four of them, each halves the map.
        bn2: normalisation of the last map.
        fc: flattened map to embedding.
        features: normalisation of the embedding; ArcFace keeps its weights at one.
    """

    def __init__(
        self,
        *,
        pixels: PixelInput,
        conv1: nn.Conv2d,
        bn1: nn.Module,
        prelu: nn.Module,
        stages: Sequence[nn.Module],
        bn2: nn.Module,
        fc: nn.Linear,
        features: nn.BatchNorm1d,
    ) -> None:
        super().__init__()
        if len(stages) != 4:
            raise ValueError(f"got {len(stages)} stages, expected 4: the public layout knows layer1 to layer4")
        self.pixels = pixels
        self.conv1 = conv1
        self.bn1 = bn1
        self.prelu = prelu
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.bn2 = bn2
        self.fc = fc
        self.features = features
        self.features.weight.requires_grad_(False)

    def forward(self, crop: Tensor) -> Tensor:
        """Embed faces.

        Args:
            crop: [B, S, S, 3], uint8 (or float), 0..255, RGB, aligned by the five points.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B crops, S pixels of a side, D embedding dimensions, C channels of the last map.
        """
        # [B, 3, S, S]
        x = self.prelu(self.bn1(self.conv1(self.pixels(crop))))
        # [B, C, S / 16, S / 16]
        x = self.bn2(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        # [B, D]
        embedding: Tensor = self.features(self.fc(x.flatten(1)))
        return embedding


def iresnet(
    *,
    counts: Sequence[int],
    widths: Sequence[int] = (64, 128, 256, 512),
    embedding_dim: int = 512,
    side_px: int = 112,
) -> IResNet:
    """Build an `IResNet`.

    Args:
        counts: blocks of each stage.
        widths: channels of each stage; the first is the stem's too.
        embedding_dim: length of the embedding.
        side_px: side of the crops; a multiple of 16.
    """
    if side_px % 16:
        raise ValueError(f"crops of {side_px} pixels do not halve four times: give a multiple of 16")
    inputs = (widths[0], *widths[:-1])
    network = IResNet(
        pixels=PixelInput(),
        conv1=nn.Conv2d(3, widths[0], 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(widths[0]),
        prelu=nn.PReLU(widths[0]),
        stages=[_stage(first, width, count) for first, width, count in zip(inputs, widths, counts, strict=True)],
        bn2=nn.BatchNorm2d(widths[-1]),
        fc=nn.Linear(widths[-1] * (side_px // 16) ** 2, embedding_dim),
        features=nn.BatchNorm1d(embedding_dim),
    )
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.1)
    return network


def _stage(in_channels: int, width: int, count: int) -> nn.Sequential:
    first = _block(in_channels, width, stride=2)
    return nn.Sequential(first, *[_block(width, width, stride=1) for _ in range(count - 1)])


def _block(in_channels: int, width: int, *, stride: int) -> IResidualBlock:
    downsample = (
        nn.Sequential(nn.Conv2d(in_channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width))
        if stride != 1 or in_channels != width
        else None
    )
    return IResidualBlock(
        bn1=nn.BatchNorm2d(in_channels),
        conv1=nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
        bn2=nn.BatchNorm2d(width),
        prelu=nn.PReLU(width),
        conv2=nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False),
        bn3=nn.BatchNorm2d(width),
        downsample=downsample,
    )

"""The sizes of OSNet that torchreid publishes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from models.public.osnet import STREAMS, ChannelGate, LightConvolution, OmniScaleBlock, OSNet, Stream, Unit, unit
from models.trunks import ImageNetPixels

EMBEDDING_DIM = 512
FULL_WIDTHS = (64, 256, 384, 512)
# Which blocks of OSNet-AIN normalise each instance, found by search (arXiv:1910.06827v5, figure 5).
AIN_BLOCKS = ((True, True), (False, True), (True, False))


def osnet(scale: float = 1.0) -> OSNet:
    """Build OSNet: 256x128 to 512 dimensions. `scale`, of widths, is 1, 0.75, 0.5 or 0.25; at 1 2.2 M parameters."""
    widths = _widths(scale)
    stages = []
    for index in range(3):
        first, width = widths[index], widths[index + 1]
        blocks: list[nn.Module] = [_named_block(first, width), _named_block(width, width)]
        if index < 2:
            blocks.append(_halving(width))
        stages.append(nn.Sequential(*blocks))
    return _network(unit(3, widths[0], kernel=7, stride=2), widths, stages, None)


def osnet_ain() -> OSNet:
    """Build OSNet-AIN x1.0: 256x128 to 512 dimensions, 2.2 M parameters."""
    widths = _widths(1.0)
    stages = []
    for index, instance_norms in enumerate(AIN_BLOCKS):
        first, width = widths[index], widths[index + 1]
        blocks = [
            _numbered_block(source, width, own) for source, own in zip((first, width), instance_norms, strict=True)
        ]
        stages.append(nn.Sequential(*blocks))
    stem = Unit(
        conv=nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False),
        bn=nn.InstanceNorm2d(widths[0], affine=True),
        activate=True,
    )
    return _network(stem, widths, stages, [_halving(widths[1]), _halving(widths[2])])


def _widths(scale: float) -> tuple[int, ...]:
    return tuple(int(width * scale) for width in FULL_WIDTHS)


def _network(
    stem: Unit, widths: Sequence[int], stages: Sequence[nn.Module], pools: Sequence[nn.Module] | None
) -> OSNet:
    return OSNet(
        pixels=ImageNetPixels(),
        conv1=stem,
        stages=stages,
        pools=pools,
        conv5=unit(widths[3], widths[3]),
        fc=nn.Sequential(nn.Linear(widths[3], EMBEDDING_DIM), nn.BatchNorm1d(EMBEDDING_DIM), nn.ReLU()),
    )


def _halving(width: int) -> nn.Sequential:
    return nn.Sequential(unit(width, width), nn.AvgPool2d(2, stride=2))


def _named_block(channels_in: int, channels: int) -> OmniScaleBlock:
    inner = channels // 4
    rows = [nn.Sequential(*[LightConvolution(inner, inner) for _ in range(depth)]) for depth in range(2, STREAMS + 1)]
    return OmniScaleBlock(
        conv1=unit(channels_in, inner),
        streams=[LightConvolution(inner, inner), *rows],
        gate=ChannelGate(inner),
        conv3=unit(inner, channels, activate=False),
        downsample=_shortcut(channels_in, channels),
        instance_norm=None,
        named=True,
    )


def _numbered_block(channels_in: int, channels: int, own_norm: bool) -> OmniScaleBlock:
    inner = channels // 4
    bare = Unit(conv=nn.Conv2d(inner, channels, 1, bias=False), bn=None, activate=False)
    return OmniScaleBlock(
        conv1=unit(channels_in, inner),
        streams=[Stream(inner, depth) for depth in range(1, STREAMS + 1)],
        gate=ChannelGate(inner),
        conv3=bare if own_norm else unit(inner, channels, activate=False),
        downsample=_shortcut(channels_in, channels),
        instance_norm=nn.InstanceNorm2d(channels, affine=True) if own_norm else None,
        named=False,
    )


def _shortcut(channels_in: int, channels: int) -> Unit | None:
    return None if channels_in == channels else unit(channels_in, channels, activate=False)

"""Networks of bodies, as named functions of nothing."""

from __future__ import annotations

from torch import nn

from models.blocks import PixelInput
from models.body.aligned import AlignedBody, stripe_head
from models.encoder import pooled_projection
from models.trunks import ImageNetPixels, basic_block, bottleneck, resnet


def aligned_body_paper() -> AlignedBody:
    """Build AlignedReID++ on ResNet-50: 256x128 to 2,048 dimensions and 8 stripes of 128, 23.8 M parameters."""
    trunk = resnet(bottleneck, counts=(3, 4, 6, 3))
    whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    return AlignedBody(pixels=ImageNetPixels(), trunk=trunk, whole=whole, stripes=stripe_head(2048, stripe_dim=128))


def aligned_body_small() -> AlignedBody:
    """Build one that trains on a few cores: 128x64 to 256 dimensions and 8 stripes of 32, about 1.0 M parameters."""
    trunk = resnet(basic_block, counts=(1, 1, 1, 1), widths=(24, 48, 96, 160), stem_kernel=3, pooled_stem=False)
    return AlignedBody(
        pixels=PixelInput(),
        trunk=trunk,
        whole=pooled_projection(160, grid=(4, 2), embedding_dim=256),
        stripes=stripe_head(160, stripe_dim=32),
    )

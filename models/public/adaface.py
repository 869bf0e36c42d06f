"""AdaFace's networks of faces, with the public keys: the residual networks that its authors took from InsightFace.

Sources: Kim, Jain, Liu, "AdaFace", arXiv:2204.00964v2; mk-minchul/AdaFace at c60eaa7, `net.py`; keys: methods.md 7.2
and `papers/state_dicts/AdaFace_ir_*.tsv`. Its crops are BGR, which is turned round inside the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn

from models.blocks import PixelInput

EMBEDDING_DIM = 512
LAST_SIDE = 7  # pixels of the last map of a crop of 112
WIDTHS = (64, 128, 256, 512)
# Blocks of each stage.
COUNTS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 101: (3, 13, 30, 3)}
)


class ShortcutBlock(nn.Module):
    """Norm, convolution, norm, PReLU, convolution with the stride, norm; a shortcut and nothing after the sum.

    Args:
        channels_in: channels of the input.
        channels: channels of the answer.
        stride: of the second convolution and of the shortcut.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        # Where the width stays, every stride-th pixel is the shortcut.
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if channels_in != channels:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, H, W], float32.

        Returns:
            [B, D, H / stride, W / stride], float32.

        Shape legend: B faces, C channels in, D channels out, H rows, W columns.
        """
        y: Tensor = self.res_layer(x) + self.shortcut_layer(x)
        return y


class AdaFace(nn.Module):
    """Maps a face to an embedding whose norm says how clearly it was seen; the published code gives the two apart.

    Args:
        pixels: normalisation of raw pixels; it holds no weights, so that the keys are the public ones.
        input_layer: first convolution, normalisation and activation, at full size.
        body: blocks.
        output_layer: last map to embedding.
    """

    def __init__(
        self, *, pixels: PixelInput, input_layer: nn.Module, body: Sequence[nn.Module], output_layer: nn.Module
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.input_layer = input_layer
        self.body = nn.Sequential(*body)
        self.output_layer = output_layer

    def forward(self, crop: Tensor) -> Tensor:
        """Embed faces.

        Args:
            crop: [B, 112, 112, 3], uint8 (or float), 0..255, RGB, aligned by the five points.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B crops, D embedding dimensions.
        """
        # [B, 3, 112, 112], BGR
        bgr = torch.flip(self.pixels(crop), dims=(1,))
        embedding: Tensor = self.output_layer(self.body(self.input_layer(bgr)))
        return embedding


def adaface(depth: int) -> AdaFace:
    """Build AdaFace's IR-18, 34, 50 or 101: 112x112 to 512 dimensions."""
    first = WIDTHS[0]
    blocks: list[nn.Module] = []
    for source, width, count in zip((first, *WIDTHS[:-1]), WIDTHS, COUNTS[depth], strict=True):
        blocks.append(ShortcutBlock(source, width, stride=2))
        blocks += [ShortcutBlock(width, width, stride=1) for _ in range(count - 1)]
    stem = nn.Sequential(nn.Conv2d(3, first, 3, padding=1, bias=False), nn.BatchNorm2d(first), nn.PReLU(first))
    output = nn.Sequential(
        nn.BatchNorm2d(WIDTHS[-1]),
        nn.Dropout(0.4),
        nn.Flatten(1),
        nn.Linear(WIDTHS[-1] * LAST_SIDE**2, EMBEDDING_DIM),
        nn.BatchNorm1d(EMBEDDING_DIM, affine=False),
    )
    return AdaFace(pixels=PixelInput(), input_layer=stem, body=blocks, output_layer=output)

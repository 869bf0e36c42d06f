"""CLIP-ReID's ViT-B/16, a network of bodies, with the public keys.

Sources: Li, Sun, Li, "CLIP-ReID", arXiv:2211.13977v4; Syliz517/CLIP-ReID at eb1898b, `model/make_model_clipreid.py`;
the trunk is CLIP's (openai/CLIP at d05afc4, `clip/model.py`). Vectors of cameras, which some files hold, are left out:
an archive of films has other cameras.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.blocks import PixelInput
from models.public.attention import Attention

PATCH = 16


class QuickGelu(nn.Module):
    """x times the sigmoid of 1.702 x, as CLIP has it."""

    def forward(self, x: Tensor) -> Tensor:
        """Activate [..], float32."""
        return x * torch.sigmoid(1.702 * x)


class Perceptron(nn.Module):
    """Two layers, four times as wide between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.gelu = QuickGelu()
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, T, C] -> the same, float32. Shape legend: B crops, T places, C channels."""
        y: Tensor = self.c_proj(self.gelu(self.c_fc(x)))
        return y


class AttentionBlock(nn.Module):
    """Attention and a perceptron, each on what was normalised and added to what was not."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = Perceptron(width)
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, T, C] -> the same, float32. Shape legend: B crops, T places, C channels."""
        normal = self.ln_1(x)
        x = x + self.attn(normal, normal)
        y: Tensor = x + self.mlp(self.ln_2(x))
        return y


class Transformer(nn.Module):
    """Blocks under the name that CLIP gives them."""

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Apply them: [B, T, C] -> the same, float32. Shape legend: B crops, T places, C channels."""
        y: Tensor = self.resblocks(x)
        return y


class ImageEncoder(nn.Module):
    """CLIP's network of pictures, on a grid of patches that may overlap and need not be square.

    Args:
        width: channels.
        layers: blocks.
        heads: heads of each.
        places: patches of a picture.
        stride: pixels from one patch to the next.
        projection: dimensions that pictures and words share.
    """

    def __init__(self, *, width: int, layers: int, heads: int, places: int, stride: int, projection: int) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(places + 1, width))
        self.proj = nn.Parameter(torch.zeros(width, projection))
        self.conv1 = nn.Conv2d(3, width, PATCH, stride=stride, bias=False)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer([AttentionBlock(width, heads) for _ in range(layers)])
        self.ln_post = nn.LayerNorm(width)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """See.

        Args:
            pixels: [B, 3, H, W], float32, normalised.

        Returns:
            The first place after the last norm [B, C], and what it is among words [B, P]; both float32.

        Shape legend: B crops, H rows, W columns, C channels, P shared dimensions, T places.
        """
        # [B, C, h, w] -> [B, T, C]
        patches = self.conv1(pixels).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(patches.shape[0], 1, -1)
        x = self.ln_pre(torch.cat([first, patches], dim=1) + self.positional_embedding)
        seen = self.ln_post(self.transformer(x)[:, 0])
        return seen, seen @ self.proj


class ClipReid(nn.Module):
    """Maps a body to an embedding: what CLIP sees, and what it is among words.

    Args:
        pixels: normalisation of raw pixels; it holds no weights, so that the keys are the public ones.
        image_encoder: CLIP's network of pictures.
    """

    def __init__(self, *, pixels: PixelInput, image_encoder: ImageEncoder) -> None:
        super().__init__()
        self.pixels = pixels
        self.image_encoder = image_encoder

    def forward(self, crop: Tensor) -> Tensor:
        """Embed bodies.

        Args:
            crop: [B, 256, 128, 3], uint8 (or float), 0..255, RGB.

        Returns:
            [B, D], float32, not normalised: both features before their norms, as the public tests take them.

        Shape legend: B crops, D embedding dimensions.
        """
        return torch.cat(self.image_encoder(self.pixels(crop)), dim=1)


def clip_reid(*, stride: int, width: int = 768, layers: int = 12, heads: int = 12, projection: int = 512) -> ClipReid:
    """Build CLIP-ReID: 256x128 to 1280 dimensions, 86 M parameters; `stride` is 16, or 12 where patches overlap."""
    places = ((256 - PATCH) // stride + 1) * ((128 - PATCH) // stride + 1)
    encoder = ImageEncoder(width=width, layers=layers, heads=heads, places=places, stride=stride, projection=projection)
    return ClipReid(pixels=PixelInput(), image_encoder=encoder)

"""IVT: one transformer for bodies and sentences, which share attention and nothing else.

Source: Shu et al., "See Finer, See More: Implicit Modality Alignment for Text-based Person Retrieval" (IVT),
arXiv:2208.08608; members are named as the weights of TencentYoutuResearch/PersonRetrieval-IVT at f205788
(methods.md 4.1). The two modalities never see each other's tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.blocks import PixelInput
from models.text.blocks import MASKED, VIT_SD, Mode, SharedBlock, shared_block
from models.text.embeddings import PatchEmbedding, WordEmbeddings, patch_grid, word_embeddings

PAD = 0


class ImageTextTransformer(nn.Module):
    """Maps body crops and sentences to one space.

    Args:
        pixels: normalisation of raw pixels.
        embeddings: words to tokens, [B, T] -> [B, T, D].
        patch_embed: patches to tokens, [B, 3, H, W] -> [B, P, D].
        grid: rows and columns of patches; P of them.
        width: D.
        blocks: layers of both modalities.
        norm: after the last layer, shared.
    """

    def __init__(
        self,
        *,
        pixels: PixelInput,
        embeddings: WordEmbeddings,
        patch_embed: PatchEmbedding,
        grid: tuple[int, int],
        width: int,
        blocks: Sequence[SharedBlock],
        norm: nn.LayerNorm,
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.embeddings = embeddings
        self.patch_embed = patch_embed
        self.grid = grid
        self.width = width
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, grid[0] * grid[1] + 1, width))
        self.type_embed = nn.Parameter(torch.empty(1, grid[0] * grid[1] + 1, width))
        for parameter in (self.cls_token, self.pos_embed, self.type_embed):
            nn.init.trunc_normal_(parameter, std=0.02)
        self.blocks = nn.ModuleList(blocks)
        self.norm = norm

    def forward(self, crop: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Embed crops and sentences, unmasked; rows need not belong together.

        Args:
            crop: [B, H, W, 3], uint8 (or float), 0..255, RGB.
            tokens: [S, T], int32 or int64.

        Returns:
            [B, D] of the crops and [S, D] of the sentences, float32, not normalised.

        Shape legend: B crops, S sentences, T words, H rows, W columns, D width.
        """
        return self.embed_image(crop), self.embed_text(tokens)

    def embed_image(self, crop: Tensor, kept: Tensor | None = None) -> Tensor:
        """Embed crops.

        Args:
            crop: [B, H, W, 3], uint8 (or float), 0..255, RGB.
            kept: [K], int64, places of the tokens that stay, 0 (the class token) among them; None keeps all P + 1.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B crops, H rows, W columns, P patches, K kept tokens, D width.
        """
        # [B, P, D]
        patches = self.patch_embed(self.pixels(crop))
        # [B, P + 1, D]
        x = torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], dim=1)
        x = x + self.pos_embed + self.type_embed
        return self._first(x if kept is None else x[:, kept], None, Mode.IMAGE)

    def embed_text(self, tokens: Tensor, kept: Tensor | None = None) -> Tensor:
        """Embed sentences.

        Args:
            tokens: [B, T], int32 or int64, 0 <= token < V; 0 is padding; the first token stands for the sentence.
            kept: [K], int64, places of the tokens that stay, 0 among them; None keeps all T.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B sentences, T tokens, V vocabulary, K kept tokens, D width.
        """
        # [B, T, D]
        x = self.embeddings(tokens)
        # [B, T] -> [B, 1, 1, T]
        bias = ((tokens == PAD).to(torch.float32) * MASKED)[:, None, None, :]
        if kept is not None:
            x, bias = x[:, kept], bias[..., kept]
        return self._first(x, bias, Mode.TEXT)

    def _first(self, x: Tensor, bias: Tensor | None, mode: Mode) -> Tensor:
        for block in self.blocks:
            x = block(x, bias, mode)
        # The norm works token by token: that of the first is the first of the norm. [B, T, D] -> [B, D]
        embedding: Tensor = self.norm(x[:, 0])
        return embedding


class ImageGraph(nn.Module):
    """The served form of the image half.

    Args:
        network: the trained network.
    """

    def __init__(self, *, network: ImageTextTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, crop: Tensor) -> Tensor:
        """Embed crops.

        Args:
            crop: [B, H, W, 3], uint8, 0..255, RGB.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B crops, H rows, W columns, D width.
        """
        return self.network.embed_image(crop)


class TextGraph(nn.Module):
    """The served form of the text half.

    Args:
        network: the trained network.
    """

    def __init__(self, *, network: ImageTextTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed sentences.

        Args:
            tokens: [B, T], int32, 0 for padding.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B sentences, T tokens, D width.
        """
        return self.network.embed_text(tokens)


def image_text_transformer(
    *,
    image_size: tuple[int, int],
    patch: int,
    stride: int,
    vocabulary: int,
    places: int,
    width: int,
    depth: int,
    heads: int,
    hidden: int,
    drop_path: float,
    dropout: float,
    weight_sd: float = VIT_SD,
    proj: nn.Module | None = None,
) -> ImageTextTransformer:
    """Build the network from numbers.

    Args:
        image_size: rows and columns of a crop, in pixels.
        patch: side of a patch, in pixels.
        stride: pixels from one patch to the next.
        vocabulary: words or pieces.
        places: largest number of tokens of a text.
        width: width of a token, and length of an embedding.
        depth: layers.
        heads: heads of the attention.
        hidden: width inside the feed-forward layers.
        drop_path: chance that a branch is skipped in the last layer; it grows evenly from 0 in the first.
        dropout: of the word embeddings.
        weight_sd: standard deviation of the layers' first weights. A ViT's suits 768 wide tokens that were trained
            before; in narrow ones the first token would hear nothing of the others for thousands of steps.
        proj: What makes the map of patches, [B, 3, H, W] -> [B, width, h, w] on the grid of `patch` and `stride`; a
            convolution of patches when left out.
    """
    shares = [drop_path * layer / max(1, depth - 1) for layer in range(depth)]
    return ImageTextTransformer(
        pixels=PixelInput(),
        embeddings=word_embeddings(vocabulary, places=places, width=width, dropout=dropout),
        patch_embed=PatchEmbedding(proj=proj or nn.Conv2d(3, width, patch, stride=stride)),
        grid=patch_grid(*image_size, patch=patch, stride=stride),
        width=width,
        blocks=[
            shared_block(width, heads=heads, hidden=hidden, drop_path=share, weight_sd=weight_sd) for share in shares
        ],
        norm=nn.LayerNorm(width, eps=1e-6),
    )

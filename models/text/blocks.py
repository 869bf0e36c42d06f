"""The block of IVT: attention that both modalities share, feed-forward layers of their own.

Source: Shu et al., "See Finer, See More: Implicit Modality Alignment for Text-based Person Retrieval" (IVT),
arXiv:2208.08608; the layout of weights is that of TencentYoutuResearch/PersonRetrieval-IVT at f205788 (methods.md 4.1).
"""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor, nn
from torch.nn import functional

# What padding is worth before the softmax, as in BERT: far below any score, and no infinity that could become nan.
MASKED = -10_000.0
# Standard deviation of the first weights of a ViT, and of BERT.
VIT_SD = 0.02


class Mode(StrEnum):
    """Whose feed-forward layers are used."""

    IMAGE = "vis"
    TEXT = "txt"


class SharedAttention(nn.Module):
    """Self-attention over the tokens of one modality; its weights serve both.

    Args:
        qkv: [B, T, D] -> [B, T, 3D], queries, keys and values of all heads.
        proj: [B, T, D] -> [B, T, D].
        heads: number of heads; divides D.
    """

    def __init__(self, *, qkv: nn.Linear, proj: nn.Linear, heads: int) -> None:
        super().__init__()
        if qkv.out_features != 3 * proj.in_features or proj.in_features % heads:
            raise ValueError(
                f"qkv gives {qkv.out_features} and proj takes {proj.in_features} with {heads} heads: expected three "
                "times as much, and heads that divide it"
            )
        self.qkv = qkv
        self.proj = proj
        self.heads = heads

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Attend.

        Args:
            x: [B, T, D], float32.
            bias: [B, 1, 1, T], float32, added to the scores of each key; None where all tokens count.

        Returns:
            [B, T, D], float32.

        Shape legend: B batch, T tokens, D width, H heads.
        """
        batch, tokens, width = x.shape
        # [B, T, 3D] -> [3, B, H, T, D / H]
        mixed = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if bias is not None:
            bias = bias.to(mixed.dtype)
        # [B, H, T, D / H]
        answer = functional.scaled_dot_product_attention(mixed[0], mixed[1], mixed[2], attn_mask=bias)
        # [B, T, D]
        joined: Tensor = self.proj(answer.transpose(1, 2).reshape(batch, tokens, width))
        return joined


class FeedForward(nn.Module):
    """Two layers with a GELU between them.

    Args:
        fc1: [B, T, D] -> [B, T, F].
        fc2: [B, T, F] -> [B, T, D].
    """

    def __init__(self, *, fc1: nn.Linear, fc2: nn.Linear) -> None:
        super().__init__()
        self.fc1 = fc1
        self.fc2 = fc2

    def forward(self, x: Tensor) -> Tensor:
        """Apply both layers.

        Args:
            x: [B, T, D], float32.

        Returns:
            [B, T, D], float32.

        Shape legend: B batch, T tokens, D width, F hidden width.
        """
        y: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return y


class SharedBlock(nn.Module):
    """One layer of the transformer.

    Args:
        norm1: before the attention, shared.
        attn: attention, shared.
        norm2: before the feed-forward layers, shared.
        mlp_vis: feed-forward layers of images.
        mlp_txt: feed-forward layers of text.
        drop_path: chance that a sample skips a branch while training, 0..1.
    """

    def __init__(
        self,
        *,
        norm1: nn.LayerNorm,
        attn: SharedAttention,
        norm2: nn.LayerNorm,
        mlp_vis: FeedForward,
        mlp_txt: FeedForward,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.norm1 = norm1
        self.attn = attn
        self.norm2 = norm2
        self.mlp_vis = mlp_vis
        self.mlp_txt = mlp_txt
        self.drop_path = drop_path

    def forward(self, x: Tensor, bias: Tensor | None, mode: Mode) -> Tensor:
        """Apply the layer.

        Args:
            x: [B, T, D], float32, tokens of one modality.
            bias: [B, 1, 1, T], float32, or None; see `SharedAttention`.
            mode: whose tokens they are.

        Returns:
            [B, T, D], float32.

        Shape legend: B batch, T tokens, D width.
        """
        feed = self.mlp_vis if mode is Mode.IMAGE else self.mlp_txt
        x = x + self._kept(self.attn(self.norm1(x), bias))
        return x + self._kept(feed(self.norm2(x)))

    def _kept(self, branch: Tensor) -> Tensor:
        """Drop the branch of some samples while training; the others weigh more (stochastic depth)."""
        if not self.training or self.drop_path == 0.0:
            return branch
        keep = 1.0 - self.drop_path
        # [B, 1, 1]
        chosen = torch.rand(branch.shape[0], 1, 1, device=branch.device) < keep
        return branch * chosen.to(branch.dtype) / keep


def shared_block(width: int, *, heads: int, hidden: int, drop_path: float, weight_sd: float = VIT_SD) -> SharedBlock:
    """Build a layer of `width`, with feed-forward layers of `hidden`; weights begin with a standard deviation."""
    qkv, proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
    feeds = [FeedForward(fc1=nn.Linear(width, hidden), fc2=nn.Linear(hidden, width)) for _ in range(2)]
    block = SharedBlock(
        norm1=nn.LayerNorm(width, eps=1e-6),
        attn=SharedAttention(qkv=qkv, proj=proj, heads=heads),
        norm2=nn.LayerNorm(width, eps=1e-6),
        mlp_vis=feeds[0],
        mlp_txt=feeds[1],
        drop_path=drop_path,
    )
    for layer in block.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=weight_sd)
            nn.init.zeros_(layer.bias)
    return block

"""IVT's start: an ImageNet ViT for what both modalities share and for images, BERT for words.

Source: TencentYoutuResearch/PersonRetrieval-IVT at f205788 (methods.md 4.1): BERT's attention is not used; the grid of
places is interpolated to the size of the crops.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

_BERT_FEED = {"intermediate.dense": "mlp_txt.fc1", "output.dense": "mlp_txt.fc2"}
_BERT_TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm")


def initial_weights(
    vit: Mapping[str, Tensor], bert: Mapping[str, Tensor], *, grid: tuple[int, int]
) -> dict[str, Tensor]:
    """Put a state dict for `ivt` together; only `type_embed` is in neither source and must be kept as it is.

    Args:
        vit: ViT-B/16 as timm names its weights, with a square grid of places.
        bert: bert-base-uncased as transformers names its weights, with or without `bert.`.
        grid: rows and columns of patches of the network to be filled.

    Raises:
        ValueError: If the ViT's places are no square grid and a class token.
    """
    return {**_from_vit(vit, grid), **_from_bert({key.removeprefix("bert."): v for key, v in bert.items()})}


def resized_places(places: Tensor, grid: tuple[int, int]) -> Tensor:
    """Interpolate the vectors of places to another grid.

    Args:
        places: [1, 1 + n * n, D], float32, the class token first.
        grid: rows and columns wanted.

    Returns:
        [1, 1 + rows * columns, D], float32; the class token's row stays.

    Raises:
        ValueError: If n is no whole number.

    Shape legend: D width, n side of the square grid.
    """
    side = round((places.shape[1] - 1) ** 0.5)
    if side * side != places.shape[1] - 1:
        raise ValueError(f"{places.shape[1]} places are no square grid and a class token")
    # [1, n * n, D] -> [1, D, n, n] -> [1, D, rows, columns]
    picture = places[:, 1:].transpose(1, 2).reshape(1, places.shape[2], side, side)
    stretched = functional.interpolate(picture, size=grid, mode="bicubic", align_corners=False)
    return torch.cat([places[:, :1], stretched.flatten(2).transpose(1, 2)], dim=1)


def _from_vit(vit: Mapping[str, Tensor], grid: tuple[int, int]) -> dict[str, Tensor]:
    kept = {key.replace(".mlp.", ".mlp_vis."): value for key, value in vit.items() if not key.startswith("head.")}
    return kept | {"pos_embed": resized_places(vit["pos_embed"], grid)}


def _from_bert(bert: Mapping[str, Tensor]) -> dict[str, Tensor]:
    out = {}
    for key, value in bert.items():
        parts = key.split(".")
        if parts[0] == "embeddings" and parts[1] in _BERT_TABLES:
            out[key] = value
        elif parts[:2] == ["encoder", "layer"] and ".".join(parts[3:5]) in _BERT_FEED:
            out[f"blocks.{parts[2]}.{_BERT_FEED['.'.join(parts[3:5])]}.{parts[5]}"] = value
    return out

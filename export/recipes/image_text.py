"""CLIP and SigLIP, pairs of networks of pictures and of words: transformers' own, each half a model of its own.

Sources: Radford et al., "CLIP", arXiv:2103.00020v1; Zhai et al., "Sigmoid Loss for Language Image Pre-Training",
arXiv:2303.15343v4. OpenAI's own files (methods.md 7.6) are renamed by `export.recipes.clip_keys`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from export.recipes.clip_keys import config_of_openai, from_openai, is_openai
from export.recipes.matching import Served
from export.recipes.pretrained import config_of, library, loaded_strictly
from export.recipes.source import Source
from export.samples import Feed, noise_of
from export.specs import UNWRITTEN
from packs.spec import ModelSpec, Preprocessing, TensorSpec, Tolerance

# Of RGB in 0..1, as each was trained.
CLIP_PIXELS = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
SIGLIP_PIXELS = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class PictureGraph(nn.Module):
    """The served form of the half that sees.

    Args:
        network: transformers' network of both halves.
        mean: of red, green and blue in 0..1.
        std: their spread.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, *, network: Any, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", 255.0 * torch.tensor(mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255.0 * torch.tensor(std).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, crop: Tensor) -> Tensor:
        """See.

        Args:
            crop: [B, S, S, 3], uint8, 0..255, RGB.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B crops, S pixels of a side, D dimensions.
        """
        pixels = (crop.permute(0, 3, 1, 2).to(torch.float32) - self.mean) / self.std
        return _embedding(self.network.get_image_features(pixel_values=pixels))


class WordGraph(nn.Module):
    """The served form of the half that reads.

    Args:
        network: transformers' network of both halves.
    """

    def __init__(self, *, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor) -> Tensor:
        """Read.

        Args:
            ids: [B, T], int64, numbers of word pieces, padded as the tokeniser pads.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B sentences, T pieces, D dimensions.
        """
        return _embedding(self.network.get_text_features(input_ids=ids))


def serve(recipe: str, source: Source) -> tuple[str, Sequence[Served]]:
    """The network of a file, and its two encoders.

    Raises:
        RecipeError: If the file does not fit the recipe.
    """
    if recipe == "siglip":
        config = config_of(source, "SiglipConfig", "siglip")
        network = loaded_strictly("SiglipModel", config, source.weights)
        return _pair("siglip", network, config, SIGLIP_PIXELS)
    if is_openai(source.weights):
        config = config_of_openai(source.weights, library())
        network = loaded_strictly("CLIPModel", config, from_openai(source.weights))
    else:
        config = config_of(source, "CLIPConfig", "clip")
        network = loaded_strictly("CLIPModel", config, source.weights)
    return _pair("clip", network, config, CLIP_PIXELS)


def _pair(
    name: str, network: nn.Module, config: Any, pixels: tuple[Sequence[float], Sequence[float]]
) -> tuple[str, Sequence[Served]]:
    side, tokens = config.vision_config.image_size, config.text_config.max_position_embeddings
    picture = PictureGraph(network=network, mean=pixels[0], std=pixels[1]).eval()
    words = WordGraph(network=network).eval()
    with torch.inference_mode():
        width = int(words(torch.ones(1, tokens, dtype=torch.int64)).shape[1])
    # No modality: which network answers a search by words is settled by whoever composes the pack.
    seen = _spec("image_encoder", TensorSpec(name="crop", dtype="UINT8", shape=(side, side, 3)), width)
    seen = seen.model_copy(update={"preprocessing": Preprocessing(kind="square", height=side, width=side)})
    read = _spec("text_encoder", TensorSpec(name="ids", dtype="INT64", shape=(tokens,)), width)
    architecture = f"{name} with patches of {config.vision_config.patch_size} and {width} dimensions"
    return architecture, [
        Served(seen, picture, noise_of(seen)),
        Served(read, words, _sentences(tokens, config.text_config.vocab_size)),
    ]


def _spec(name: str, source: TensorSpec, width: int) -> ModelSpec:
    return ModelSpec(
        name=name,
        file=f"{name}.onnx",
        sha256=UNWRITTEN,
        inputs=(source,),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(width,)),),
        max_batch=32,
        tolerance=Tolerance(absolute=0.05, cosine=0.9999),
        embedding_dim=width,
    )


def _embedding(found: Any) -> Tensor:
    """Versions of transformers differ in whether they give the tensor or an output that holds it."""
    answer: Tensor = found if isinstance(found, Tensor) else found.pooler_output
    return answer


def _sentences(tokens: int, vocabulary: int) -> Feed:
    """Seeded sentences that end in the highest number, as CLIP's do; the rest is padding of zeros."""
    rng = np.random.default_rng(0)
    ids = np.zeros((3, tokens), np.int64)
    for row, length in zip(ids, (3, tokens // 2, tokens), strict=True):
        row[:length] = rng.integers(1, vocabulary - 1, size=length)
        row[length - 1] = vocabulary - 1
    return {"ids": ids}

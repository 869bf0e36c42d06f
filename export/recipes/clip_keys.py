"""OpenAI's own files of CLIP under the keys of transformers: an explicit table, and sizes read off the shapes.

Source of the keys: openai/CLIP at d05afc4, `clip/model.py` (methods.md 7.6, `papers/state_dicts/CLIP_*.tsv`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from export.recipes.matching import renamed_by

# In every public CLIP a head is 64 wide.
HEAD = 64
MARK = "visual.class_embedding"
# What a released archive holds beside the weights.
EXTRA = ("input_resolution", "context_length", "vocab_size")

_BLOCKS = (
    ("ln_1.", "layer_norm1."),
    ("ln_2.", "layer_norm2."),
    ("mlp.c_fc.", "mlp.fc1."),
    ("mlp.c_proj.", "mlp.fc2."),
    ("attn.out_proj.", "self_attn.out_proj."),
)
_OUTER = (
    ("visual.conv1.", "vision_model.embeddings.patch_embedding."),
    ("visual.class_embedding", "vision_model.embeddings.class_embedding"),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
    ("visual.ln_pre.", "vision_model.pre_layrnorm."),
    ("visual.ln_post.", "vision_model.post_layernorm."),
    ("visual.transformer.resblocks.", "vision_model.encoder.layers."),
    ("visual.proj", "visual_projection.weight"),
    ("transformer.resblocks.", "text_model.encoder.layers."),
    ("token_embedding.", "text_model.embeddings.token_embedding."),
    ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
    ("ln_final.", "text_model.final_layer_norm."),
    ("text_projection", "text_projection.weight"),
)
_TURNED = ("visual.proj", "text_projection")


def is_openai(weights: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of OpenAI's code."""
    return MARK in weights


def from_openai(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename; projections are turned round, and the three maps of attention, kept as one, come apart."""
    renamed: dict[str, Tensor] = {}
    for key, tensor in weights.items():
        if key in EXTRA:
            continue
        name = next(iter(renamed_by(_OUTER)({key: tensor})))
        if ".attn.in_proj_" in name:
            start, kind = name.split("attn.in_proj_")
            for word, part in zip("qkv", tensor.chunk(3), strict=True):
                renamed[f"{start}self_attn.{word}_proj.{kind}"] = part
        else:
            renamed[_in_block(name)] = tensor.T.contiguous() if key in _TURNED else tensor
    return renamed


def config_of_openai(weights: Mapping[str, Tensor], transformers: Any) -> Any:
    """The configuration that the shapes tell of, with heads of 64 and the activation of the public networks."""
    width, _, patch, _ = weights["visual.conv1.weight"].shape
    places = weights["visual.positional_embedding"].shape[0] - 1
    words, text_width = weights["token_embedding.weight"].shape
    projection = weights["text_projection"].shape[1]
    vision = {
        "image_size": patch * round(places**0.5),
        "patch_size": patch,
        **_sizes(weights, "visual.transformer.resblocks.", width),
    }
    text = {
        "vocab_size": words,
        "max_position_embeddings": weights["positional_embedding"].shape[0],
        # The end of a sentence is its highest number, wherever that stands.
        "eos_token_id": 2,
        **_sizes(weights, "transformer.resblocks.", text_width),
    }
    return transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=projection)


def _sizes(weights: Mapping[str, Tensor], start: str, width: int) -> dict[str, Any]:
    layers = {int(key.removeprefix(start).split(".")[0]) for key in weights if key.startswith(start)}
    return {
        "hidden_size": width,
        "intermediate_size": weights[f"{start}0.mlp.c_fc.weight"].shape[0],
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(1, width // HEAD),
        "hidden_act": "quick_gelu",
    }


def _in_block(name: str) -> str:
    if ".encoder.layers." not in name:
        return name
    for theirs, ours in _BLOCKS:
        if f".{theirs}" in name:
            return name.replace(f".{theirs}", f".{ours}")
    return name

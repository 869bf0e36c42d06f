"""Whisper, speech to words: transformers' own network, with its front end in the graph, as encoder and decoder.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", arXiv:2212.04356v1. OpenAI's own
files, `{dims, model_state_dict}`, are renamed (openai/whisper at c0d2f62, `whisper/model.py`; methods.md 7.7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from export.recipes.errors import RecipeError
from export.recipes.matching import Served
from export.recipes.pretrained import config_of, library, loaded_strictly
from export.recipes.shapes import plain, sounds
from export.recipes.source import Source
from export.samples import Feed
from models.public.bands import slaney_bands
from models.public.waveform import HOP, WhisperBands
from packs.spec import TensorSpec

# Symbols that the decoder sees at once; each new one costs a whole pass, since nothing is kept between passes.
TOKENS = 64

_KEYS = (
    (r"\.blocks\.", ".layers."),
    (r"\.attn\.query\.", ".self_attn.q_proj."),
    (r"\.attn\.key\.", ".self_attn.k_proj."),
    (r"\.attn\.value\.", ".self_attn.v_proj."),
    (r"\.attn\.out\.", ".self_attn.out_proj."),
    (r"\.attn_ln\.", ".self_attn_layer_norm."),
    (r"\.cross_attn\.query\.", ".encoder_attn.q_proj."),
    (r"\.cross_attn\.key\.", ".encoder_attn.k_proj."),
    (r"\.cross_attn\.value\.", ".encoder_attn.v_proj."),
    (r"\.cross_attn\.out\.", ".encoder_attn.out_proj."),
    (r"\.cross_attn_ln\.", ".encoder_attn_layer_norm."),
    (r"\.mlp\.0\.", ".fc1."),
    (r"\.mlp\.2\.", ".fc2."),
    (r"\.mlp_ln\.", ".final_layer_norm."),
    (r"^encoder\.ln_post\.", "encoder.layer_norm."),
    (r"^decoder\.ln\.", "decoder.layer_norm."),
    (r"^decoder\.token_embedding\.", "decoder.embed_tokens."),
    (r"\.positional_embedding$", ".embed_positions.weight"),
)


class HearingGraph(nn.Module):
    """The served form of the encoder.

    Args:
        network: transformers' encoder.
        bands: its front end.
    """

    def __init__(self, *, network: nn.Module, bands: WhisperBands) -> None:
        super().__init__()
        self.network = network
        self.bands = bands

    def forward(self, sound: Tensor) -> Tensor:
        """Hear.

        Args:
            sound: [B, N], float32, -1..1, 16 kHz, padded with silence to 30 s.

        Returns:
            [B, T, D], float32.

        Shape legend: B sounds, N samples, T frames of 20 ms, D dimensions.
        """
        states: Tensor = self.network(self.bands(sound), return_dict=True).last_hidden_state
        return states


class WritingGraph(nn.Module):
    """The served form of the decoder, without memory: what stands behind a symbol does not change what follows it.

    Args:
        network: transformers' decoder.
        head: to the vocabulary.
    """

    def __init__(self, *, network: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.head = head

    def forward(self, ids: Tensor, states: Tensor) -> Tensor:
        """Write.

        Args:
            ids: [B, S], int64, symbols so far, then anything.
            states: [B, T, D], float32, what the encoder gave.

        Returns:
            [B, S, V], float32, logits of the symbol after each.

        Shape legend: B sounds, S symbols, T frames, D dimensions, V vocabulary.
        """
        # Without a mask, transformers looks for several sentences in one row, which has no form in ONNX.
        seen = torch.ones_like(ids)
        found: Any = self.network(
            input_ids=ids, attention_mask=seen, encoder_hidden_states=states, use_cache=False, return_dict=True
        )
        logits: Tensor = self.head(found.last_hidden_state)
        return logits


def serve(recipe: str, source: Source) -> tuple[str, Sequence[Served]]:
    """The network of a file, and its encoder and decoder.

    Raises:
        RecipeError: If the file is no Whisper.
    """
    if "dims" in source.extras:
        config = config_of_openai(source.extras["dims"], library())
        weights: Mapping[str, Tensor] = {f"model.{key}": value for key, value in from_openai(source.weights).items()}
    else:
        config, weights = config_of(source, "WhisperConfig", "whisper"), source.weights
    # Files save the head or leave it out: it is the table of symbols in any case.
    network: Any = loaded_strictly(
        "WhisperForConditionalGeneration", config, weights, ignored=(r"^proj_out\.",), absent=(r"^proj_out\.",)
    )
    architecture = f"whisper of {config.encoder_layers} and {config.decoder_layers} layers, {config.d_model} wide"
    return architecture, [_encoder(network, config), _decoder(network, config)]


def config_of_openai(dims: Any, transformers: Any) -> Any:
    """The configuration of OpenAI's `dims`.

    Raises:
        RecipeError: If a size is not there.
    """
    try:
        return transformers.WhisperConfig(
            num_mel_bins=dims["n_mels"],
            max_source_positions=dims["n_audio_ctx"],
            max_target_positions=dims["n_text_ctx"],
            vocab_size=dims["n_vocab"],
            d_model=dims["n_audio_state"],
            encoder_layers=dims["n_audio_layer"],
            decoder_layers=dims["n_text_layer"],
            encoder_attention_heads=dims["n_audio_head"],
            decoder_attention_heads=dims["n_text_head"],
            encoder_ffn_dim=4 * dims["n_audio_state"],
            decoder_ffn_dim=4 * dims["n_text_state"],
            # Numbers of special symbols must lie in the vocabulary; none of them is used here.
            **{f"{word}_token_id": 0 for word in ("pad", "bos", "eos", "decoder_start")},
        )
    except (KeyError, TypeError) as error:
        raise RecipeError(f"the file's dims are {dims!r}, expected OpenAI's ten sizes: {error}") from error


def from_openai(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename OpenAI's keys."""
    renamed = {}
    for key, tensor in weights.items():
        name = key
        for theirs, ours in _KEYS:
            name = re.sub(theirs, ours, name)
        renamed[name] = tensor
    return renamed


def _encoder(network: Any, config: Any) -> Served:
    graph = HearingGraph(network=network.model.encoder, bands=WhisperBands(slaney_bands(config.num_mel_bins)))
    spec = plain(
        "speech_encoder",
        # Convolution halves the frames of 10 ms.
        [TensorSpec(name="sound", dtype="FP32", shape=(config.max_source_positions * 2 * HOP,))],
        [TensorSpec(name="states", dtype="FP32", shape=(config.max_source_positions, config.d_model))],
        max_batch=4,
        absolute=0.05,
    )
    return Served(spec, graph.eval(), sounds(spec))


def _decoder(network: Any, config: Any) -> Served:
    symbols = min(TOKENS, config.max_target_positions)
    states = (config.max_source_positions, config.d_model)
    spec = plain(
        "speech_decoder",
        [
            TensorSpec(name="ids", dtype="INT64", shape=(symbols,)),
            TensorSpec(name="states", dtype="FP32", shape=states),
        ],
        [TensorSpec(name="logits", dtype="FP32", shape=(symbols, config.vocab_size))],
        max_batch=4,
        absolute=0.05,
    )
    rng = np.random.default_rng(0)
    feed: Feed = {
        "ids": rng.integers(0, config.vocab_size, size=(3, symbols)),
        "states": rng.standard_normal((3, *states)).astype(np.float32),
    }
    return Served(spec, WritingGraph(network=network.model.decoder, head=network.proj_out).eval(), feed)

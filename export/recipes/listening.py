"""Networks of transformers that take the waveform: WavLM x-vectors (voices) and wav2vec 2.0 with CTC (speech)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from export.recipes.matching import Served
from export.recipes.pretrained import config_of, loaded_strictly, preprocessor_of
from export.recipes.shapes import plain, sounds, voice_encoder
from export.recipes.source import Source
from packs.sound import SAMPLE_RATE
from packs.spec import TensorSpec

# What is transcribed at once.
SPEECH_SECONDS = 10
# Added to the variance by the feature extractor.
VARIANCE_FLOOR = 1e-7


class ListeningGraph(nn.Module):
    """The served form: the sound as it is in, one answer out.

    Args:
        network: transformers' network of a waveform.
        normalised: whether the feature extractor gives each sound the mean 0 and the deviation 1.
        answer: `embeddings` of a voice, or `logits` of symbols, which leave as logarithms of probabilities.
    """

    def __init__(self, *, network: nn.Module, normalised: bool, answer: str) -> None:
        super().__init__()
        self.network = network
        self.normalised = normalised
        self.answer = answer

    def forward(self, sound: Tensor) -> Tensor:
        """Listen.

        Args:
            sound: [B, N], float32, -1..1, 16 kHz.

        Returns:
            [B, D] embeddings, not normalised, or [B, T, V] natural logarithms of probabilities; float32.

        Shape legend: B sounds, N samples, D embedding dimensions, T frames of 20 ms, V symbols.
        """
        if self.normalised:
            centred = sound - sound.mean(dim=1, keepdim=True)
            sound = centred / (centred.square().mean(dim=1, keepdim=True) + VARIANCE_FLOOR).sqrt()
        found: Any = self.network(sound, return_dict=True)
        answer: Tensor = getattr(found, self.answer)
        return answer.log_softmax(dim=2) if self.answer == "logits" else answer


def serve(recipe: str, source: Source) -> tuple[str, Sequence[Served]]:
    """The network of a file, and what it serves as.

    Raises:
        RecipeError: If the file does not fit the recipe.
    """
    normalised = bool(preprocessor_of(source).get("do_normalize", True))
    if recipe == "wavlm-xvector":
        config = config_of(source, "WavLMConfig", "wavlm")
        # The classifier's margin is of training only.
        network = loaded_strictly(
            "WavLMForXVector", config, source.weights, ignored=(r"^objective\.",), absent=(r"^objective\.",)
        )
        spec = voice_encoder(config.xvector_output_dim)
        graph = ListeningGraph(network=network, normalised=normalised, answer="embeddings")
        return f"wavlm x-vector of {config.num_hidden_layers} layers", [Served(spec, graph.eval(), sounds(spec))]
    config = config_of(source, "Wav2Vec2Config", "wav2vec2")
    network = loaded_strictly("Wav2Vec2ForCTC", config, source.weights)
    graph = ListeningGraph(network=network, normalised=normalised, answer="logits").eval()
    return f"wav2vec2 ctc of {config.num_hidden_layers} layers", [_recogniser(graph, config.vocab_size)]


def _recogniser(graph: ListeningGraph, symbols: int) -> Served:
    samples = SPEECH_SECONDS * SAMPLE_RATE
    with torch.inference_mode():
        frames = int(graph(torch.zeros(1, samples)).shape[1])
    spec = plain(
        "speech_recogniser",
        [TensorSpec(name="sound", dtype="FP32", shape=(samples,))],
        [TensorSpec(name="log_probabilities", dtype="FP32", shape=(frames, symbols))],
        max_batch=8,
        absolute=0.05,
    )
    return Served(spec, graph, sounds(spec))

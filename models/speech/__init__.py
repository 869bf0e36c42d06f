"""Networks that write down what is said (DeepSpeech2)."""

from models.speech.layers import Framewise, Frontend, RecurrentLayer, frontend, recurrent_layer
from models.speech.presets import deep_speech, deep_speech_small, deep_speech_streaming, weights_from_published
from models.speech.recogniser import (
    SYMBOLS,
    ChunkGraph,
    FixedScale,
    Recogniser,
    RecogniserGraph,
    StreamState,
    recogniser,
)

__all__ = [
    "SYMBOLS",
    "ChunkGraph",
    "FixedScale",
    "Framewise",
    "Frontend",
    "Recogniser",
    "RecogniserGraph",
    "RecurrentLayer",
    "StreamState",
    "deep_speech",
    "deep_speech_small",
    "deep_speech_streaming",
    "frontend",
    "recogniser",
    "recurrent_layer",
    "weights_from_published",
]

"""Recognisers of speech as named functions: the published size, and one that streams and trains on two cores."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from models.speech.recogniser import SYMBOLS, FixedScale, Recogniser, recogniser

# Mean and spread of log(1 + magnitude) over speech as films have it: 50 clips of SynthCast's voices of seed 9300.
CENTRE = 0.13
SPREAD = 0.27
_LIGHTNING_PREFIXES = ("model.", "module.")


def deep_speech() -> Recogniser:
    """Build DeepSpeech2 as published, for normalised utterances: 5 layers of 1024 both ways, 86.6 M parameters."""
    return recogniser(channels=32, layers=5, state_dim=1024, symbols=SYMBOLS, streaming=False, scale=nn.Identity())


def deep_speech_streaming() -> Recogniser:
    """Build the same size one way, for frames as they come: 43.5 M parameters."""
    return recogniser(
        channels=32,
        layers=5,
        state_dim=1024,
        symbols=SYMBOLS,
        streaming=True,
        scale=FixedScale(centre=CENTRE, spread=SPREAD),
    )


def deep_speech_small() -> Recogniser:
    """Build the one that streams, small: 2 layers of 192, 0.72 M parameters."""
    return recogniser(
        channels=8,
        layers=2,
        state_dim=192,
        symbols=SYMBOLS,
        streaming=True,
        scale=FixedScale(centre=CENTRE, spread=SPREAD),
    )


def weights_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the `state_dict` of a Lightning checkpoint for `deep_speech`; load the result strictly.

    Raises:
        ValueError: If a key belongs to no DeepSpeech2.
    """
    bare = {_bare(key): value for key, value in state.items()}
    strange = sorted(key for key in bare if key.split(".")[0] not in {"conv", "rnns", "fc"})
    if strange:
        raise ValueError(
            f"{len(strange)} keys belong to no DeepSpeech2, such as {strange[:3]}: is this another network?"
        )
    return bare


def _bare(key: str) -> str:
    for prefix in _LIGHTNING_PREFIXES:
        key = key.removeprefix(prefix)
    return key

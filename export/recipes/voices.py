"""Networks of voices whose front end we put into the graph: SpeechBrain's ECAPA-TDNN and WeSpeaker's ResNet-34."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import nn

from export.recipes.matching import Candidate, Served
from export.recipes.shapes import sounds, voice_encoder
from export.recipes.source import Source
from models.public.ecapa import ecapa
from models.public.wespeaker import wespeaker_resnet34


def candidates(recipe: str, source: Source) -> Sequence[Candidate]:
    """The sizes of the recipe's network."""
    if recipe == "ecapa":
        return [
            Candidate(f"ecapa_tdnn_c{channels}", partial(ecapa, channels=channels), partial(_serve, 192))
            for channels in (1024, 512)
        ]
    # The classifier of training stays in the file.
    return [
        Candidate(
            "wespeaker_resnet34", wespeaker_resnet34, partial(_serve, 256), ignored=("projection.", "model.projection.")
        )
    ]


def _serve(dimension: int, network: nn.Module) -> Sequence[Served]:
    spec = voice_encoder(dimension)
    return [Served(spec, network, sounds(spec))]

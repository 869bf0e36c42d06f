"""Who of a picture speaks: Light-ASD and TalkNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from torch import nn

from export.recipes.matching import Candidate, Served, renamed_by
from export.recipes.shapes import plain
from export.recipes.source import Source
from export.samples import Feed
from models.layouts import LIGHT_ASD
from models.public.talknet import TalkNetSpeaker
from models.speaking import ActiveSpeaker, SpeakingGraph, active_speaker_paper
from packs.spec import TensorSpec
from packs.spectra import CEPSTRA

# Frames of picture of one track, 25 a second: 2 s.
FRAMES = 50
FACE = 112
# Classifiers that TalkNet trained beside the one that is served.
TALKNET_HEADS = ("lossA.", "lossV.")


def candidates(recipe: str, source: Source) -> Sequence[Candidate]:
    """The recipe's network."""
    if recipe == "light-asd":
        return [Candidate("light_asd", active_speaker_paper, _serve_light, rename=renamed_by(LIGHT_ASD))]
    return [Candidate("talknet", TalkNetSpeaker, _serve, ignored=TALKNET_HEADS)]


def _serve_light(network: nn.Module) -> Sequence[Served]:
    return _serve(SpeakingGraph(network=cast(ActiveSpeaker, network)).eval())


def _serve(graph: nn.Module) -> Sequence[Served]:
    spec = plain(
        "active_speaker",
        [
            TensorSpec(name="faces", dtype="UINT8", shape=(FRAMES, FACE, FACE)),
            TensorSpec(name="cepstra", dtype="FP32", shape=(4 * FRAMES, CEPSTRA)),
        ],
        [TensorSpec(name="speaking", dtype="FP32", shape=(FRAMES,))],
        max_batch=8,
    )
    return [Served(spec, graph, _tracks())]


def _tracks(rows: int = 3) -> Feed:
    """Seeded tracks to compare on: pictures that change slowly, and cepstra of about the size that they have."""
    rng = np.random.default_rng(0)
    start = rng.integers(0, 256, size=(rows, 1, FACE, FACE))
    steps = rng.integers(-3, 4, size=(rows, FRAMES, FACE, FACE)).cumsum(axis=1)
    faces = np.clip(start + steps, 0, 255).astype(np.uint8)
    return {"faces": faces, "cepstra": rng.normal(0.0, 10.0, size=(rows, 4 * FRAMES, CEPSTRA)).astype(np.float32)}

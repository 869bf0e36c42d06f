"""Crops to embeddings, batched across all people of a shot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from packs.arrays import F32, U8
from packs.detections import Detections
from packs.spec import Modality
from services.ingest.pipeline.values import Fragment, Observation

__all__ = ["Embedded", "Vision", "encode", "reads_bodies", "share_bodies"]


class Embedded(Protocol):
    """Embeddings of N crops."""

    @property
    def vectors(self) -> F32:
        """float32[N, D], each of length 1."""
        ...

    @property
    def norms(self) -> F32:
        """float32[N], the lengths before they were made 1."""
        ...


class Vision(Protocol):
    """What the pipeline asks of the networks (`services.backends.vision.VisionModels` gives it)."""

    async def detect(self, images: Sequence[U8], *, thresholds: Sequence[float] | None = None) -> list[Detections]:
        """Find faces, heads and persons, each class from its least score on."""
        ...

    async def embed(self, modality: Modality, crops: NDArray[np.uint8]) -> Embedded:
        """Embed crops, uint8[N, h, w, 3]."""
        ...

    def crop(self, modality: Modality, image: U8, box: F32) -> U8:
        """Cut a box as the encoder of a modality wants it."""
        ...

    def alike(self, one: Modality, other: Modality) -> bool:
        """Whether the encoders of two modalities want the same crop of a box."""
        ...


def reads_bodies(vision: Vision, modalities: Sequence[Modality]) -> bool:
    """Whether the text space can be had of the crops that bodies are told apart by: then none is cut for it."""
    both = Modality.BODY in modalities and Modality.TEXT in modalities
    return both and vision.alike(Modality.BODY, Modality.TEXT)


def share_bodies(fragments: Sequence[Fragment]) -> None:
    """Give each fragment observations in the text space: those of its body, the crops themselves shared."""
    for fragment in fragments:
        bodies = fragment.observations.get(Modality.BODY)
        if bodies:
            shared = [Observation(seen.position, seen.quality, seen.crop) for seen in bodies]
            fragment.observations[Modality.TEXT] = shared


async def encode(vision: Vision, fragments: Sequence[Fragment]) -> None:
    """Fill in the embedding of each observation; one call of the encoder for each modality."""
    for modality in Modality:
        waiting = [seen for fragment in fragments for seen in fragment.observations.get(modality, [])]
        if not waiting:
            continue
        embedded = await vision.embed(modality, np.stack([seen.crop for seen in waiting]))
        for seen, vector, norm in zip(waiting, embedded.vectors, embedded.norms, strict=True):
            seen.vector, seen.norm = vector, float(norm)

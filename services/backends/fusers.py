"""The networks of a pack that fuse as what they are for: one representation of what is known of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from packs.arrays import F32, F64, AnyArray
from packs.fuser import FuserCard
from packs.fusers import ServedFuser
from packs.spec import Modality
from services.backends.inference.protocol import InferenceBackend

__all__ = ["FakeRepresenter", "Held", "NetworkRepresenter", "Represented", "Representer"]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """One embedding of a person: float32[D] of length 1, and its quality in [0, 1]."""

    vector: F32
    quality: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Represented:
    """N persons: vectors float32[N, D] of length 1; weights float32[N, M]; quality float64[N], the mean by these.

    Weights sum to 1, and are exactly 0 for what a person was not represented by.
    """

    vectors: F32
    weights: F32
    quality: F64


class Representer(Protocol):
    """Makes one vector of whatever embeddings there are of a person."""

    @property
    def card(self) -> FuserCard:
        """What it takes, and what its cosines mean."""
        ...

    async def represent(self, persons: Sequence[Mapping[Modality, Held]]) -> Represented:
        """Represent N >= 1 persons, each by one or more of the modalities of the card.

        Raises:
            ValueError: A person has none of these modalities, or an embedding is not as long as the card says.
            InferenceUnavailableError: The network cannot be reached or failed; or another error of the backend.
        """
        ...


class NetworkRepresenter:
    """A network of a pack, wherever its backend runs it."""

    def __init__(self, backend: InferenceBackend, fuser: ServedFuser, *, deadline_s: float | None = None) -> None:
        self._backend = backend
        self._fuser = fuser
        self._deadline_s = deadline_s

    @property
    def card(self) -> FuserCard:
        """See `Representer.card`."""
        return self._fuser.card

    async def represent(self, persons: Sequence[Mapping[Modality, Held]]) -> Represented:
        """See `Representer.represent`."""
        laid = laid_out(self.card, persons)
        # What a network does not look at (the attention at the quality) is not in its graph.
        inputs = {tensor.name: laid[tensor.name] for tensor in self._fuser.spec.inputs}
        answer = await self._backend.infer(self._fuser.spec.name, inputs, deadline_s=self._deadline_s)
        return _represented(laid, np.asarray(answer["together"], np.float32), answer["weights"])


class FakeRepresenter:
    """A stand-in without a network: embeddings side by side, each as long as its share, which grows with its quality.

    Args:
        card: What it takes.
    """

    def __init__(self, card: FuserCard) -> None:
        self._card = card
        self.failing: Exception | None = None
        self.asked: list[int] = []

    @property
    def card(self) -> FuserCard:
        """See `Representer.card`."""
        return self._card

    async def represent(self, persons: Sequence[Mapping[Modality, Held]]) -> Represented:
        """See `Representer.represent`; `failing` is raised where it is set."""
        if self.failing is not None:
            raise self.failing
        laid = laid_out(self._card, persons)
        self.asked.append(len(persons))
        heavy = laid["present"] * np.exp(laid["quality"])
        weights = heavy / heavy.sum(axis=1, keepdims=True)
        beside = [weights[:, [column]] * laid[part.modality] for column, part in enumerate(self._card.parts)]
        together = np.concatenate(beside, axis=1)
        return _represented(laid, together / np.linalg.norm(together, axis=1, keepdims=True), weights)


def laid_out(card: FuserCard, persons: Sequence[Mapping[Modality, Held]]) -> dict[str, F32]:
    """Persons as the inputs of a network: `present` and `quality` float32[N, M], and float32[N, D] by modality.

    Raises:
        ValueError: A person has none of the modalities, or an embedding is not as long as the card says.
    """
    count = len(persons)
    laid = {name: np.zeros((count, len(card.parts)), np.float32) for name in ("present", "quality")}
    laid |= {str(part.modality): np.zeros((count, part.dim), np.float32) for part in card.parts}
    for row, person in enumerate(persons):
        for column, part in enumerate(card.parts):
            held = person.get(part.modality)
            if held is None:
                continue
            if held.vector.shape != (part.dim,):
                raise ValueError(f"got a {part.modality} of shape {held.vector.shape}, expected [{part.dim}]")
            laid["present"][row, column], laid["quality"][row, column] = 1.0, held.quality
            laid[part.modality][row] = held.vector
    if not laid["present"].any(axis=1).all():
        raise ValueError(f"a person has none of {', '.join(card.modalities)}: there is nothing to represent it by")
    return laid


def _represented(laid: Mapping[str, F32], vectors: F32, weights: AnyArray) -> Represented:
    # What is missing is exactly 0 in the graph; other arithmetic may not leave a trace of it either.
    kept = np.where(laid["present"] > 0.0, np.asarray(weights, np.float32), np.float32(0.0))
    return Represented(vectors, kept, (kept * laid["quality"]).sum(axis=1, dtype=np.float64))

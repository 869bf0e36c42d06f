"""Evidence to verdicts: late fusion for everybody, a network for whom it can compare in two or more modalities.

A network looks at embeddings, so those of the appearances are read from the index; of the query they are at hand. An
appearance is handed over by the embeddings that were compared, and no others: a body that is out of a part's reach has
no evidence, and so no weight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packs.spec import Modality
from services.backends.index.protocol import IndexLoadingError, VectorIndex
from services.backends.schemas import EmbeddingRow
from services.search.ports import (
    AskedEmbedding,
    Candidate,
    EmbeddedCandidate,
    Evidence,
    FusedEvidence,
    Fusion,
    HeldEmbedding,
    PortUnavailableError,
)
from services.search.query import Task
from services.search.retrieved import Key, QueryVector
from services.search.speaking import Speakers

__all__ = ["Asked", "Weigher"]

# Networks say who is seen.
WEIGHED = frozenset({Task.SEEN, Task.PRESENT})
Rows = Mapping[Modality, Mapping[str, EmbeddingRow]]


@dataclass(frozen=True, slots=True)
class Asked:
    """The embeddings of a query, and the gallery that it asks."""

    gallery: str
    vectors: Sequence[QueryVector]

    @property
    def places(self) -> Mapping[Key, int]:
        """Where the vector of each (part, modality) stands."""
        return {vector.key: place for place, vector in enumerate(self.vectors)}


class Weigher:
    """Asks the fusion service for verdicts.

    Args:
        fusion: The service.
        index: Holds the embeddings of appearances.
    """

    def __init__(self, fusion: Fusion, index: VectorIndex) -> None:
        self._fusion = fusion
        self._index = index

    async def weigh(
        self, asked: Asked, evidence: Mapping[str, tuple[Evidence, ...]], speakers: Speakers, task: Task
    ) -> tuple[dict[str, FusedEvidence], bool]:
        """Verdicts by appearance id, and whether they are all by what was to weigh them.

        Raises:
            PortUnavailableError: Not even late fusion answered.
        """
        if not evidence:
            return {}, True
        candidates = [Candidate(pieces, speakers.link(one)) for one, pieces in evidence.items()]
        late = await self._fusion.fuse(candidates, task)
        verdicts = dict(zip(evidence, late, strict=True))
        if not self._fusion.by_network or task not in WEIGHED:
            return verdicts, True
        several = {one: pieces for one, pieces in evidence.items() if _several(pieces)}
        try:
            return verdicts | await self._by_network(asked, several, speakers, task), True
        except (PortUnavailableError, IndexLoadingError):
            return verdicts, False

    async def _by_network(
        self, asked: Asked, evidence: Mapping[str, tuple[Evidence, ...]], speakers: Speakers, task: Task
    ) -> dict[str, FusedEvidence]:
        if not evidence:
            return {}
        rows, places = await self._read(asked.gallery, evidence), asked.places
        # One whose embedding is gone meanwhile keeps the verdict of late fusion.
        known = {one: held for one, pieces in evidence.items() if (held := _held(one, pieces, rows, places))}
        query = [AskedEmbedding(one.modality, one.vector, one.quality, one.weight) for one in asked.vectors]
        candidates = [EmbeddedCandidate(held, speakers.link(one)) for one, held in known.items()]
        fused = await self._fusion.fuse_embeddings(query, candidates, task) if candidates else []
        return dict(zip(known, fused, strict=True))

    async def _read(self, gallery: str, evidence: Mapping[str, tuple[Evidence, ...]]) -> Rows:
        wanted: dict[Modality, list[str]] = {}
        for one, pieces in evidence.items():
            for modality in dict.fromkeys(piece.modality for piece in pieces):
                wanted.setdefault(modality, []).append(one)
        read = await asyncio.gather(
            *(self._index.get_embeddings(modality, gallery, ids) for modality, ids in wanted.items())
        )
        return dict(zip(wanted, read, strict=True))


def _several(pieces: Sequence[Evidence]) -> bool:
    return len({piece.modality for piece in pieces if piece.weight > 0.0}) > 1


def _held(
    appearance_id: str, pieces: Sequence[Evidence], rows: Rows, places: Mapping[Key, int]
) -> tuple[HeldEmbedding, ...]:
    """What an appearance was compared by; nothing unless all of it is at hand."""
    held = []
    for modality in dict.fromkeys(piece.modality for piece in pieces):
        row = rows[modality].get(appearance_id)
        keys = [(piece.part_index, piece.modality) for piece in pieces if piece.modality is modality]
        if row is None or not all(key in places for key in keys):
            return ()
        asked = tuple(sorted({places[key] for key in keys}))
        held.append(HeldEmbedding(modality, row.vector, min(1.0, max(0.0, row.quality)), asked))
    return tuple(held)

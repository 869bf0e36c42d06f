"""The vectors of a query, and what the index said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from packs.arrays import F32
from packs.spec import Modality
from services.search.ports import Evidence
from services.search.reach import Stretch

__all__ = ["Key", "QueryVector", "Retrieved", "merged", "only", "unheard"]

Key = tuple[int, Modality]


@dataclass(frozen=True, slots=True, eq=False)
class QueryVector:
    """One embedding of a query.

    Attributes:
        part_index: The part that it is of.
        modality: Its modality.
        weight: Of the part.
        vector: float32[D], L2-normalised.
        stretches: Where a short-term modality holds; None: everywhere, as a long-term key does.
        quality: In [0, 1]; a voice's says how much speech it was made of.
    """

    part_index: int
    modality: Modality
    weight: float
    vector: F32
    stretches: tuple[Stretch, ...] | None = None
    quality: float = 1.0

    @property
    def key(self) -> Key:
        """The part and the modality."""
        return self.part_index, self.modality

    def reaches(self, video_id: str, start_s: float, end_s: float) -> bool:
        """Whether it may be compared with something there."""
        if self.stretches is None:
            return True
        return any(stretch.overlaps(video_id, start_s, end_s) for stretch in self.stretches)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the index said.

    Attributes:
        evidence: By appearance id.
        cut: (part, modality) of each vector whose list was full, so that it may have more to say; of a vector that is
            not here, what it did not mention it has nothing to say of.
        loading: Whether some modality could not be read, since the index was loading.
        heard: Ids of those with whom all long-term vectors of `cut` were compared, whether there was anything to say
            or not; of others that is seen by their evidence.
    """

    evidence: Mapping[str, tuple[Evidence, ...]]
    cut: frozenset[Key] = frozenset()
    loading: bool = False
    heard: frozenset[str] = frozenset()


def unheard(known: Retrieved, vectors: Iterable[QueryVector], appearance_ids: Iterable[str]) -> list[str]:
    """Those of some appearances with which not all of some long-term vectors have been compared, in order."""
    keys, evidence = frozenset(vector.key for vector in vectors), known.evidence
    return [
        one
        for one in appearance_ids
        if one not in known.heard
        and not keys <= {(piece.part_index, piece.modality) for piece in evidence.get(one, ())}
    ]


def merged(several: Sequence[Retrieved]) -> Retrieved:
    """Evidence of several reads; what two of them say of one part and modality counts once, the earlier read's."""
    if len(several) == 1:
        return several[0]
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for retrieved in several:
        for one, pieces in retrieved.evidence.items():
            evidence[one] = _once((*evidence[one], *pieces) if one in evidence else pieces)
    return Retrieved(
        evidence,
        frozenset().union(*(retrieved.cut for retrieved in several)),
        any(retrieved.loading for retrieved in several),
        frozenset().union(*(retrieved.heard for retrieved in several)),
    )


def _once(pieces: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The first of each part and modality."""
    if len(pieces) < 2:
        return pieces
    first: dict[Key, Evidence] = {}
    for piece in pieces:
        first.setdefault((piece.part_index, piece.modality), piece)
    return tuple(first.values())


def only(retrieved: Retrieved, kept: Iterable[str]) -> Retrieved:
    """The same, of some appearances alone."""
    return replace(retrieved, evidence={one: retrieved.evidence[one] for one in kept})

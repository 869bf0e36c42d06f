"""What every association cache does alike: how many edges an appearance keeps, and in what order they are read.

Each end of an edge keeps it only while it is among that end's strongest of its modality, so that one appearance takes
a bounded space whatever the gallery's size, and so that the order in which videos came does not matter: the strongest
of all are the strongest of the strongest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from packs.spec import Modality
from services.backends.schemas import Association

__all__ = ["EDGE_LIMITS", "kept", "strongest"]

# Face and voice join a person's appearances across the gallery, the others only those near in time.
EDGE_LIMITS: Mapping[Modality, int] = MappingProxyType(
    {Modality.FACE: 32, Modality.VOICE: 32, Modality.HEAD: 16, Modality.BODY: 16, Modality.TEXT: 16}
)

End = tuple[str, Modality, float]


def kept(ends: Iterable[End], limits: Mapping[Modality, int]) -> list[End]:
    """Pick the edges that an appearance keeps: of each modality the strongest, ties by the other end's id."""
    left = dict(limits)
    chosen: list[End] = []
    for end in sorted(ends, key=lambda end: (-end[2], end[0])):
        if left[end[1]] > 0:
            left[end[1]] -= 1
            chosen.append(end)
    return chosen


def strongest(one: str, ends: Iterable[End], modalities: Sequence[Modality]) -> list[Association]:
    """Turn the far ends of an appearance's edges into associations, strongest first."""
    edges = [
        Association(min(one, other), max(one, other), modality, probability)
        for other, modality, probability in ends
        if not modalities or modality in modalities
    ]
    return sorted(edges, key=lambda edge: (-edge.probability, edge.first, edge.second, edge.modality))

"""Appearances and what speaks for two of them being one person, as clustering sees them.

The weight of a pair is the log-odds of "same person". Edges come with it; of two edges by different modalities the
stronger counts, since a face, a head and the clothes of one tracklet are no independent witnesses. A pair without an
edge that could have one (both have a face, or both a voice) was looked at and found below even odds: it weighs
`MISSING`. A pair that nothing could be compared of says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packs.spec import Modality
from services.association.evidence import LONG_TERM
from services.backends.people import Spot
from services.backends.schemas import Appearance, AppearanceKind, Association

__all__ = ["LEAST_EDGE", "MISSING", "Node", "Weights", "log_odds", "node_of", "together"]

# Weight of a pair that could have an edge and has none, in nats: of little weight, since an appearance keeps only its
# strongest edges and a face that is turned away has few. What more people in a gallery look alike for counts against
# large clusters (`clustering`), not against every pair (`docs/decisions/2026-11-29-corrections.md` has the figures).
MISSING = -0.02
# Weaker edges are as good as none here: searches follow them where others compete, a clustering was fitted without.
LEAST_EDGE = 0.5
_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """An appearance, without what it looks like; times in seconds of its video."""

    appearance_id: str
    video_id: str
    start_s: float
    end_s: float
    kind: AppearanceKind = AppearanceKind.TRACKLET
    long_term: frozenset[Modality] = field(default=frozenset(), compare=False)

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s

    @property
    def spot(self) -> Spot:
        """Where it is, to the millisecond."""
        return Spot(self.appearance_id, self.video_id, round(1000 * self.start_s), round(1000 * self.end_s))


def node_of(appearance: Appearance) -> Node:
    """The node of a stored appearance."""
    return Node(
        appearance.appearance_id,
        appearance.video_id,
        appearance.start_s,
        appearance.end_s,
        appearance.kind,
        LONG_TERM.intersection(appearance.modalities),
    )


def together(one: Node, other: Node) -> bool:
    """Whether two appearances are there at the same time, and so are two people.

    Speech with nobody on screen may be that of somebody whose tracklet it overlaps, who was turned away.
    """
    if one.video_id != other.video_id or one.kind is not other.kind:
        return False
    return one.start_s < other.end_s and other.start_s < one.end_s


def log_odds(probability: float) -> float:
    """The log-odds of a probability, which may be 0 or 1, in nats."""
    bounded = min(max(probability, _LEAST_PROBABILITY), 1.0 - _LEAST_PROBABILITY)
    return math.log(bounded / (1.0 - bounded))


class Weights:
    """The weights of the pairs of some appearances, symmetric.

    Args:
        edges: Associations; those with an end outside are fine, and are never asked for.
    """

    def __init__(self, edges: Iterable[Association] = ()) -> None:
        self._weights: dict[str, dict[str, float]] = {}
        for edge in edges:
            self._add(edge.first, edge.second, log_odds(edge.probability))

    def _add(self, one: str, other: str, weight: float) -> None:
        for source, target in ((one, other), (other, one)):
            row = self._weights.setdefault(source, {})
            row[target] = max(weight, row.get(target, -math.inf))

    def of(self, one: str) -> Mapping[str, float]:
        """The weights of an appearance's edges, by the other end."""
        return self._weights.get(one, {})

    def between(self, one: Node, other: Node) -> float:
        """The weight of a pair, in nats."""
        weight = self.of(one.appearance_id).get(other.appearance_id)
        if weight is not None:
            return weight
        return MISSING if one.long_term & other.long_term else 0.0

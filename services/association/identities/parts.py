"""The parts that one identity may fall into: everything that its clustering passes through, down to single appearances.

The two halves that hang together least are not what is most often wrong in an identity: that is a stray, or two or
three, which some half takes along. So each cluster on the way is a part that may be somebody else, and what speaks for
it or against it is all that there is between it and the rest of the identity.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.association.identities.clustering import Cluster, Clusters, contract
from services.association.identities.cutting import atoms_of
from services.association.identities.graph import Node, Weights
from services.association.identities.likelihood import Evidence

__all__ = ["EDGES_PER_NODE", "Part", "parts_of"]

# An appearance keeps only so many edges of a kind: beyond it a missing one says nothing.
EDGES_PER_NODE = 32


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an identity, never more than half of it, and what there is between it and the rest."""

    members: Cluster
    evidence: Evidence


def parts_of(
    nodes: Mapping[str, Node], weights: Weights, atoms: Sequence[Collection[str]] = (), confirmed: int = 0
) -> list[Part]:
    """Take an identity to pieces.

    Args:
        nodes: Its appearances, by id.
        weights: Of their pairs.
        atoms: What somebody said to be together; no part has only some of one.
        confirmed: Of how many pairs of it somebody said that they are one person.

    Returns:
        Each part once, in no order; without those that no edge leads to.
    """
    start = atoms_of(nodes, atoms)
    if len(start) < 2:
        return []
    clusters = Clusters(nodes, start, weights, {})
    found = _Parts(nodes, clusters, confirmed)
    for number in sorted(clusters.members):
        found.look(number)
    contract(clusters, lambda one, other: True, until=2, joined=found.look)
    return list(found.parts.values())


class _Parts:
    """The parts of an identity while it is clustered, by their members."""

    def __init__(self, nodes: Mapping[str, Node], clusters: Clusters, confirmed: int) -> None:
        self._nodes, self._clusters, self._confirmed = nodes, clusters, confirmed
        self._all = _comparable(nodes, nodes)
        self.parts: dict[Cluster, Part] = {}

    def look(self, number: int) -> None:
        """Note a cluster, or the rest of the identity where that is smaller."""
        cluster = self._clusters.members[number]
        near = [self._clusters.evidence(number, other) for other in self._clusters.neighbours(number)]
        edges = math.fsum(count for _, count, _ in near)
        if edges > 0.0:
            held = set(cluster)
            rest = [one for one in self._nodes if one not in held]
            members = tuple(sorted(cluster if len(cluster) <= len(rest) else rest))
            total, missing = self._clusters.around(number), max(0.0, self._pairs(cluster) - edges)
            evidence = Evidence(total, edges, missing, len(members), confirmed=self._confirmed)
            self.parts.setdefault(members, Part(members, evidence))

    def _pairs(self, cluster: Collection[str]) -> float:
        """Pairs between a cluster and the rest of which something could be compared and would have been kept."""
        own = _comparable(self._nodes, cluster)
        smaller = min(len(cluster), len(self._nodes) - len(cluster))
        most = max((count * (self._all[modality] - count) for modality, count in own.items()), default=0)
        return float(min(most, EDGES_PER_NODE * smaller))


def _comparable(nodes: Mapping[str, Node], some: Collection[str]) -> Counter[object]:
    return Counter(modality for one in some for modality in nodes[one].long_term)

"""The parts that one identity may fall into: everything that its clustering passes through, down to single appearances.

The two halves that hang together least are not what is most often wrong in an identity: that is a stray, or two or
three, which some half takes along. So each cluster on the way is a part that may be somebody else, and what speaks for
it or against it is all that there is between it and the rest of the identity.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.association.identities.clustering import Cluster, Clusters, contract
from services.association.identities.cutting import atoms_of
from services.association.identities.graph import Node, Weights
from services.association.identities.likelihood import Evidence

__all__ = ["Part", "parts_of"]


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
        self.parts: dict[Cluster, Part] = {}

    def look(self, number: int) -> None:
        """Note a cluster, or the rest of the identity where that is smaller."""
        cluster = self._clusters.members[number]
        total, edges, missing = self._clusters.evidence_around(number)
        if edges > 0.0:
            held = set(cluster)
            rest = [one for one in self._nodes if one not in held]
            members = tuple(sorted(cluster if len(cluster) <= len(rest) else rest))
            evidence = Evidence(total, edges, missing, len(members), confirmed=self._confirmed)
            self.parts.setdefault(members, Part(members, evidence))

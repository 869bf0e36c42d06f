"""Agglomerative correlation clustering under constraints.

The number of people is not known, and every pair has a weight for or against: that is correlation clustering (Bansal,
Blum and Chawla, Correlation Clustering, Machine Learning 56, 2004). The best partition cannot be found in bounded time;
greedy additive edge contraction (Keuper et al., Efficient Decomposition of Image and Video Graphs by Minimum Cost
Multicuts, ICCV 2015, section 4) starts with every appearance for itself and joins the two clusters with the strongest
bond, again and again, while a bond is above zero. Its bond is the sum of the weights between two clusters; ours is the
mean over all pairs, as in average linkage: by a sum the two largest clusters of people who look alike meet first (films
9501 to 9505: pairwise F1 0.54 by the mean, 0.46 by the sum, `docs/decisions/2026-11-28-identities.md`).

Two large clusters need a stronger bond than a large and a small one (`LARGE_COSTS`): when they are two people who look
alike, more is wrong; and pieces of one person that have grown so large have mostly had the edges to meet before.

Two clusters that hold appearances that are two people (`together`, or said so by somebody) never join.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from services.association.identities.graph import MISSING, Node, Weights, together

__all__ = ["EDGES_PER_NODE", "Cannot", "Cluster", "Clusters", "cluster", "conflict", "contract"]

Cannot = Mapping[str, Collection[str]]
Cluster = tuple[str, ...]

# What a bond loses, in nats, for each time e that the smaller cluster is larger than SMALL appearances. Chosen together
# with MISSING on development films (`docs/decisions/2026-11-29-corrections.md`).
LARGE_COSTS = 0.06
SMALL = 4
# An appearance keeps only so many edges of a kind: beyond it a missing one says nothing.
EDGES_PER_NODE = 32


class Clusters:
    """Clusters that are being joined; each is named by a number.

    Args:
        nodes: All appearances, by id.
        atoms: What is together from the beginning; it covers all appearances, each once.
        weights: Of the pairs.
        cannot: Appearances that are not the same person, by appearance, both ways.
        edges_per_node: How many edges of a kind an appearance keeps at most: beyond it a missing one says nothing.
    """

    def __init__(
        self,
        nodes: Mapping[str, Node],
        atoms: Iterable[Collection[str]],
        weights: Weights,
        cannot: Cannot,
        edges_per_node: int = EDGES_PER_NODE,
    ) -> None:
        self._nodes, self._weights, self._cannot = nodes, weights, cannot
        self._edges_per_node = edges_per_node
        self.members: dict[int, list[str]] = {number: sorted(atom) for number, atom in enumerate(atoms)}
        self._home = {one: number for number, atom in self.members.items() for one in atom}
        self._long_term = {number: self._count_long_term(atom) for number, atom in self.members.items()}
        self._every = self._count_long_term(self._home)
        # Sum and number of the edges between two clusters that have any.
        self._sums: dict[int, dict[int, list[float]]] = {number: {} for number in self.members}
        for one, number in self._home.items():
            for other, weight in weights.of(one).items():
                far = self._home.get(other)
                if far is not None and far != number:
                    total = self._sums[number].setdefault(far, [0.0, 0.0])
                    total[0] += weight
                    total[1] += 1.0

    def neighbours(self, number: int) -> Iterable[int]:
        """The clusters that have an edge to one."""
        return self._sums[number].keys()

    def home(self, one: str) -> int:
        """The cluster of an appearance."""
        return self._home[one]

    def bond(self, one: int, other: int) -> float:
        """How strongly two clusters hang together: the mean weight of their pairs, in nats."""
        total, _, missing = self.evidence(one, other)
        return (total + MISSING * missing) / (len(self.members[one]) * len(self.members[other]))

    def claim(self, one: int, other: int) -> float:
        """How strongly two clusters want to be one, in nats: their bond, less where both are large."""
        smaller = min(len(self.members[one]), len(self.members[other]))
        return self.bond(one, other) - LARGE_COSTS * math.log(max(smaller / SMALL, 1.0))

    def evidence(self, one: int, other: int) -> tuple[float, float, float]:
        """Between two clusters: the sum of the edges' weights, how many edges there are, and how many are missing."""
        total, count = self._sums[one].get(other, (0.0, 0.0))
        return total, count, max(0.0, self._comparable(one, other) - count)

    def around(self, number: int) -> float:
        """The sum of the weights of all edges between a cluster and the others, in nats."""
        return math.fsum(total for total, _ in self._sums[number].values())

    def evidence_around(self, number: int) -> tuple[float, float, float]:
        """The same as `evidence`, between a cluster and all others together."""
        edges = math.fsum(count for _, count in self._sums[number].values())
        pairs = (count * (self._every[modality] - count) for modality, count in self._long_term[number].items())
        kept = self._edges_per_node * min(len(self.members[number]), len(self._home) - len(self.members[number]))
        return self.around(number), edges, max(0.0, float(min(max(pairs, default=0), kept)) - edges)

    def possible(self, one: int, other: int) -> bool:
        """Whether two clusters can be one person."""
        return not any(conflict(self._nodes, self._cannot, self.members[one], self.members[other]))

    def join(self, one: int, other: int) -> int:
        """Put two clusters together; the number of what they become."""
        kept, gone = (one, other) if len(self.members[one]) >= len(self.members[other]) else (other, one)
        moved = self.members.pop(gone)
        self.members[kept] += moved
        self._home.update(dict.fromkeys(moved, kept))
        for modality, more in self._long_term.pop(gone).items():
            self._long_term[kept][modality] += more
        for far, (added, count) in self._sums.pop(gone).items():
            del self._sums[far][gone]
            if far != kept:
                for near, end in ((kept, far), (far, kept)):
                    sums = self._sums[near].setdefault(end, [0.0, 0.0])
                    sums[0] += added
                    sums[1] += count
        return kept

    def result(self) -> list[Cluster]:
        """The clusters, largest first, then by their first appearance."""
        found = [tuple(sorted(atom)) for atom in self.members.values()]
        return sorted(found, key=lambda atom: (-len(atom), atom))

    def rank(self, one: int, other: int) -> tuple[str, str]:
        """Orders pairs of equal bonds by what is in them, not by their numbers."""
        first, second = min(self.members[one]), min(self.members[other])
        return (first, second) if first < second else (second, first)

    def _comparable(self, one: int, other: int) -> float:
        """Pairs between two clusters of which something could be compared and would have been kept."""
        shared = (count * self._long_term[other].get(modality, 0) for modality, count in self._long_term[one].items())
        kept = self._edges_per_node * min(len(self.members[one]), len(self.members[other]))
        return float(min(max(shared, default=0), kept))

    def _count_long_term(self, atom: Iterable[str]) -> dict[object, int]:
        counts: defaultdict[object, int] = defaultdict(int)
        for one in atom:
            for modality in self._nodes[one].long_term:
                counts[modality] += 1
        return counts


def cluster(
    nodes: Mapping[str, Node],
    weights: Weights,
    cannot: Cannot,
    atoms: Iterable[Collection[str]] | None = None,
    *,
    threshold: float = 0.0,
) -> list[Cluster]:
    """Partition appearances into people.

    Args:
        nodes: The appearances, by id.
        weights: Of their pairs.
        cannot: Who is not who, by appearance, both ways.
        atoms: What is together from the beginning; each appearance for itself when left out.
        threshold: The least claim that joins, in nats.

    Returns:
        Clusters of sorted ids, largest first; the same whatever the order of `nodes` and `atoms`.
    """
    # The order of the sums decides their last bit: it must not depend on that of the caller.
    start = sorted(tuple(sorted(atom)) for atom in (atoms if atoms is not None else ([one] for one in nodes)))
    clusters = Clusters(nodes, start, weights, cannot)
    contract(clusters, clusters.possible, threshold=threshold, strength=clusters.claim)
    return clusters.result()


def contract(
    clusters: Clusters,
    may_join: Callable[[int, int], bool],
    *,
    threshold: float = -math.inf,
    until: int = 1,
    strength: Callable[[int, int], float] | None = None,
    joined: Callable[[int], object] = lambda kept: None,
) -> None:
    """Join the two clusters with the strongest bond, again and again.

    Args:
        clusters: Changed in place.
        may_join: Whether two clusters may be joined; one that may not now never may.
        threshold: The least strength that joins, in nats; pairs without any edge do not join.
        until: How many clusters are left at least.
        strength: How strongly two clusters hang together; their bond when left out.
        joined: Called with each cluster that has grown.
    """
    heap: list[tuple[float, tuple[str, str], int, int, int, int]] = []

    strength = strength or clusters.bond

    def push(one: int, other: int) -> None:
        bond = strength(one, other)
        if bond > threshold:
            sizes = len(clusters.members[one]), len(clusters.members[other])
            heapq.heappush(heap, (-bond, clusters.rank(one, other), one, other, *sizes))

    for number in sorted(clusters.members):
        for far in clusters.neighbours(number):
            if number < far:
                push(number, far)
    while heap and len(clusters.members) > until:
        _, _, one, other, *sizes = heapq.heappop(heap)
        # A cluster that has grown since has other bonds, which were pushed then.
        grown = [len(clusters.members.get(number, ())) for number in (one, other)]
        if grown == sizes and may_join(one, other):
            kept = clusters.join(one, other)
            joined(kept)
            for far in sorted(clusters.neighbours(kept)):
                push(kept, far)


def conflict(
    nodes: Mapping[str, Node], cannot: Cannot, some: Sequence[str], others: Sequence[str]
) -> Iterable[tuple[str, str]]:
    """Find the pairs of two groups that are two people: said so, or there at the same time."""
    small, large = (some, others) if len(some) <= len(others) else (others, some)
    by_video: defaultdict[str, list[str]] = defaultdict(list)
    for one in large:
        by_video[nodes[one].video_id].append(one)
    members = set(large)
    for one in small:
        for other in cannot.get(one, ()):
            if other in members:
                yield one, other
        for other in by_video.get(nodes[one].video_id, ()):
            if together(nodes[one], nodes[other]):
                yield one, other

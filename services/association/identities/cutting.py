"""Cutting one identity in two, where it hangs together least.

The clustering goes on past its threshold until two clusters are left, so that every appearance goes to one side or the
other and nothing falls to pieces. With two seeds that are two people, each side grows about one of them; of all that
either has been on the way, the part is cut off whose edges to the rest have the least sum. The last step alone would
cut where the mean is least, and that is rarely near a stranger: he takes a good part of the others along, since means
do not count how many stand against him (`docs/decisions/2026-11-29-corrections.md`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from services.association.identities.clustering import Cluster, Clusters, contract
from services.association.identities.graph import Node, Weights

__all__ = ["Cut", "atoms_of", "cut"]

Cut = tuple[Cluster, Cluster]


def cut(
    nodes: Mapping[str, Node],
    weights: Weights,
    sides: tuple[Collection[str], Collection[str]],
    atoms: Sequence[Collection[str]] = (),
) -> Cut:
    """Divide all nodes between two sides.

    Args:
        nodes: The appearances, by id.
        weights: Of their pairs.
        sides: What is known to be on either; both have at least one.
        atoms: What somebody said to be together; one that would join the sides is not heeded.

    Returns:
        The first side and the second.
    """
    first, second = (set(side) for side in sides)
    loose: list[set[str]] = []
    for atom in atoms_of(nodes, atoms):
        touches = [not side.isdisjoint(atom) for side in (set(sides[0]), set(sides[1]))]
        if touches == [True, False]:
            first |= atom
        elif touches == [False, True]:
            second |= atom
        elif touches == [False, False]:
            loose.append(atom)
        else:
            loose += [{one} for one in atom if one not in sides[0] and one not in sides[1]]
    clusters = Clusters(nodes, [first, second, *sorted(loose, key=min)], weights, {})
    least = _LeastCut(clusters, (min(first), min(second)))
    contract(clusters, least.may_join, until=2, joined=least.look)
    part, rest = least.part, nodes.keys() - least.part
    sides_of = (part, rest) if least.of_first else (rest, part)
    return tuple(sorted(sides_of[0])), tuple(sorted(sides_of[1]))


class _LeastCut:
    """Of all clusters that two seeds have had, the one that least holds to what is around it.

    Args:
        clusters: While they grow.
        seeds: One appearance of either side.

    Attributes:
        part: The appearances of the best cluster so far.
        of_first: Whether it is the first seed's.
    """

    def __init__(self, clusters: Clusters, seeds: tuple[str, str]) -> None:
        self._clusters, self._seeds = clusters, seeds
        self._cost = math.inf, 0
        self.part, self.of_first = frozenset[str](), False
        # Of equal ones that of the second: who is named first stays.
        for seed in reversed(seeds):
            self.look(clusters.home(seed))

    def may_join(self, one: int, other: int) -> bool:
        """Never the two sides."""
        return {self._clusters.home(seed) for seed in self._seeds} != {one, other}

    def look(self, number: int) -> None:
        """See whether a cluster, if it is that of a seed, is better to cut off; of equal ones the smaller."""
        homes = [self._clusters.home(seed) for seed in self._seeds]
        if number in homes:
            members = self._clusters.members[number]
            # Sums in another order differ in the last digits.
            cost = round(self._clusters.around(number), 9), len(members)
            if cost < self._cost:
                self._cost, self.part, self.of_first = cost, frozenset(members), number == homes[0]


def atoms_of(nodes: Collection[str], groups: Iterable[Collection[str]]) -> list[set[str]]:
    """What hangs together by groups that share appearances, and everything else for itself; by the smallest id."""
    atom_of = {one: {one} for one in nodes}
    for group in groups:
        there = [one for one in group if one in atom_of]
        for one in there[1:]:
            large, small = atom_of[there[0]], atom_of[one]
            if large is not small:
                large |= small
                atom_of.update(dict.fromkeys(small, large))
    return [atom for one, atom in sorted(atom_of.items()) if one == min(atom)]

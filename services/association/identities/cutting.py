"""Cutting one identity in two, where it hangs together least.

The clustering goes on past its threshold until two clusters are left, so that every appearance goes to one side or the
other and nothing falls to pieces. With two seeds that are two people, each side grows about one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from services.association.identities.clustering import Cluster, Clusters, contract
from services.association.identities.graph import Node, Weights

__all__ = ["Cut", "cut", "cut_anywhere"]

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
    for atom in _atoms(nodes, atoms):
        touches = [not side.isdisjoint(atom) for side in (set(sides[0]), set(sides[1]))]
        if touches == [True, False]:
            first |= atom
        elif touches == [False, True]:
            second |= atom
        elif touches == [False, False]:
            loose.append(atom)
        else:
            loose += [{one} for one in atom if one not in sides[0] and one not in sides[1]]
    grown = first, second
    clusters = Clusters(nodes, [*grown, *sorted(loose, key=min)], weights, {})
    seeds = [min(side) for side in grown]

    def may_join(one: int, other: int) -> bool:
        """Never the two sides."""
        return {clusters.home(seed) for seed in seeds} != {one, other}

    contract(clusters, may_join, until=2)
    homes = [clusters.home(seed) for seed in seeds]
    first_side, second_side = (set(clusters.members[home]) for home in homes)
    # What nothing links to either side stays with the larger.
    left = nodes.keys() - first_side - second_side
    if len(first_side) >= len(second_side):
        first_side |= left
    else:
        second_side |= left
    return tuple(sorted(first_side)), tuple(sorted(second_side))


def cut_anywhere(nodes: Mapping[str, Node], weights: Weights, atoms: Sequence[Collection[str]] = ()) -> Cut | None:
    """Divide all nodes where they hang together least; the larger side first. None for what somebody said is one."""
    start = _atoms(nodes, atoms)
    if len(start) < 2:
        return None
    clusters = Clusters(nodes, start, weights, {})
    contract(clusters, lambda one, other: True, until=2)
    first, *rest = clusters.result()
    return first, tuple(sorted(one for part in rest for one in part))


def _atoms(nodes: Collection[str], groups: Iterable[Collection[str]]) -> list[set[str]]:
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

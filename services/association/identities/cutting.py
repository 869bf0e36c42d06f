"""Cutting one identity in two, where it hangs together least.

The clustering goes on past its threshold until two clusters are left, so that every appearance goes to one side or the
other and nothing falls to pieces. With two seeds that are two people, each side grows about one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

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
    grown = _grown(first, second, atoms)
    rest = sorted(nodes.keys() - grown[0] - grown[1])
    clusters = Clusters(nodes, [*grown, *_atoms(rest, atoms)], weights, {})
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
    start = _atoms(sorted(nodes), atoms)
    if len(start) < 2:
        return None
    clusters = Clusters(nodes, start, weights, {})
    contract(clusters, lambda one, other: True, until=2)
    first, *rest = clusters.result()
    return first, tuple(sorted(one for part in rest for one in part))


def _grown(first: set[str], second: set[str], atoms: Sequence[Collection[str]]) -> tuple[set[str], set[str]]:
    """The sides with the atoms that touch them, but for atoms that touch both."""
    for atom in atoms:
        touches = [not side.isdisjoint(atom) for side in (first, second)]
        if touches == [True, False]:
            first = first | (set(atom) - second)
        elif touches == [False, True]:
            second = second | (set(atom) - first)
    return first, second


def _atoms(rest: Sequence[str], atoms: Sequence[Collection[str]]) -> list[list[str]]:
    """What is left of the atoms, and everything else for itself."""
    left = set(rest)
    kept = [part for atom in atoms if (part := sorted(left.intersection(atom)))]
    held = {one for part in kept for one in part}
    return [*kept, *([one] for one in rest if one not in held)]

"""The ids of identities: they stay with most of an identity when it is clustered again.

A new identity is called after its founder, the appearance that hangs together most with the others, so that the same
cluster gets the same id in whatever order the videos came. Old and new identities are matched so that as many
appearances as possible keep their id (the Hungarian method of Kuhn 1955, in scipy).
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from services.association.identities.clustering import Cluster
from services.association.identities.graph import Weights

__all__ = ["id_of_operation", "named", "typical"]

_ID_DIGITS = 32


def id_of_operation(gallery: str, number: int, part: int = 0) -> str:
    """The id of an identity that an operation made; of several, by their order."""
    return _digits(f"{gallery}/operation/{number}/{part}")


def typical(members: Cluster, weights: Weights) -> str:
    """The member that hangs together most with the others; of equal ones the one with the smaller id."""
    held = set(members)

    def bond(one: str) -> float:
        return sum(max(weight, 0.0) for other, weight in sorted(weights.of(one).items()) if other in held)

    return min(members, key=lambda one: (-bond(one), one))


def named(
    clusters: Sequence[Cluster], before: Mapping[str, str], weights: Weights, taken: frozenset[str] = frozenset()
) -> dict[str, Cluster]:
    """Give clusters ids.

    Args:
        clusters: The clusters; no appearance is in two.
        before: The id that an appearance had, by appearance id; those that had none are not in it.
        weights: Of the pairs, to choose founders.
        taken: Ids that no new identity may get, beside those of `before`.

    Returns:
        Clusters by id; each id of `before` at most once, on a cluster that it shares an appearance with.
    """
    kept = _matched(clusters, before)
    used = {*taken, *before.values()}
    ids: dict[str, Cluster] = {}
    for place, members in enumerate(clusters):
        name = kept.get(place)
        if name is None:
            name = _new_id(members, weights, used)
            used.add(name)
        ids[name] = members
    return ids


def _matched(clusters: Sequence[Cluster], before: Mapping[str, str]) -> dict[int, str]:
    """The old id of each cluster that keeps one, by its place; each group of clusters that share ids for itself."""
    shares = {place: Counter(before[one] for one in members if one in before) for place, members in enumerate(clusters)}
    kept: dict[int, str] = {}
    for places, ids in _connected(shares):
        table = np.array([[shares[place][name] for name in ids] for place in places], np.float64)
        # Of equally good assignments the one that gives the smaller ids to the earlier clusters.
        ties = np.add.outer(np.arange(len(places)), np.arange(len(ids))) / (4.0 * table.size * (len(places) + len(ids)))
        for row, column in zip(*linear_sum_assignment(table - ties, maximize=True), strict=True):
            if table[row, column] > 0:
                kept[places[row]] = ids[column]
    return kept


def _connected(shares: Mapping[int, Counter[str]]) -> list[tuple[list[int], list[str]]]:
    """The connected groups of places and ids, so that no table is larger than it must be."""
    places_of: defaultdict[str, list[int]] = defaultdict(list)
    for place, counts in shares.items():
        for name in counts:
            places_of[name].append(place)
    groups: list[tuple[list[int], list[str]]] = []
    seen: set[int] = set()
    for start, counts in shares.items():
        if start in seen or not counts:
            continue
        seen.add(start)
        places, ids, todo = [start], set[str](), [start]
        while todo:
            for name in shares[todo.pop()].keys() - ids:
                ids.add(name)
                fresh = [place for place in places_of[name] if place not in seen]
                seen.update(fresh)
                places += fresh
                todo += fresh
        groups.append((sorted(places), sorted(ids)))
    return groups


def _new_id(members: Cluster, weights: Weights, used: set[str]) -> str:
    founder = typical(members, weights)
    # The founder may have given its id to others, who kept it.
    for attempt in itertools.count():
        for one in (founder, *members):
            name = _digits(f"identity/{one}/{attempt}")
            if name not in used:
                return name
    raise AssertionError("counting does not end")


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]

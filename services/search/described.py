"""A description is of one person: whoever answers it competes with everybody else who does.

A face says how like another it is. A sentence says no more than what it names: "a man in a grey T-shirt" is as true of
each of five, and whoever of them is meant, the others are not. With the odds o of each person to be described by what
is seen of them alone, and at most one of them meant (nobody, at even odds), Bayes' rule leaves of each appearance i

    p_i = o_i / (1 + o_i + sum of the best odds of all other persons)

The order of an answer stays: whoever is likelier has the less against them. Which appearances are one person is what
associations say: those that are joined by edges of `joined_from` and more. CMPS asks by description first and narrows
down by faces (Chen et al., section 1); that several people share a description is not in the papers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from packs.arrays import F64, I64
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.roster import Roster

__all__ = ["claimed"]

# Odds that are no number would leave nothing of anybody else.
MOST = 1.0 - 1e-9


def claimed(scores: Mapping[str, float], edges: EdgeBlock, joined_from: float) -> dict[str, float]:
    """What all others leave of some scores.

    Args:
        scores: By appearance id, in [0, 1]: each by itself.
        edges: What is known of who they are.
        joined_from: Least probability of an edge that makes two appearances one person.

    Returns:
        Scores of the same appearances in the same order, none greater than before.
    """
    if not scores:
        return {}
    persons = _persons(list(scores), edges, joined_from)
    p = np.minimum(np.fromiter(scores.values(), np.float64, len(scores)), MOST)
    odds = p / (1.0 - p)
    left = odds / (1.0 + odds + _of_others(odds, persons))
    return dict(zip(scores, left.tolist(), strict=True))


def _of_others(odds: F64, persons: I64) -> F64:
    """Of each of N appearances the sum of the best odds of all persons but its own, float64[N]."""
    best = np.zeros(int(persons.max()) + 1)
    np.maximum.at(best, persons, odds)
    return np.asarray(best.sum() - best[persons])


def _persons(names: list[str], edges: EdgeBlock, joined_from: float) -> I64:
    """Whom each of N appearances shows, int64[N], numbers from 0 on; also those are joined whom a third one joins."""
    roster = Roster()
    own, around = roster.places(names), roster.places(edges.names)
    strong = edges.probabilities >= joined_from
    one, other = around[edges.one[strong]], around[edges.other[strong]]
    count = len(roster.names)
    _, labels = connected_components(coo_array((np.ones(len(one)), (one, other)), shape=(count, count)), directed=False)
    return np.asarray(labels[own], dtype=np.int64)

"""The review queue: which two appearances to ask about, so that the answer tells most.

A question is about two groups of appearances, by the most typical of each: two identities that may be one, or the two
parts of one that hang together least. What stands in the wrong place if the answer contradicts what is believed is the
smaller group; times the probability of that answer it is what is expected to stand wrong now, and the queue is ordered
by it. (Entropy alone asks first about pairs of which nothing depends.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.association.identities.clustering import Clusters
from services.association.identities.cutting import cut_anywhere
from services.association.identities.graph import Node, Weights, together
from services.association.identities.naming import typical
from services.association.identities.state import IdentityState, pair_of

__all__ = ["Question", "identities_to_review", "probability_of_one", "questions"]

# A logistic model of "the most frequent persons of two groups are the same", fitted on films 9501 to 9505 (420 pairs of
# groups, pack 0.4.0; mean log-loss 0.446, that of the base rate alone 0.687).
_INTERCEPT, _LOG_COVERAGE, _MEAN_WEIGHT, _LOG_EDGES, _LOG_SMALLER = 0.91, 0.27, 1.86, 0.63, -1.34


@dataclass(frozen=True, slots=True)
class Question:
    """Two appearances, and what depends on the answer.

    Attributes:
        first: The most typical appearance of the one group, of `first_identity`.
        second: That of the other.
        first_identity: Its identity.
        second_identity: That of the second; the same where one identity may be two people.
        probability: That the two groups are one person, in [0, 1].
        appearance_count: How many appearances stand wrong if the answer contradicts what is believed.
    """

    first: str
    second: str
    first_identity: str
    second_identity: str
    probability: float
    appearance_count: int

    @property
    def uncertainty(self) -> float:
        """How many appearances are expected to stand wrong."""
        same = self.first_identity == self.second_identity
        return (1.0 - self.probability if same else self.probability) * self.appearance_count


def probability_of_one(total: float, edges: float, missing: float, smaller: int) -> float:
    """Probability that two groups are one person.

    Args:
        total: Sum of the weights of the edges between them, in nats.
        edges: How many there are, at least 1.
        missing: How many there could be beside them.
        smaller: Appearances of the smaller group.
    """
    logit = _INTERCEPT + _LOG_COVERAGE * math.log(edges / (edges + missing)) + _MEAN_WEIGHT * total / edges
    logit += _LOG_EDGES * math.log(edges) + _LOG_SMALLER * math.log(smaller)
    return 1.0 / (1.0 + math.exp(-logit)) if logit > -500.0 else 0.0


def identities_to_review(state: IdentityState, most_appearances: int) -> list[str]:
    """The identities that are looked at: the largest, as many as have so many appearances together."""
    chosen: list[str] = []
    total = 0
    for name in sorted(state.clusters, key=lambda name: (-len(state.clusters[name]), name)):
        total += len(state.clusters[name])
        if total > most_appearances and chosen:
            break
        chosen.append(name)
    return chosen


def questions(
    state: IdentityState, names: Sequence[str], nodes: Mapping[str, Node], weights: Weights, limit: int
) -> list[Question]:
    """Ask about some identities.

    Args:
        state: What is believed.
        names: The identities.
        nodes: The gallery's appearances, by id.
        weights: Of the pairs of their appearances.
        limit: At most so many questions.

    Returns:
        Most uncertain first, ties by the ids.
    """
    found = [*_between(state, names, nodes, weights), *_within(state, names, nodes, weights)]
    found.sort(key=lambda each: (-each.uncertainty, each.first, each.second))
    return found[:limit]


def _between(
    state: IdentityState, names: Sequence[str], nodes: Mapping[str, Node], weights: Weights
) -> Iterator[Question]:
    """Identities that may be one person."""
    clusters = Clusters(nodes, [state.clusters[name] for name in names], weights, state.apart)
    best = [typical(state.clusters[name], weights) for name in names]
    for one in range(len(names)):
        for other in sorted(clusters.neighbours(one)):
            if one < other and clusters.possible(one, other):
                pair = best[one], best[other]
                if not _is_answered(state, nodes, *pair):
                    yield _question(clusters, (one, other), pair, (names[one], names[other]))


def _within(
    state: IdentityState, names: Iterable[str], nodes: Mapping[str, Node], weights: Weights
) -> Iterator[Question]:
    """Identities that may be two people."""
    for name in names:
        own = {one: nodes[one] for one in state.clusters[name]}
        halves = cut_anywhere(own, weights, state.bound)
        if halves is None:
            continue
        clusters = Clusters(own, halves, weights, {})
        first, second = (typical(half, weights) for half in halves)
        if clusters.evidence(0, 1)[1] > 0.0 and not _is_answered(state, nodes, first, second):
            yield _question(clusters, (0, 1), (first, second), (name, name))


def _question(clusters: Clusters, numbers: tuple[int, int], pair: tuple[str, str], names: tuple[str, str]) -> Question:
    total, edges, missing = clusters.evidence(*numbers)
    smaller = min(len(clusters.members[number]) for number in numbers)
    if pair[0] > pair[1]:
        pair, names = (pair[1], pair[0]), (names[1], names[0])
    return Question(*pair, *names, probability_of_one(total, edges, missing, smaller), smaller)


def _is_answered(state: IdentityState, nodes: Mapping[str, Node], one: str, other: str) -> bool:
    """Whether somebody said it of the pair, or time tells."""
    said = pair_of(one, other) in state.confirmed or other in state.apart.get(one, ())
    return said or together(nodes[one], nodes[other])

"""The review queue: which two appearances to ask about, so that the answer tells most.

A question is about two groups of appearances, by the most typical of each: two identities that may be one, or the two
parts of one that hang together least. What stands in the wrong place if the answer contradicts what is believed is the
smaller group; times the probability of that answer it is what is expected to stand wrong now, and the queue is ordered
by it. (Entropy alone asks first about pairs of which nothing depends.)

Two identities are asked about although somebody of the one is on screen with somebody of the other, or was said to be
another person: those are what may be wrong in them, and stay behind when the others are joined.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.association.identities.clustering import Clusters, conflict
from services.association.identities.cutting import cut_anywhere
from services.association.identities.graph import Node, Weights, together
from services.association.identities.likelihood import Evidence, probability_between, probability_within
from services.association.identities.naming import typical
from services.association.identities.state import IdentityState, pair_of

__all__ = ["Question", "identities_to_review", "questions"]


@dataclass(frozen=True, slots=True)
class Question:
    """Two appearances, and what depends on the answer.

    Attributes:
        first: The most typical appearance of the one group, of `first_identity`.
        second: That of the other.
        first_identity: Its identity.
        second_identity: That of the second; the same where one identity may be two people.
        probability: That the two are one person, in [0, 1].
        appearance_count: How many appearances stand wrong if the answer contradicts what is believed.
        evidence: What the probability is made of.
    """

    first: str
    second: str
    first_identity: str
    second_identity: str
    probability: float
    appearance_count: int
    evidence: Evidence

    @property
    def of_one_identity(self) -> bool:
        """Whether it is about two parts of one identity."""
        return self.first_identity == self.second_identity

    @property
    def uncertainty(self) -> float:
        """How many appearances are expected to stand wrong."""
        return (1.0 - self.probability if self.of_one_identity else self.probability) * self.appearance_count

    @property
    def rank(self) -> tuple[float, str, str]:
        """Orders questions: most uncertain first, ties by the ids."""
        return -self.uncertainty, self.first, self.second


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
        weights: Of the pairs of their appearances, weak edges too.
        limit: At most so many questions.

    Returns:
        Most uncertain first, ties by the ids.
    """
    found = list(_within(state, names, nodes, weights))
    found += _Between(state, names, nodes, weights).most_uncertain(limit)
    return sorted(found, key=lambda each: each.rank)[:limit]


class _Between:
    """Questions about identities that may be one person."""

    def __init__(self, state: IdentityState, names: Sequence[str], nodes: Mapping[str, Node], weights: Weights) -> None:
        self._state, self._names, self._nodes = state, names, nodes
        self._members = [state.clusters[name] for name in names]
        self._clusters = Clusters(nodes, self._members, weights, {})
        self._typical = [typical(members, weights) for members in self._members]

    def most_uncertain(self, limit: int) -> list[Question]:
        """The questions with most expected to stand wrong, at most so many, in no order."""
        best: list[float] = []
        found: list[Question] = []
        # Who is on screen with whom only lowers a probability: what is not asked without it need not be looked at.
        for hoped in sorted(self._hopes(), key=lambda each: each[0].rank):
            if len(best) == limit and hoped[0].uncertainty <= best[0]:
                break
            question = self._with_clashes(*hoped)
            if question is not None:
                found.append(question)
                heapq.heappush(best, question.uncertainty)
                if len(best) > limit:
                    heapq.heappop(best)
        return found

    def _hopes(self) -> Iterator[tuple[Question, int, int]]:
        """All questions as if nobody were on screen with anybody, and the places of their identities."""
        for one in range(len(self._names)):
            for other in sorted(self._clusters.neighbours(one)):
                pair = self._typical[one], self._typical[other]
                if one < other and not _is_answered(self._state, self._nodes, *pair):
                    names = self._names[one], self._names[other]
                    yield _question(pair, names, *self._judged(one, other, frozenset(), 0)), one, other

    def _with_clashes(self, hoped: Question, one: int, other: int) -> Question | None:
        pairs = list(conflict(self._nodes, self._state.apart, self._members[one], self._members[other]))
        rejected = sum(second in self._state.apart.get(first, ()) for first, second in pairs)
        clashing = frozenset(end for pair in pairs for end in pair)
        count, evidence = self._judged(one, other, clashing, rejected)
        names = hoped.first_identity, hoped.second_identity
        return _question((hoped.first, hoped.second), names, count, evidence) if count else None

    def _judged(self, one: int, other: int, clashing: frozenset[str], rejected: int) -> tuple[int, Evidence]:
        """How many would be joined to the larger of two identities, and what there is between them."""
        smaller = min(self._members[one], self._members[other], key=len)
        count = sum(each not in clashing for each in smaller)
        evidence = Evidence(*self._clusters.evidence(one, other), len(smaller), 1.0 - count / len(smaller), rejected)
        return count, evidence


def _within(
    state: IdentityState, names: Iterable[str], nodes: Mapping[str, Node], weights: Weights
) -> Iterator[Question]:
    """Identities that may be two people."""
    confirmed = Counter(state.homes[one] for one, other in state.confirmed if state.homes[one] == state.homes[other])
    for name in names:
        own = {one: nodes[one] for one in state.clusters[name]}
        halves = cut_anywhere(own, weights, state.bound)
        if halves is None:
            continue
        total, edges, missing = Clusters(own, halves, weights, {}).evidence(0, 1)
        first, second = (typical(half, weights) for half in halves)
        if edges > 0.0 and not _is_answered(state, nodes, first, second):
            smaller = min(map(len, halves))
            evidence = Evidence(total, edges, missing, smaller, confirmed=confirmed[name])
            yield _question((first, second), (name, name), smaller, evidence)


def _question(pair: tuple[str, str], names: tuple[str, str], count: int, evidence: Evidence) -> Question:
    if pair[0] > pair[1]:
        pair, names = (pair[1], pair[0]), (names[1], names[0])
    judge = probability_within if names[0] == names[1] else probability_between
    return Question(*pair, *names, judge(evidence), count, evidence)


def _is_answered(state: IdentityState, nodes: Mapping[str, Node], one: str, other: str) -> bool:
    """Whether somebody said it of the pair, or time tells."""
    said = pair_of(one, other) in state.confirmed or other in state.apart.get(one, ())
    return said or together(nodes[one], nodes[other])

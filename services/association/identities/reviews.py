"""The review queue: which two appearances to ask about, so that the answer tells most.

A question is about two groups of appearances, by the most typical of each: two identities that may be one (`_Between`),
a part of one identity that may be somebody else (`parts`), or somebody who is left over and who he may be
(`leftovers`). The queue is ordered by

    uncertainty = P(the answer contradicts what is believed) * appearances that stand wrong if it does,

where P is that of the evidence between the two groups (`likelihood`), less where the answers that the gallery has got
so far contradicted little, and the appearances are those of the smaller group. (Entropy alone asks first about pairs
of which nothing depends.) Of one identity only the part is asked about of which most is expected to stand wrong.

Two identities are asked about although somebody of the one is on screen with somebody of the other, or was said to be
another person: those are what may be wrong in them, and stay behind when the others are joined.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from services.association.identities.clustering import Clusters, conflict
from services.association.identities.graph import Node, Weights, together
from services.association.identities.leftovers import SMALL, homes_of_leftover, who_is_in
from services.association.identities.likelihood import Evidence, Told, probability_between, probability_within
from services.association.identities.naming import typical
from services.association.identities.parts import Part, parts_of
from services.association.identities.resemblance import Likeness
from services.association.identities.state import IdentityState, pair_of
from services.backends.people import Operation, OperationKind

__all__ = ["Question", "Said", "identities_to_review", "questions"]


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
        evidence: What the probability is made of; None where there is none between the two.
    """

    first: str
    second: str
    first_identity: str
    second_identity: str
    probability: float
    appearance_count: int
    evidence: Evidence | None

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


@dataclass(frozen=True, slots=True)
class Said:
    """What the answers so far have told of a gallery, by kind of question: of one identity, and of two."""

    within: Told = field(default_factory=Told)
    between: Told = field(default_factory=Told)

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> Said:
        """Of those operations of a log that count: what they were said of tells what was believed then."""
        kinds = OperationKind.CONFIRM, OperationKind.REJECT
        told = Counter((len(one.identity_ids) == 1, one.kind) for one in operations if one.kind in kinds)
        within, between = ((told[of_one, kinds[0]], told[of_one, kinds[1]]) for of_one in (True, False))
        return cls(Told(sum(within), within[1]), Told(sum(between), between[0]))


def questions(
    state: IdentityState,
    names: Sequence[str],
    nodes: Mapping[str, Node],
    weights: Weights,
    limit: int,
    said: Said | None = None,
    likeness: Likeness = MappingProxyType({}),
) -> list[Question]:
    """Ask about some identities.

    Args:
        state: What is believed.
        names: The identities.
        nodes: The gallery's appearances, by id.
        weights: Of the pairs of their appearances, weak edges too.
        limit: At most so many questions.
        said: What the answers so far have told; nothing when left out.
        likeness: What embeddings say of those who are left over (`strays`), below what makes an edge.

    Returns:
        Most uncertain first, ties by the ids.
    """
    said = said or Said()
    found = list(_within(state, names, nodes, weights, said.within))
    found += _Between(state, names, nodes, weights, said.between, likeness).questions(limit)
    return sorted(found, key=lambda each: each.rank)[:limit]


class _Between:
    """Questions about identities that may be one person."""

    def __init__(
        self,
        state: IdentityState,
        names: Sequence[str],
        nodes: Mapping[str, Node],
        weights: Weights,
        told: Told,
        likeness: Likeness,
    ) -> None:
        self._state, self._names, self._nodes, self._weights, self._told = state, names, nodes, weights, told
        self._likeness = likeness
        self._members = [state.clusters[name] for name in names]
        self._clusters = Clusters(nodes, self._members, weights, {})
        self._typical = [typical(members, weights) for members in self._members]

    def questions(self, limit: int) -> list[Question]:
        """The questions with most expected to stand wrong, at most so many of those with edges, in no order."""
        hopes = sorted(self._hopes(), key=lambda each: each[0].rank)
        return [*self._most_uncertain(hopes, limit), *self._leftovers(hopes)]

    def _most_uncertain(self, hopes: Iterable[tuple[Question, int, int]], limit: int) -> list[Question]:
        best: list[float] = []
        found: list[Question] = []
        # Who is on screen with whom only lowers a probability: what is not asked without it need not be looked at.
        for hoped in hopes:
            if len(best) == limit and hoped[0].uncertainty <= best[0]:
                break
            question = self._with_clashes(*hoped)
            if question is not None:
                found.append(question)
                heapq.heappush(best, question.uncertainty)
                if len(best) > limit:
                    heapq.heappop(best)
        return found

    def _leftovers(self, hopes: Iterable[tuple[Question, int, int]]) -> Iterator[Question]:
        """Those who are left over and who they may be, as far as they are nobody that an edge leads to."""
        place = {name: number for number, name in enumerate(self._names)}
        nodes = {one: self._nodes[one] for members in self._members for one in members}
        videos, known = who_is_in(nodes), defaultdict[int, float](float)
        for question, one, other in hopes:
            known[one] += question.probability
            known[other] += question.probability
        for number, name in enumerate(self._names):
            nobody = 1.0 - known[number]
            if len(self._members[number]) > SMALL or nobody <= 0.0:
                continue
            for home, share in homes_of_leftover(self._state, name, nodes, videos, self._weights, self._likeness):
                pair = self._typical[number], self._typical[place[home]]
                yield _question(pair, (name, home), nobody * share, len(self._members[number]), None)

    def _hopes(self) -> Iterator[tuple[Question, int, int]]:
        """All questions as if nobody were on screen with anybody, and the places of their identities."""
        for one in range(len(self._names)):
            for other in sorted(self._clusters.neighbours(one)):
                pair = self._typical[one], self._typical[other]
                if one < other and not _is_answered(self._state, self._nodes, *pair):
                    names = self._names[one], self._names[other]
                    yield self._asked(pair, names, *self._judged(one, other, frozenset(), 0)), one, other

    def _with_clashes(self, hoped: Question, one: int, other: int) -> Question | None:
        pairs = list(conflict(self._nodes, self._state.apart, self._members[one], self._members[other]))
        rejected = sum(second in self._state.apart.get(first, ()) for first, second in pairs)
        clashing = frozenset(end for pair in pairs for end in pair)
        count, evidence = self._judged(one, other, clashing, rejected)
        names = hoped.first_identity, hoped.second_identity
        return self._asked((hoped.first, hoped.second), names, count, evidence) if count else None

    def _asked(self, pair: tuple[str, str], names: tuple[str, str], count: int, evidence: Evidence) -> Question:
        return _question(pair, names, self._told.heeded(probability_between(evidence)), count, evidence)

    def _judged(self, one: int, other: int, clashing: frozenset[str], rejected: int) -> tuple[int, Evidence]:
        """How many would be joined to the larger of two identities, and what there is between them."""
        smaller = min(self._members[one], self._members[other], key=len)
        count = sum(each not in clashing for each in smaller)
        evidence = Evidence(*self._clusters.evidence(one, other), len(smaller), 1.0 - count / len(smaller), rejected)
        return count, evidence


def _within(
    state: IdentityState, names: Iterable[str], nodes: Mapping[str, Node], weights: Weights, told: Told
) -> Iterator[Question]:
    """Identities of which a part may be somebody else: one question each, about what is expected to be most wrong."""
    confirmed = Counter(state.homes[one] for one, other in state.confirmed if state.homes[one] == state.homes[other])

    def wrong(part: Part) -> float:
        return told.heeded(1.0 - probability_within(part.evidence))

    for name in names:
        own = {one: nodes[one] for one in state.clusters[name]}
        found = parts_of(own, weights, state.bound, confirmed[name])
        for part in sorted(found, key=lambda each: (-wrong(each) * len(each.members), each.members)):
            rest = tuple(sorted(own.keys() - set(part.members)))
            pair = typical(part.members, weights), typical(rest, weights)
            if not _is_answered(state, nodes, *pair):
                yield _question(pair, (name, name), 1.0 - wrong(part), len(part.members), part.evidence)
                break


def _question(
    pair: tuple[str, str], names: tuple[str, str], probability: float, count: int, evidence: Evidence | None
) -> Question:
    if pair[0] > pair[1]:
        pair, names = (pair[1], pair[0]), (names[1], names[0])
    return Question(*pair, *names, probability, count, evidence)


def _is_answered(state: IdentityState, nodes: Mapping[str, Node], one: str, other: str) -> bool:
    """Whether somebody said it of the pair, or time tells."""
    said = pair_of(one, other) in state.confirmed or other in state.apart.get(one, ())
    return said or together(nodes[one], nodes[other])

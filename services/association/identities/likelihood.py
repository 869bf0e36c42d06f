"""How likely two groups of appearances are one person, by all edges between them, weak ones too.

Logistic models of "the most typical appearances of both are one person", fitted by maximum likelihood with an L2 term
of 0.001 on development films (`docs/decisions/2026-11-29-corrections.md`). For parts of one identity these were 9601 to
9605, 9803 and 9811 (pack 0.6.0), half of the weight on each of them as a gallery of its own and half on all of them in
one. For two identities they were 9601, 9602 and 9911 to 9918 (pack 0.7.0), whole and with some appearances left out.
`python -m evaluation associations` fits both anew on read-backs of films, by the same columns (`Evidence.features`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul

__all__ = ["BETWEEN_LINE", "WITHIN_LINE", "Evidence", "Line", "Told", "probability_between", "probability_within"]

# In a group of which nine in ten are one person, a rejected pair is most likely of what is most of each.
_REJECTED = -2.0
# How fast a gallery's own answers count. A third of all answers contradict; the means are flat from 0.2 to 0.4, and 0.4
# asks elsewhere sooner where all is right.
_CONTRADICTS = 0.4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is between two groups.

    Attributes:
        total: Sum of the weights of the edges, in nats; weak edges weigh less than 0.
        edges: How many there are, at least 1.
        missing: How many there could be beside them.
        smaller: Appearances of the smaller group.
        clashing: Share of these that are on screen with somebody of the larger, or were said to be others, in [0, 1].
        rejected: Pairs of which somebody said that they are two people.
        confirmed: Pairs of the identity that both are parts of of which somebody said that they are one person.
    """

    total: float
    edges: float
    missing: float
    smaller: int
    clashing: float = 0.0
    rejected: int = 0
    confirmed: int = 0

    @property
    def features(self) -> tuple[float, ...]:
        """What the numbers of a `Line` are multiplied by, in their order: 1, logarithms, nats, a share and a count."""
        return (
            1.0,
            math.log(self.edges / (self.edges + self.missing)),
            self.total / self.edges,
            math.log(self.edges),
            math.log(self.smaller),
            self.clashing,
            float(self.confirmed),
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What answers of one kind of question have said of a gallery so far.

    Of the answers of some galleries nearly all say what was believed, and of others half do not. So the odds of an
    answer that contradicts are multiplied by (1 + contradictions) / (1 + `_CONTRADICTS` * answers): by 1 before
    anything was said, and by less the longer everything that is asked is right already.

    Attributes:
        answers: How many there were.
        contradictions: How many of them said the contrary of what was believed.
    """

    answers: int = 0
    contradictions: int = 0

    def heeded(self, contradicting: float) -> float:
        """The probability of a contradicting answer, in [0, 1], with these answers in mind."""
        factor = (1.0 + self.contradictions) / (1.0 + _CONTRADICTS * self.answers)
        return contradicting * factor / (1.0 - contradicting + contradicting * factor)


@dataclass(frozen=True, slots=True)
class Line:
    """The log-odds as a line; what a rejected pair takes from them is not fitted."""

    intercept: float
    log_coverage: float
    mean_weight: float
    log_edges: float
    log_smaller: float
    clashing: float = 0.0
    confirmed: float = 0.0

    @property
    def numbers(self) -> tuple[float, ...]:
        """All of them, in the order of `Evidence.features`."""
        slopes = self.log_coverage, self.mean_weight, self.log_edges, self.log_smaller, self.clashing, self.confirmed
        return self.intercept, *slopes

    def probability(self, one: Evidence) -> float:
        """Probability of one person, in [0, 1]."""
        log_odds = sum(map(mul, self.numbers, one.features), _REJECTED * one.rejected)
        return 1.0 / (1.0 + math.exp(-log_odds)) if log_odds > -500.0 else 0.0


BETWEEN_LINE = Line(1.42, 1.14, 0.84, -0.26, -0.69, clashing=-2.82)
WITHIN_LINE = Line(2.24, 1.35, 0.69, 0.22, -0.48, confirmed=0.34)


def probability_between(evidence: Evidence) -> float:
    """Probability that two identities are one person, in [0, 1]."""
    return BETWEEN_LINE.probability(evidence)


def probability_within(evidence: Evidence) -> float:
    """Probability that the two parts of one identity that hang together least are one person, in [0, 1]."""
    return WITHIN_LINE.probability(evidence)

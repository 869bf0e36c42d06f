"""What an association is worth once it is known who is who: pairs alone are deceived where groups are not.

Two people in one uniform look alike to any pair of tracklets. But they are on screen together now and then, their faces
lead to other people, and what holds of all their tracklets at once is an identity (`identities`). Of two edges that say
the same by themselves, the one inside of an identity is nearly always right, and the one between two identities seldom:
a map for each of the two cases (`packs.beta`) turns what a pair says into what it means there. Identities are clustered
from the edges as they were computed, so nothing goes round in a circle.

An identity of one or two appearances says little: nobody else was found to be the same, or not yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from packs.arrays import F64, I64, Bool
from packs.beta import BetaCalibration
from services.association.identities.people import People
from services.backends.associations.blocks import EdgeBlock

__all__ = ["BETWEEN", "WITHIN", "IdentityContext", "in_context"]

# WITHIN on 36,428 edges of 0.2 and more inside of identities of films 101 to 105, 7101 to 7103, 8101 to 8103 (2,206
# appearances) and 9601 to 9605 (2,196), each set in one gallery; BETWEEN on 7,865 between two of three and more of
# films 9601 to 9603, 9911 to 9918 and 9931 in one. `python -m evaluation associations` fits both on read-backs.
WITHIN = BetaCalibration(a=0.0, b=0.531, c=1.707)
BETWEEN = BetaCalibration(a=1.607, b=0.231, c=-1.516)
# Between smaller identities edges stay as they are.
LEAST_SIZE = 3


@dataclass(frozen=True, slots=True)
class IdentityContext:
    """Who is who, for edges: the identity of each appearance as a number, and which of these are large enough.

    Attributes:
        numbers: By appearance id.
        large: bool[I].
    """

    numbers: Mapping[str, int]
    large: Bool

    @classmethod
    def of(cls, people: People) -> IdentityContext:
        """What is known now."""
        homes = people.state.homes
        sizes = Counter(homes.values())
        names = {name: number for number, name in enumerate(sizes)}
        large = np.array([sizes[name] >= LEAST_SIZE for name in names], dtype=np.bool_)
        return cls({one: names[home] for one, home in homes.items()}, large)

    def of_rows(self, names: Sequence[str]) -> I64:
        """The identity of each appearance, int64[N]; -1 where nobody knows it."""
        return np.fromiter((self.numbers.get(name, -1) for name in names), np.int64, len(names))

    def cases(self, one: I64, other: I64) -> tuple[Bool, Bool]:
        """Which of E edges are inside of an identity, and which between two that are large enough: bool[E] each.

        Args:
            one: int64[E], the identity of one end of each, or -1.
            other: int64[E], that of the other end.
        """
        known = (one >= 0) & (other >= 0)
        return known & (one == other), known & (one != other) & self.large[one] & self.large[other]

    def worth(self, probabilities: F64, one: I64, other: I64) -> F64:
        """What E edges are worth, in single precision, as the cache and the wire have them.

        Args:
            probabilities: float64[E], what they say by themselves.
            one: int64[E], the identity of one end of each, or -1.
            other: int64[E], that of the other end.

        Returns:
            float64[E].
        """
        within, between = self.cases(one, other)
        worth: F64 = probabilities.copy()
        worth[within] = WITHIN.of(worth[within])
        worth[between] = BETWEEN.of(worth[between])
        return worth.astype(np.float32).astype(np.float64)


def in_context(block: EdgeBlock, context: IdentityContext) -> EdgeBlock:
    """A block with what its edges are worth; those that somebody confirmed stay certain."""
    if not len(block):
        return block
    rows = context.of_rows(block.names)
    worth = context.worth(block.probabilities, rows[block.one], rows[block.other])
    return replace(block, probabilities=np.where(block.confirmed, block.probabilities, worth))

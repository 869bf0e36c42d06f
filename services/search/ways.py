"""The two directions of edges, for what a neighbour gives."""

from __future__ import annotations

import numpy as np

from packs.arrays import F64, I64, Bool
from services.backends.associations.blocks import EdgeBlock

__all__ = ["Ways"]


class Ways:
    """Both directions of E edges between N appearances: way w < E is edge w from `one` to `other`, way E + w it back.

    The two directions stay two: to lay them end to end takes longer than to go along them once.

    Args:
        block: The edges; those that were read of one appearance follow each other, with it as `one`.
    """

    def __init__(self, block: EdgeBlock) -> None:
        self.block = block
        # Where a run of edges with the same `one` begins, and which that is.
        one = block.one
        self._starts = np.flatnonzero(np.concatenate([np.ones(len(one[:1]), dtype=np.bool_), one[1:] != one[:-1]]))
        self._ones = one.take(self._starts)

    def most(self, given: F64) -> F64:
        """The most that a neighbour gives each of N appearances, float64[N], of what each has, float64[N]."""
        one, other, beliefs = self.block.one, self.block.other, self.block.probabilities
        most = np.zeros(len(given))
        np.maximum.at(most, other, beliefs * given.take(one))
        if len(one):
            np.maximum.at(most, self._ones, np.maximum.reduceat(beliefs * given.take(other), self._starts))
        return most

    def speaking(self, speaks: Bool) -> tuple[I64, I64, I64]:
        """The ways from some appearances, bool[N]: int64[K] each, which, where from, and where to."""
        one, other = self.block.one, self.block.other
        forth, back = speaks.take(one).nonzero()[0], speaks.take(other).nonzero()[0]
        sources = np.concatenate([one.take(forth), other.take(back)])
        targets = np.concatenate([other.take(forth), one.take(back)])
        return np.concatenate([forth, back + len(one)]), sources, targets

    def edges(self, ways: I64) -> I64:
        """Along which edge each of some ways is, int64[K]."""
        return np.where(ways < len(self.block), ways, ways - len(self.block))

    def source(self, way: int) -> int:
        """Where a way comes from."""
        count = len(self.block)
        return int(self.block.one[way] if way < count else self.block.other[way - count])

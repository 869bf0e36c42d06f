"""Pairs that a number of the product is about, with the truth: the one value that all fits take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from packs.arrays import F64, Bool

__all__ = ["HOLD", "Reading", "Rows"]

# What half of the sum of the squares of the numbers costs, in nats a pair, as when those of `likelihood.py` were fitted
# first: next to nothing where pairs tell anything, and a few pairs make no large numbers.
HOLD = 0.001


class Reading(Protocol):
    """Numbers as the product has them, and what they make of pairs."""

    def of(self, columns: F64) -> F64:
        """The probabilities, float64[R] in [0, 1], of pairs by what is known of them, float64[R, K]."""
        ...

    @property
    def source(self) -> str:
        """As it stands in the source."""
        ...

    @property
    def values(self) -> Mapping[str, float]:
        """The numbers, by name."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """R pairs.

    Attributes:
        columns: float64[R, K], what is known of each.
        right: bool[R], whether it is one person.
        films: bool[R, F], of which of F films its two appearances are.
        weights: float64[R], what each counts.
    """

    columns: F64
    right: Bool
    films: Bool
    weights: F64

    def __len__(self) -> int:
        return len(self.right)

    @property
    def of_both_kinds(self) -> bool:
        """Whether some are one person and some are two: of one kind alone nothing can be fitted."""
        return bool(self.right.any() and not self.right.all())

    @property
    def shares(self) -> F64:
        """The weights, float64[R], of sum 1."""
        return np.asarray(self.weights / self.weights.sum(), dtype=np.float64)

    @property
    def share_right(self) -> float:
        """Share of those that are one person, by weight."""
        return float(self.shares @ self.right)

    def where(self, kept: Bool) -> Rows:
        """Some of them, bool[R]."""
        return Rows(self.columns[kept], self.right[kept], self.films[kept], self.weights[kept])

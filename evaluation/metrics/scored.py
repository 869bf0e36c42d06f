"""Figures of one ranking that is given as scores, where equal scores are drawn in random order.

A propagation leaves many things with one score (nothing reached them), and a sort would put them in whatever order they
were stored in. So every figure here is the mean over all orders of what has equal scores, in closed form: in a run of
t equal scores with r right ones, the j-th is right with probability r / t, and then has (j - 1)(r - 1) / (t - 1) other
right ones of the run before it on average. With no two scores equal these are the plain figures, and with all equal
those of a random ranking, which so needs no code of its own.

Average precision is (1 / R) times the sum over the right things, at rank k, of (right ones up to k) / k, not
interpolated: Huang et al., ECCV 2018, for CSM; Alcazar et al. for APES; Liu et al. for iQIYI-VID, equation 4, which
counts the first 100 alone (`cut_off`) and divides by all R.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from packs.arrays import F64

__all__ = ["Scored"]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A ranking of N things, best first.

    Attributes:
        right: float64[N], the probability that what stands at a rank is right.
        precision: float64[N], the mean of "it is right, times the precision up to it".
    """

    right: F64
    precision: F64

    @classmethod
    def of(cls, scores: ArrayLike, right: ArrayLike) -> Self:
        """Rank things by scores, float[N], higher first; `right`, bool[N], says which are right.

        Raises:
            ValueError: If they are not as many, or a score is no number.
        """
        values, flags = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=bool)
        if values.shape != flags.shape or values.ndim != 1:
            raise ValueError(f"got scores of shape {values.shape} and labels of {flags.shape}, expected one of each")
        if np.isnan(values).any():
            raise ValueError("got a score that is no number: what cannot be compared is -inf")
        order = np.argsort(-values, kind="stable")
        return cls(*_expected(values[order], flags[order].astype(np.float64)))

    def average_precision(self, relevant_count: int, cut_off: int | None = None) -> float:
        """AP in [0, 1] over `relevant_count` relevant things, ranked here or not; only the first `cut_off` count.

        Raises:
            ValueError: If nothing is relevant, or more is right than is relevant.
        """
        self._check(relevant_count)
        return float(self.precision[:cut_off].sum() / relevant_count)

    def precision_at(self, k: int) -> float:
        """Share of right ones in the first k; a ranking that is shorter is filled with wrong ones."""
        return self.hits(k) / k

    def recall_at(self, k: int, relevant_count: int) -> float:
        """Share of `relevant_count` relevant things that stand in the first k."""
        self._check(relevant_count)
        return self.hits(k) / relevant_count

    def hits(self, k: int) -> float:
        """Right ones in the first k, on average."""
        if k < 1:
            raise ValueError(f"got k = {k}, expected at least 1")
        return float(self.right[:k].sum())

    def _check(self, relevant_count: int) -> None:
        found = float(self.right.sum())
        if relevant_count < 1 or found > relevant_count + 1e-6:
            raise ValueError(f"got {found:.0f} right of {relevant_count} relevant, expected 1 <= right <= relevant")


def _expected(scores: F64, right: F64) -> tuple[F64, F64]:
    """What stands at each rank on average: right, and right times precision; the scores fall."""
    count = len(scores)
    if not count:
        return np.zeros(0), np.zeros(0)
    run = np.concatenate([[0], np.cumsum(scores[1:] != scores[:-1])])
    firsts = np.flatnonzero(np.concatenate([[True], run[1:] != run[:-1]]))
    length, rights = np.bincount(run).astype(np.float64), np.bincount(run, weights=right)
    before = np.concatenate([[0.0], np.cumsum(rights)[:-1]])
    place = np.arange(count) - firsts[run]
    share = (rights / length)[run]
    earlier = place * ((rights - 1.0) / np.maximum(length - 1.0, 1.0))[run]
    precision = share * (before[run] + 1.0 + earlier) / np.arange(1, count + 1)
    return share, np.maximum(precision, 0.0)

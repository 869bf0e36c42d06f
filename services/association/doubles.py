"""Looks that two people wear: known from those who were on screen at once.

Two people in one uniform, or two brothers in black, look alike to any pair of their tracklets, and nothing in a pair
says so. But where they were on screen together they are two, for certain; then to look like them is no longer to be
one of them. How alike two who are together look, in nats, is how sure a double it is; it holds as well of whoever else
looks like either of them within the time in which clothes hold:

    d(x) = the largest s(x, y) over all y that are on screen with x
    w(a) = the largest of d(a) and min(s(a, x), d(x)) over all x near a

A pair whose looks are both worn by two, by more than some nats, loses a share of what is beyond them. That who cannot
be one person constrains more than the two themselves is how constraints spread in clustering (Klein, Kamvar and
Manning, "From instance-level constraints to space-level constraints", ICML 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from packs.arrays import F64, I64
from services.association.looks import Looks

__all__ = ["Doubt", "doubles"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a pair of looks loses that two people wear.

    Attributes:
        above: Doubles up to so many nats cost nothing.
        share: What each nat beyond them costs, in nats.
    """

    above: float
    share: float

    def of(self, worn: F64, others: F64) -> F64:
        """What the pairs of N looks with M others lose, float64[N, M], in nats; `worn` and `others` of `doubles`."""
        both = np.minimum(worn[:, None], others[None, :])
        return self.share * np.maximum(both - self.above, 0.0)


def doubles(looks: Looks, window_s: float, block: int, alike: Callable[[Looks, Looks], F64]) -> F64:
    """How sure it is that each look is worn by two people.

    Args:
        looks: Of one video, N.
        window_s: How far apart two may be who wear the same.
        block: So many are compared with all near ones at once.
        alike: How alike each of some and each of others look, float64[A, B] in nats, -inf where nobody knows.

    Returns:
        float64[N], in nats; -inf of whoever was alone or is not like anybody who was not.
    """
    beside = np.full(len(looks), -np.inf)
    for mine, near, gaps_s, said in _near(looks, 0.0, block, alike):
        together = (gaps_s < 0.0) & (mine[:, None] != near[None, :])
        beside[mine] = np.where(together, said, -np.inf).max(axis=1, initial=-np.inf)
    worn = np.empty_like(beside)
    for mine, near, gaps_s, said in _near(looks, window_s, block, alike):
        held = np.where(gaps_s <= window_s, said, -np.inf)
        through = np.minimum(held, beside[near][None, :]).max(axis=1, initial=-np.inf)
        worn[mine] = np.maximum(beside[mine], through)
    return worn


def _near(
    looks: Looks, window_s: float, block: int, alike: Callable[[Looks, Looks], F64]
) -> Iterator[tuple[I64, I64, F64, F64]]:
    """Blocks: the places of A looks, of the B that may lie within some seconds of them, their gaps, how alike."""
    for low in range(0, len(looks), block):
        mine = np.arange(low, min(low + block, len(looks)))
        part = looks.part(low, low + block)
        near = looks.around(float(part.start_s.min()) - window_s, float(part.end_s.max()) + window_s)
        others = looks.take(near)
        yield mine, near, part.gaps_s(others), alike(part, others)

"""Average precision of one ranked answer, and what a ranking by chance would have.

AP = (1 / R) * sum over the right hits, at rank k, of (right hits up to k) / k, where R is the number of relevant
things, found or not: non-interpolated, and what is never returned counts as missed (the protocol of CSM; Huang et al.,
ECCV 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["average_precision", "chance_average_precision"]


def average_precision(right: Sequence[bool], relevant_count: int) -> float:
    """AP of an answer; `right` says of each hit, best first, whether it is right.

    Raises ValueError when nothing is relevant, or more hits are right than are relevant.
    """
    flags = np.asarray(right, dtype=bool)
    if relevant_count < 1 or flags.sum() > relevant_count:
        raise ValueError(
            f"got {int(flags.sum())} right hits of {relevant_count} relevant, expected 1 <= right <= relevant"
        )
    precision = np.cumsum(flags) / np.arange(1, len(flags) + 1)
    return float(precision[flags].sum() / relevant_count)


def chance_average_precision(relevant_count: int, pool_size: int) -> float:
    """Expected AP of a random order of a pool.

    A relevant thing at rank k sees (k - 1)(R - 1)/(N - 1) other relevant ones before it on average, so the
    expectation is the mean over k of (1 + (k - 1)(R - 1)/(N - 1)) / k.
    """
    if not 1 <= relevant_count <= pool_size:
        raise ValueError(f"got {relevant_count} relevant of {pool_size}, expected 1 <= relevant <= pool")
    if pool_size == 1:
        return 1.0
    ranks = np.arange(1, pool_size + 1)
    before = (ranks - 1) * (relevant_count - 1) / (pool_size - 1)
    return float(((1 + before) / ranks).mean())

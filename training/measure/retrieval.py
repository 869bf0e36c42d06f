"""Retrieval: each item asks all others, and the right ones should come first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.measure.served import unit

F32 = NDArray[np.float32]
Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Figures of each query that has something to find.

    Attributes:
        queries: int64[Q], rows of the queries.
        average_precision: float64[Q], 0..1.
        first_right: bool[Q], whether the best answer is right.
    """

    queries: NDArray[np.int64]
    average_precision: NDArray[np.float64]
    first_right: NDArray[np.bool_]

    def figures(self, mask: NDArray[np.bool_] | None = None) -> dict[str, float | int]:
        """Means over the queries (or those of a mask), rounded to what the sample can bear."""
        chosen = np.ones(len(self.queries), dtype=np.bool_) if mask is None else mask
        if not chosen.any():
            return {"queries": 0}
        return {
            "queries": int(chosen.sum()),
            "map": round(float(self.average_precision[chosen].mean()), 4),
            "rank1": round(float(self.first_right[chosen].mean()), 4),
        }

    def of(self, asking: NDArray[np.bool_]) -> Retrieval:
        """Leave the queries of some rows, bool[N]."""
        kept = asking[self.queries]
        return Retrieval(self.queries[kept], self.average_precision[kept], self.first_right[kept])


def retrieve(vectors: F32, keys: Keys, *, same_view: Keys, within: Keys | None = None) -> Retrieval:
    """Let each row ask all others by cosine.

    Args:
        vectors: float32[N, D], rows of length one.
        keys: int64[N], what a right answer shares with its query.
        same_view: int64[N]; rows that share this with the query (its own frame, or scene) are left out of its ranking.
        within: int64[N]; only rows that share this with the query are ranked; None ranks all.
    """
    queries, precisions, firsts = [], [], []
    for row in range(vectors.shape[0]):
        out = same_view == same_view[row]
        if within is not None:
            out |= within != within[row]
        right = (keys == keys[row]) & ~out
        if not right.any():
            continue
        scores = vectors @ vectors[row]
        order = np.argsort(-scores[~out], kind="stable")
        hits = right[~out][order]
        queries.append(row)
        precisions.append(average_precision(hits))
        firsts.append(bool(hits[0]))
    return Retrieval(np.array(queries, dtype=np.int64), np.array(precisions), np.array(firsts, dtype=np.bool_))


def chance(rows: int) -> F32:
    """Directions without meaning, float32[rows, 16]: what retrieval by them gives is chance."""
    return unit(np.random.default_rng(0).normal(size=(rows, 16)).astype(np.float32))


def average_precision(hits: NDArray[np.bool_]) -> float:
    """Mean over the right answers of the precision at their rank; `hits` is the whole ranking, best first."""
    ranks = np.flatnonzero(hits) + 1
    if ranks.size == 0:
        return 0.0
    return float(np.mean(np.arange(1, ranks.size + 1) / ranks))

"""Person search with one portrait, as CSM measures it: mAP of each cast query, and the top-k the other way round.

Source: the published evaluation (`utils/metric.py`, `propagation.py` of Huang, Liu and Lin, ECCV 2018; methods.md 1.5).
The rows of a score matrix are the cast, its columns the tracklets of a pool:

- a cast query ranks all tracklets of the pool, also those of nobody in the cast (`others`): its average precision;
- top-k is transposed: each tracklet of somebody in the cast ranks the cast, and is a hit when its person is among the
  first k; tracklets of others take no part.

`IN` has a pool for each movie, with its own cast. Its mAP is the mean over all queries of all movies; its top-k is the
mean over movies, and a movie with fewer than k cast members has a top-k of 1. `ACROSS` is one pool of everything.

Equal scores are drawn in random order (`evaluation.metrics.scored`), among the cast too. A query with nobody to be
found is left out, and so is a movie without a tracklet of its cast.

The published code has a slip: its mean runs over all labels of a pool, `others` too, whose AP is 0, so a movie with C
people to be found and others has C / (C + 1) of its mAP; and it weighs movies by their cast, found or not. `map` leaves
that out, `map_published` has it: that figure is to be compared with the published tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.scored import Scored
from packs.arrays import F64

__all__ = ["TOP", "Pool", "across", "transposed_hits", "within"]

TOP = (1, 3, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Scores of one pool.

    Attributes:
        scores: float[C, N]; -inf is what cannot be compared.
        cast: Whom each row asks for, C different people.
        labels: Whom each column shows; None is somebody who is not in the cast, or nobody.
    """

    scores: NDArray[np.floating]
    cast: Sequence[str]
    labels: Sequence[str | None]

    def __post_init__(self) -> None:
        expected = (len(self.cast), len(self.labels))
        if self.scores.shape != expected:
            raise ValueError(f"got scores of shape {self.scores.shape}, expected {expected}: cast, then tracklets")
        if len(set(self.cast)) < len(self.cast):
            raise ValueError("got two rows for one person, expected a cast of different people")

    def average_precisions(self) -> dict[str, float]:
        """AP of each cast member with somebody to be found, in the order of the cast."""
        labels = np.array([label or "" for label in self.labels])
        found: dict[str, float] = {}
        for person, row in zip(self.cast, self.scores, strict=True):
            right = labels == person
            if right.any():
                found[person] = Scored.of(row, right).average_precision(int(right.sum()))
        return found

    def published_map(self) -> float:
        """The mAP of the published code, with `others` as one more query that finds nobody."""
        found = self.average_precisions()
        others = any(label not in self.cast for label in self.labels)
        return sum(found.values()) / max(1, len(found) + others)

    def hits_by_person(self, k: int) -> dict[str, tuple[float, int]]:
        """Of each cast member, how many of their tracklets are top-k hits, and how many they have."""
        rows = {person: row for row, person in enumerate(self.cast)}
        columns = np.array([label in rows for label in self.labels], dtype=bool)
        true = np.array([rows[label] for label in self.labels if label in rows], dtype=np.intp)
        hits = transposed_hits(self.scores[:, columns], true, k)
        sums, counts = (np.bincount(true, weights=one, minlength=len(rows)) for one in (hits, np.ones(len(true))))
        return {person: (float(sums[row]), int(counts[row])) for person, row in rows.items() if counts[row]}

    def top(self, k: int) -> float | None:
        """Share of top-k hits; 1 when the cast has fewer than k members, None without a tracklet of the cast."""
        found = list(self.hits_by_person(k).values())
        if not found:
            return None
        return 1.0 if len(self.cast) < k else sum(hits for hits, _ in found) / sum(count for _, count in found)


def transposed_hits(scores: NDArray[np.floating], true: NDArray[np.intp], k: int) -> F64:
    """Probability that each column's true row is among the first k of float[C, N], equal scores in random order."""
    own = scores[true, np.arange(len(true))]
    better, equal = (scores > own).sum(axis=0), (scores == own).sum(axis=0)
    return np.asarray(np.clip((k - better) / np.maximum(equal, 1), 0.0, 1.0), dtype=np.float64)


def within(pools: Mapping[str, Pool]) -> dict[str, float]:
    """`IN` over the pools of movies: `map`, `map_published`, `top_1`, `top_3` and `top_5`, each in [0, 1].

    Raises:
        ValueError: If nobody can be found in any.
    """
    values = [value for pool in pools.values() for value in pool.average_precisions().values()]
    return _figures(values, list(pools.values()))


def across(pool: Pool) -> dict[str, float]:
    """`ACROSS`: the same figures of the one pool."""
    return _figures(list(pool.average_precisions().values()), [pool])


def _figures(values: Sequence[float], pools: Sequence[Pool]) -> dict[str, float]:
    if not values:
        raise ValueError("no tracklet shows anybody of the cast: nothing can be measured")
    weights = [len(pool.cast) for pool in pools]
    published = np.average([pool.published_map() for pool in pools], weights=weights)
    figures = {"map": float(np.mean(values)), "map_published": float(published)}
    for k in TOP:
        tops: F64 = np.array([top for pool in pools if (top := pool.top(k)) is not None])
        figures[f"top_{k}"] = float(tops.mean())
    return figures

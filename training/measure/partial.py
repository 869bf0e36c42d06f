"""Partial bodies, measured: FPR matching of the best by cosine, and the choice of its weight on validation data.

Source: methods.md 2.3, steps 4 and 5. The published evaluator tries the weights on the test data and reports the best;
`choose_weight` on a test set is that behaviour, and no result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from packs.partial import CANDIDATES, GalleryHalf, best_candidates, fpr_distance, gallery_half, reranked
from training.measure.retrieval import average_precision

F32 = NDArray[np.float32]
Keys = NDArray[np.int64]
# The published evaluator's.
WEIGHTS = tuple(round(0.1 * step, 1) for step in range(11))


@dataclass(frozen=True, slots=True)
class Bodies:
    """What a `PartialEncoder` says of some crops.

    Attributes:
        embeddings: float32[N, D], rows of length one.
        vectors: float32[N, C, M], local vectors.
        weights: float32[N, M], shares of the foreground.
        keys: int64[N], whose they are.
    """

    embeddings: F32
    vectors: F32
    weights: F32
    keys: Keys


@dataclass(frozen=True, slots=True)
class Matched:
    """One query, matched once: cheap to rank with any weight.

    Attributes:
        cosines: float32[G].
        candidates: int[K], rows that were matched.
        distances: float32[K], FPR distance of each.
        right: bool[G], who is right.
    """

    cosines: F32
    candidates: NDArray[np.intp]
    distances: F32
    right: NDArray[np.bool_]

    def precision(self, weight: float) -> float:
        """Average precision of the ranking with a weight of FPR."""
        final = reranked(self.cosines, self.distances, self.candidates, weight=weight)
        return average_precision(self.right[np.argsort(final, kind="stable")])


def match(queries: Bodies, gallery: Bodies, *, most: int = CANDIDATES) -> list[Matched]:
    """Match each query that has somebody to find with its best `most` items."""
    halves = [gallery_half(vectors) for vectors in gallery.vectors]
    rows = np.flatnonzero(np.isin(queries.keys, gallery.keys))
    return [_match_one(queries, int(row), gallery, halves, most) for row in rows]


def mean_precision(matched: Sequence[Matched], weight: float) -> float:
    """Mean average precision with a weight of FPR.

    Raises:
        ValueError: If there is no query.
    """
    if not matched:
        raise ValueError("no query has anybody to find in the gallery")
    return float(np.mean([one.precision(weight) for one in matched]))


def choose_weight(validation: Sequence[Matched], weights: Sequence[float] = WEIGHTS) -> float:
    """Give the weight with the best mean average precision, the smallest of equals; for validation data."""
    figures = [mean_precision(validation, weight) for weight in weights]
    return weights[int(np.argmax(figures))]


def _match_one(queries: Bodies, row: int, gallery: Bodies, halves: Sequence[GalleryHalf], most: int) -> Matched:
    cosines = np.asarray(gallery.embeddings @ queries.embeddings[row], dtype=np.float32)
    candidates = best_candidates(cosines, most=most)
    distances = [fpr_distance(queries.vectors[row], queries.weights[row], halves[k]) for k in candidates]
    return Matched(cosines, candidates, np.array(distances, np.float32), gallery.keys == queries.keys[row])

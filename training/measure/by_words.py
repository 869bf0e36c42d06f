"""Search by words, measured: sentences ask a gallery of bodies. numpy alone.

Source: the protocol of CUHK-PEDES as IRRA measures it (methods.md 6.1): every sentence asks, the gallery is every
picture once, right is who is the same person (here: in the same clothes), no picture is left out. Average precision is
the sum rule; the trapezoids of IVT's published evaluator can be asked for, to compare with its figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.measure.retrieval import average_precision

F32 = NDArray[np.float32]
Keys = NDArray[np.int64]
Rule = Literal["sum", "trapezoid"]


@dataclass(frozen=True, slots=True)
class WordRetrieval:
    """Figures of each sentence that has somebody to find.

    Attributes:
        queries: int64[Q], rows of the sentences.
        average_precision: float64[Q], 0..1.
        first_right: int64[Q], rank of the first right picture, from 1.
    """

    queries: NDArray[np.int64]
    average_precision: NDArray[np.float64]
    first_right: NDArray[np.int64]

    def figures(self, wanted: NDArray[np.bool_] | None = None) -> dict[str, float | int]:
        """Means over the sentences (or those whose row in the mask is true): `queries`, `rank1`, `rank10`, `map`."""
        chosen = np.ones(len(self.queries), np.bool_) if wanted is None else wanted[self.queries]
        if not chosen.any():
            return {"queries": 0}
        return {
            "queries": int(chosen.sum()),
            "rank1": round(float((self.first_right[chosen] <= 1).mean()), 4),
            "rank10": round(float((self.first_right[chosen] <= 10).mean()), 4),
            "map": round(float(self.average_precision[chosen].mean()), 4),
        }


def ask_by_words(texts: F32, images: F32, text_keys: Keys, image_keys: Keys, *, rule: Rule = "sum") -> WordRetrieval:
    """Let each sentence ask the gallery by the dot product.

    Args:
        texts: float32[Q, D], rows of length one.
        images: float32[G, D], rows of length one.
        text_keys: int64[Q], whom each sentence describes.
        image_keys: int64[G], whom each picture shows.
        rule: How precision is averaged; see `trapezoid_precision`.
    """
    queries, precisions, firsts = [], [], []
    for row in range(texts.shape[0]):
        right = image_keys == text_keys[row]
        if not right.any():
            continue
        hits = right[np.argsort(-(images @ texts[row]), kind="stable")]
        queries.append(row)
        precisions.append(average_precision(hits) if rule == "sum" else trapezoid_precision(hits))
        firsts.append(int(np.argmax(hits)) + 1)
    return WordRetrieval(np.array(queries, np.int64), np.array(precisions), np.array(firsts, np.int64))


def trapezoid_precision(hits: NDArray[np.bool_]) -> float:
    """Area under precision over recall by trapezoids, precision 1 at the beginning; `hits` is the whole ranking.

    This is IVT's published average precision (methods.md 4.5): lower than the sum rule after a wrong answer.
    """
    ranks = np.flatnonzero(hits) + 1
    if ranks.size == 0:
        return 0.0
    found = np.arange(1, ranks.size + 1)
    before = np.where(ranks == 1, 1.0, (found - 1) / np.maximum(ranks - 1, 1))
    return float(np.mean((before + found / ranks) / 2.0))


def by_group(found: WordRetrieval, groups: Mapping[str, NDArray[np.bool_]]) -> dict[str, dict[str, float | int]]:
    """Figures of each group of sentences, bool[Q] by name."""
    return {name: found.figures(wanted) for name, wanted in groups.items()}

"""Matching of partial bodies without alignment, FPR: numpy alone, so that serving needs no torch.

A body is a pyramid of local vectors. Each vector of a query is rebuilt from those of a gallery item; what remains is
the distance, weighed by where the query shows a person. The costly half depends on the gallery item alone and is
computed when it is indexed.

Source: He et al., "Foreground-aware Pyramid Reconstruction for Alignment-free Occluded Person Re-identification",
arXiv:1904.04975, and its public implementation (methods.md 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from packs.arrays import F32

RIDGE = 0.001
"""Weight of the ridge term: with it the vectors of an item may depend on each other."""

CANDIDATES = 100
"""Best items by cosine that are matched; matching all would cost thousands of times more."""

WEIGHT = 0.5
"""Share of the FPR distance in the final one. Choose it on validation data: the published evaluator tries eleven values
on the test data and reports the best, which is no result."""

BEYOND = 100.0
"""FPR distance of what is not matched, so that it comes after all that is."""


@dataclass(frozen=True, slots=True)
class GalleryHalf:
    """What matching needs of one gallery item.

    Attributes:
        vectors: float32[C, N], unit columns: the local vectors G.
        inverse: float32[N, C], (GᵀG + κI)⁻¹Gᵀ.
    """

    vectors: F32
    inverse: F32


def gallery_half(vectors: F32, *, ridge: float = RIDGE) -> GalleryHalf:
    """Compute the gallery's half of the matching, once for each item.

    Args:
        vectors: float32[C, N], local vectors as columns, of any length but zero.
        ridge: κ > 0.
    """
    unit = unit_columns(vectors)
    exact = unit.astype(np.float64)
    gram = exact.T @ exact + ridge * np.eye(exact.shape[1])
    return GalleryHalf(unit, np.linalg.solve(gram, exact.T).astype(np.float32))


def residuals(query: F32, item: GalleryHalf) -> F32:
    """What of each query vector cannot be rebuilt: float32[N_q], 0..1.

    Args:
        query: float32[C, N_q], local vectors as columns.
        item: A gallery item's half.
    """
    unit = unit_columns(query)
    rebuilt = item.vectors @ (item.inverse @ unit)
    return np.asarray(np.linalg.norm(rebuilt - unit, axis=0), dtype=np.float32)


def fpr_distance(query: F32, weights: F32, item: GalleryHalf) -> float:
    """d_FPR = Σ_n p_n r_n.

    Args:
        query: float32[C, N_q], local vectors as columns.
        weights: float32[N_q], how much of the foreground each holds; they sum to 1.
        item: A gallery item's half.

    Returns:
        0 (rebuilt completely) .. 1 (nothing in common).
    """
    return float(weights @ residuals(query, item))


def reranked(cosines: F32, distances: F32, candidates: NDArray[np.intp], *, weight: float = WEIGHT) -> F32:
    """Mix the cosine of whole bodies with the FPR distance of the best.

    Args:
        cosines: float32[G], of the query with each gallery item.
        distances: float32[K], FPR distance of each candidate.
        candidates: int[K], their rows.
        weight: λ, 0 (cosine alone) .. 1 (FPR alone).

    Returns:
        float32[G], (1 - λ)(1 - cosine) + λ d; smaller is nearer. What is no candidate has d = 100.

    Raises:
        ValueError: If λ lies outside 0..1.
    """
    if not 0.0 <= weight <= 1.0:
        raise ValueError(f"the weight of FPR lies in 0..1, got {weight}")
    matched = np.full(cosines.shape[0], BEYOND, np.float32)
    matched[candidates] = distances
    return np.asarray((1.0 - weight) * (1.0 - cosines) + weight * matched, dtype=np.float32)


def best_candidates(cosines: F32, *, most: int = CANDIDATES) -> NDArray[np.intp]:
    """Rows of the `most` largest cosines, best first; equals keep their order."""
    return np.argsort(-cosines, kind="stable")[:most]


def pyramid_size(rows: int, columns: int, kernels: tuple[int, ...]) -> int:
    """Vectors that a map gives: max-pooling with each kernel, stride 2, no padding; what does not fit gives none."""
    return sum(
        ((rows - kernel) // 2 + 1) * ((columns - kernel) // 2 + 1) for kernel in kernels if kernel <= min(rows, columns)
    )


def unit_columns(vectors: F32) -> F32:
    """Columns of length one; a column of zeros stays zero."""
    lengths = np.linalg.norm(vectors, axis=0, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
